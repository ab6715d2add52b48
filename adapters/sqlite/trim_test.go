package sqlite

import (
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// Old events go in small steps, and appends get through between them. Nothing else of
// the file is touched.
func TestTrimGivesWayToAppends(t *testing.T) {
	t.Parallel()
	opened, err := Open(t.Context(), &url.URL{Scheme: "sqlite", Opaque: t.TempDir()})
	require.NoError(t, err)
	s := opened.(*Storage)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	now := time.Now().UTC().Truncate(time.Microsecond)
	put := func(stream core.ID, at time.Time, n int) {
		entries := make([]core.Entry, n)
		for i := range entries {
			entries[i].Event = core.Event{ID: core.RandomID(at), Type: "a", OccurredAt: at, Payload: []byte(`{}`)}
		}
		require.NoError(t, s.Append(t.Context(), at, []core.Batch{{Org: core.ID{9}, Stream: stream, Entries: entries}}))
	}
	old, busy := core.ID{1}, core.ID{2}
	put(old, now.Add(-72*time.Hour), 6_000)
	put(old, now, 5)
	var trimmed atomic.Bool
	done := make(chan error, 1)
	go func() {
		err := s.Trim(t.Context(), old, now)
		trimmed.Store(true)
		done <- err
	}()
	through := 0
	for ; !trimmed.Load(); through++ {
		put(busy, now, 1)
	}
	require.NoError(t, <-done)
	require.Greater(t, through, 5, "with 5,000 events to a step, 3 or 4 would get through")
	bounds, err := s.Bounds(t.Context(), []core.ID{old, busy})
	require.NoError(t, err)
	require.Equal(t, []core.Offset{6_000, 6_005, 0, core.Offset(through)}, []core.Offset{bounds[0].First, bounds[0].Next, bounds[1].First, bounds[1].Next})
}
