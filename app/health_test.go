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
	"github.com/eventflow-go/eventflow/core/eventlog"
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
		h := newHealth(Config{}, checkedStorage{err: c.store}, checkedCatalog{err: c.catalog}, clockOff(t, 0), slog.New(slog.DiscardHandler))
		report := h.report(t.Context())
		require.Equal(t, c.status, report.Status)
		require.Equal(t, c.message, report.Checks["store"].Message)
	}
}

// right is the keeper of a clock that is right.
type right struct{}

// Time implements [core.Timekeeper].
func (right) Time(context.Context) (time.Time, error) { return time.Now(), nil }

// clockOff returns the shared clock of a machine whose own clock is off.
func clockOff(t *testing.T, off time.Duration) *eventlog.SharedClock {
	t.Helper()
	own := func() time.Time { return time.Now().Add(off) }
	clock, err := eventlog.NewSharedClock(t.Context(), own, slog.New(slog.DiscardHandler), right{})
	require.NoError(t, err)
	return clock
}

// A server whose clock is wrong should get no requests. One whose clock is off by a
// little is ready, and says so.
func TestHealthTellsOfAWrongClock(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		off     time.Duration
		status  string
		message string
	}{
		{0, rest.StatusOK, ""},
		{2 * time.Second, rest.StatusDegraded, "this server's clock is 2s ahead of the database's; synchronize it, for example by NTP"},
		{-3 * time.Second, rest.StatusDegraded, "this server's clock is 3s behind the database's; synchronize it, for example by NTP"},
		{time.Hour, rest.StatusUnavailable, "this server's clock is 1h0m0s ahead of the database's; synchronize it, for example by NTP"},
	} {
		report := newHealth(Config{}, checkedStorage{}, checkedCatalog{}, clockOff(t, c.off), slog.New(slog.DiscardHandler)).report(t.Context())
		require.Equal(t, c.status, report.Status)
		require.Equal(t, rest.Check{Status: c.status, Message: c.message}, report.Checks["clock"])
	}
}
