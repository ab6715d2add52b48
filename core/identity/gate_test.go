package identity_test

import (
	"bytes"
	"context"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/identity"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// keyring is a catalog in memory that counts how often it is asked whose a
// secret is, and how often it is given a key to keep. While it is broken it shows
// no key and notes no use.
type keyring struct {
	*memory.Catalog
	mu          sync.Mutex
	asked, made int
	broken      error
	// writes are the calls that noted uses.
	writes []map[core.ID]time.Time
}

// ask counts questions, and fails while the keyring is broken.
func (k *keyring) ask(questions int) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked += questions
	return k.broken
}

func (k *keyring) CreateKey(ctx context.Context, key core.APIKey) error {
	k.mu.Lock()
	k.made++
	k.mu.Unlock()
	return k.Catalog.CreateKey(ctx, key)
}

func (k *keyring) KeyByHash(ctx context.Context, hash core.KeyHash) (core.APIKey, error) {
	if err := k.ask(1); err != nil {
		return core.APIKey{}, err
	}
	return k.Catalog.KeyByHash(ctx, hash)
}

func (k *keyring) Key(ctx context.Context, org, id core.ID) (core.APIKey, error) {
	if err := k.ask(0); err != nil {
		return core.APIKey{}, err
	}
	return k.Catalog.Key(ctx, org, id)
}

func (k *keyring) Keys(ctx context.Context, org core.ID, scan core.KeyScan) ([]core.APIKey, error) {
	if err := k.ask(0); err != nil {
		return nil, err
	}
	return k.Catalog.Keys(ctx, org, scan)
}

func (k *keyring) TouchKeys(ctx context.Context, used map[core.ID]time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.broken != nil {
		return k.broken
	}
	k.writes = append(k.writes, used)
	return k.Catalog.TouchKeys(ctx, used)
}

// questions returns how often the keyring was asked since the last time.
func (k *keyring) questions() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	defer func() { k.asked = 0 }()
	return k.asked
}

// gate is where keys are shown.
type gate struct {
	t      coretest.Tester
	clock  *coretest.HandClock
	ring   *keyring
	orgs   *register
	access *identity.Access
}

func newGate(t coretest.Tester) *gate {
	t.Helper()
	catalog := memory.NewCatalog()
	g := &gate{t: t, clock: coretest.NewClock(), ring: &keyring{Catalog: catalog}, orgs: newRegister(t, catalog)}
	g.access = g.node(7)
	return g
}

// node returns another node's view of the same catalog.
func (g *gate) node(secret byte) *identity.Access {
	access, err := identity.NewAccess(g.ring, g.orgs, bytes.Repeat([]byte{secret}, identity.MinSecretBytes), nil, g.clock.Now)
	require.NoError(g.t, err)
	return access
}

func (g *gate) key(change ...func(*identity.KeySpec)) (core.APIKey, string) {
	spec := identity.KeySpec{Label: "till 4", Environment: core.Live, Role: core.RoleProducer}
	for _, change := range change {
		change(&spec)
	}
	key, secret, err := g.access.CreateKey(g.t.Context(), core.ID{1}, spec)
	require.NoError(g.t, err)
	return key, secret
}

// refused holds a node to the one answer that every bad key gets.
func (g *gate) refused(node *identity.Access, secret string) {
	g.t.Helper()
	who, err := node.Authenticate(g.t.Context(), secret)
	require.Empty(g.t, who)
	require.EqualError(g.t, err, "UNAUTHORIZED: the API key is missing, malformed, unknown, expired or revoked")
	require.Equal(g.t, core.CodeUnauthorized, core.CodeOf(err))
}

func (g *gate) accepted(node *identity.Access, secret string) core.Principal {
	g.t.Helper()
	who, err := node.Authenticate(g.t.Context(), secret)
	require.NoError(g.t, err)
	return who
}
