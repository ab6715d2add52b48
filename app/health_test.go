package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
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
		{core.Unavailable(core.ErrLost, time.Second, "it ends at 1 and had come to 2"), nil, rest.StatusUnavailable, "it ends at 1 and had come to 2"},
	} {
		h := newHealth(Config{}, healthOf(t, c.store, c.catalog, 0))
		report := h.report(t.Context())
		require.Equal(t, c.status, report.Status)
		require.Equal(t, c.message, report.Checks["store"].Message)
	}
}

// healthOf are parts of which some fail, on a machine whose clock is off.
func healthOf(t *testing.T, store, catalog error, off time.Duration) healthPorts {
	t.Helper()
	return healthPorts{
		Storage: checkedStorage{err: store}, Catalog: checkedCatalog{err: catalog}, Clock: clockOff(t, off),
		Chores: newChores(time.Now), Logger: slog.New(slog.DiscardHandler),
	}
}

// housedStorage is a storage on a disk of this machine.
type housedStorage struct {
	core.Storage
	load core.DiskLoad
}

// Disk implements [core.Housed].
func (s housedStorage) Disk() (core.DiskLoad, error) { return s.load, nil }

// A disk that gets full is told of before it is, with what is left, and the server
// stays ready.
func TestHealthTellsOfADiskThatGetsFull(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	ports := healthOf(t, nil, nil, 0)
	ports.Logger = slog.New(slog.NewTextHandler(&logged, nil))
	ports.Storage = housedStorage{ports.Storage, core.DiskLoad{Size: 20 << 30, Free: 3 << 29}}
	h := newHealth(Config{DiskLow: 2 << 30}, ports)
	for range 2 {
		report := h.report(t.Context())
		require.Equal(t, rest.StatusDegraded, report.Status)
		require.Equal(t, "1.5 GiB of 20.0 GiB are free; when the disk is full, nothing more is stored", report.Checks["disk"].Message)
	}
	require.Equal(t, 1, strings.Count(logged.String(), "getting full"), "it is logged once")
	h.low = 1 << 30
	require.Equal(t, rest.Check{Status: rest.StatusOK}, h.report(t.Context()).Checks["disk"])
	ports.Storage = housedStorage{ports.Storage, core.DiskLoad{}}
	require.NotContains(t, newHealth(Config{}, ports).report(t.Context()).Checks, "disk", "it is another machine's")
}

// migratedStorage is a storage whose tables have a version.
type migratedStorage struct {
	core.Storage
	at int64
}

// Schema implements [core.Migrated].
func (s migratedStorage) Schema(context.Context) (at, known int64, err error) { return s.at, 3, nil }

// A server whose tables were changed by a newer one goes on, and says that it is next.
func TestHealthTellsOfNewerTables(t *testing.T) {
	t.Parallel()
	for at, status := range map[int64]string{3: rest.StatusOK, 4: rest.StatusDegraded} {
		ports := healthOf(t, nil, nil, 0)
		ports.Storage = migratedStorage{ports.Storage, at}
		report := newHealth(Config{}, ports).report(t.Context())
		require.Equal(t, status, report.Status)
		require.Equal(t, status, report.Checks["migrations"].Status)
		if at > 3 {
			require.Equal(t, "the tables of the events are at version 4 and this server knows 3: update it, too", report.Checks["migrations"].Message)
		}
	}
}

// What the server does by itself is told with its last turn, and since when it fails. The
// reason is for the log alone: anybody may read the report.
func TestHealthTellsOfWorkThatFails(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	ports := healthOf(t, nil, nil, 0)
	ports.Chores = newChores(func() time.Time { return now })
	h := newHealth(Config{}, ports)
	require.NotContains(t, h.report(t.Context()).Checks, "retention", "it has not been done yet")
	ports.Chores.ran("retention", nil)
	ports.Chores.ran("replays", errors.New("a secret"))
	now = now.Add(time.Minute)
	ports.Chores.ran("replays", errors.New("a secret"))
	report := h.report(t.Context())
	require.Equal(t, rest.StatusDegraded, report.Status)
	require.Equal(t, rest.Check{Status: rest.StatusOK, LastRun: now.Add(-time.Minute)}, report.Checks["retention"])
	require.Equal(t, rest.Check{
		Status: rest.StatusDegraded, LastRun: now, Message: "has failed since 2026-01-02T03:04:05Z; it is tried again, and the log says why",
	}, report.Checks["replays"])
	ports.Chores.ran("replays", nil)
	require.Equal(t, rest.StatusOK, h.report(t.Context()).Status)
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
		report := newHealth(Config{}, healthOf(t, nil, nil, c.off)).report(t.Context())
		require.Equal(t, c.status, report.Status)
		require.Equal(t, rest.Check{Status: c.status, Message: c.message}, report.Checks["clock"])
	}
}
