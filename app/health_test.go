package app

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

type checkedStorage struct {
	core.Storage
	err error
}

// Check implements [core.Storage].
func (s checkedStorage) Check(context.Context) error { return s.err }

type checkedCatalog struct {
	core.Catalog
	err error
}

// Check implements [core.Catalog].
func (c checkedCatalog) Check(context.Context) error { return c.err }

// A server whose disk is full is degraded, and says why: it still answers readers,
// whom a server that is unavailable would lose.
func TestHealthTellsOfWhatIsRefused(t *testing.T) {
	t.Parallel()
	full := fmt.Errorf("the disk is full; %w", core.ErrDegraded)
	lost := core.Unavailable(nil, time.Second, "secret")
	for _, c := range []struct {
		store, catalog error
		status         string
		message        string
	}{
		{nil, nil, rest.StatusOK, ""},
		{full, nil, rest.StatusDegraded, "the disk is full; reading goes on"},
		{nil, full, rest.StatusDegraded, ""},
		{full, lost, rest.StatusUnavailable, "the disk is full; reading goes on"},
		{lost, full, rest.StatusUnavailable, "unreachable"},
	} {
		h := newHealth(Config{}, checkedStorage{err: c.store}, checkedCatalog{err: c.catalog}, time.Now, slog.New(slog.DiscardHandler))
		report := h.report(t.Context())
		require.Equal(t, c.status, report.Status)
		require.Equal(t, c.message, report.Checks["store"].Message)
	}
}
