package app_test

import (
	"bytes"
	"context"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/adapters/postgres"
	"github.com/eventflow-go/eventflow/adapters/sqlite"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// swept is a stream with bounds in a store, and all that was ever stored in it.
type swept struct {
	*testing.T
	stream core.Stream
	log    core.Storage
	stored []core.Event
	now    time.Time
}

// append stores some events of some size.
func (s *swept) append(chance *rand.Rand) {
	s.Helper()
	entries := make([]core.Entry, 1+chance.IntN(20))
	payload := append(append([]byte{'"'}, bytes.Repeat([]byte{'x'}, chance.IntN(400))...), '"')
	for i := range entries {
		entries[i].Event = core.Event{ID: core.RandomID(s.now), Type: "a", Version: 1, OccurredAt: s.now, Payload: payload}
	}
	require.NoError(s, s.log.Append(s.Context(), s.now, []core.Batch{{Org: s.stream.Org, Stream: s.stream.ID, Entries: entries}}))
	for i := range entries {
		s.stored = append(s.stored, entries[i].Event)
	}
}

func size(events []core.Event) (sum int64) {
	for i := range events {
		sum += int64(events[i].Size())
	}
	return sum
}

// holds checks that what a bound wants kept is there, and that the oldest day is there
// only because a bound wants a part of it, or of the time before it. No store keeps
// more than a day for longer than it must.
func (s *swept) holds() {
	s.Helper()
	bounds, err := s.log.Bounds(s.Context(), []core.ID{s.stream.ID})
	require.NoError(s, err)
	first, left, old := bounds[0].First, s.stored[bounds[0].First:], s.now.AddDate(0, 0, -s.stream.RetentionDays)
	if first > 0 {
		aged := s.stored[first-1].ReceivedAt.Before(old)
		counted := s.stream.RetentionEvents > 0 && int64(len(left)) >= s.stream.RetentionEvents
		weighed := s.stream.RetentionBytes > 0 && size(left) >= s.stream.RetentionBytes
		require.True(s, aged || counted || weighed, "no bound lets offset %d go", first-1)
	}
	if len(left) == 0 {
		return
	}
	end, n := left[0].ReceivedAt.Truncate(24*time.Hour).Add(24*time.Hour), 0
	for n < len(left) && left[n].ReceivedAt.Before(end) {
		n++
	}
	require.True(s, end.After(old), "the oldest day is too old")
	if s.stream.RetentionEvents > 0 {
		require.Less(s, int64(len(left)-n), s.stream.RetentionEvents, "without the oldest day so many are left")
	}
	if s.stream.RetentionBytes > 0 {
		require.Less(s, size(left[n:]), s.stream.RetentionBytes, "without the oldest day so much is left")
	}
}

// Bounds by age, events and bytes mean the same on every store.
func TestBoundsHoldOnEveryStore(t *testing.T) {
	t.Parallel()
	ctx := context.Background() // the stores are closed after the test's own has ended
	for name, open := range map[string]func(*testing.T) (core.Storage, error){
		"memory": func(*testing.T) (core.Storage, error) { return memory.Open(ctx, &url.URL{Scheme: "memory"}) },
		"sqlite": func(t *testing.T) (core.Storage, error) {
			return sqlite.Open(ctx, &url.URL{Scheme: "sqlite", Opaque: t.TempDir()})
		},
		"postgres": func(t *testing.T) (core.Storage, error) { return postgres.Open(ctx, pgtest.URL(t)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log, err := open(t)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, log.Close()) })
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			chance := rand.New(rand.NewPCG(seed, 0))
			for number := range byte(12) {
				sweepSome(t, log, chance, core.ID{1, number})
			}
		})
	}
}

// sweepSome stores and removes for some days, each time with other bounds.
func sweepSome(t *testing.T, log core.Storage, chance *rand.Rand, id core.ID) {
	t.Helper()
	s := &swept{T: t, log: log, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), stream: core.Stream{
		ID: id, Org: core.ID{2}, Name: "orders", Revision: 1, RetentionDays: 1 + chance.IntN(3),
		RetentionBytes:  []int64{0, 1, 1000, 5000, 1 << 50}[chance.IntN(5)],
		RetentionEvents: []int64{0, 1, 10, 50, 1 << 50}[chance.IntN(5)],
	}}
	catalog := memory.NewCatalog()
	require.NoError(t, catalog.CreateStream(t.Context(), s.stream))
	var removed core.Offset
	retention := eventlog.NewRetention(eventlog.RetentionPorts{
		Catalog: catalog, Log: log, Attempts: catalog, Sessions: catalog, Logger: slog.New(slog.DiscardHandler), Now: time.Now,
		Removed: func(removal core.Removal) { removed += core.Offset(removal.Events) }, Swept: func(eventlog.Sweep) {},
	})
	for range 8 {
		s.append(chance)
		s.now = s.now.Add(time.Duration([]int{0, 10, 60, 240, 1440, 3000}[chance.IntN(6)]) * time.Minute)
		if chance.IntN(2) == 0 {
			require.NoError(t, retention.Sweep(t.Context(), s.now))
			s.holds()
		}
	}
	bounds, err := log.Bounds(t.Context(), []core.ID{id})
	require.NoError(t, err)
	require.Equal(t, bounds[0].First, removed, "every removal is told once")
}
