package identity_test

import (
	"context"
	"fmt"
	"sync"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// register is a catalog in memory that counts how often it is asked about
// organizations, and that has no answer while it is broken.
type register struct {
	*memory.Catalog
	t      coretest.Tester
	mu     sync.Mutex
	asked  int
	broken error
}

// firm is one of the organizations that every register has, without limits.
func firm(id core.ID) core.Organization {
	return core.Organization{ID: id, Name: fmt.Sprint("firm ", id[0]), CreatedAt: coretest.NewClock().Now()}
}

// newRegister has the catalog know the organizations of the tests.
func newRegister(t coretest.Tester, catalog *memory.Catalog) *register {
	t.Helper()
	for _, id := range []core.ID{{1}, {2}, {9}} {
		_, err := catalog.EnsureOrganization(t.Context(), firm(id))
		require.NoError(t, err)
	}
	return &register{Catalog: catalog, t: t}
}

func (r *register) Organization(ctx context.Context, id core.ID) (core.Organization, error) {
	r.mu.Lock()
	r.asked++
	broken := r.broken
	r.mu.Unlock()
	if broken != nil {
		return core.Organization{}, broken
	}
	return r.Catalog.Organization(ctx, id)
}

// limit gives an organization limits.
func (r *register) limit(id core.ID, key, user core.Rate) {
	r.t.Helper()
	require.NoError(r.t, r.LimitOrganization(r.t.Context(), core.Organization{ID: id, KeyRate: key, UserRate: user}))
}

// questions returns how often the register was asked since the last time.
func (r *register) questions() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer func() { r.asked = 0 }()
	return r.asked
}
