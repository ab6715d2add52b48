package jetstream

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/jetstreamtest"
	"github.com/eventflow-go/eventflow/adapters/jetstreamtest/natsserver"
	"github.com/eventflow-go/eventflow/core"
)

// onServer is a store of one partition on a server of its own.
func onServer(t *testing.T) *Storage {
	t.Helper()
	nodes, err := jetstreamtest.Nodes(t.TempDir(), 1)
	require.NoError(t, err)
	stop, err := natsserver.Within(nodes)
	require.NoError(t, err)
	t.Cleanup(stop)
	u := jetstreamtest.URL(nodes, "trimmed", 1, 1)
	require.NoError(t, Init(t.Context(), u, func(string) {}))
	storage, err := Open(t.Context(), u)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, storage.Close()) })
	return storage.(*Storage)
}

// hourly appends one event an hour to stream 1, each with an idempotency key.
func hourly(t *testing.T, s *Storage, keys ...string) {
	t.Helper()
	for i, key := range keys {
		one := batchOf(1, key)
		one.Entries[0].Fingerprint = core.Fingerprint{1}
		require.NoError(t, s.Append(t.Context(), noon.Add(time.Duration(i)*time.Hour), []core.Batch{one}))
	}
}

// held counts the messages of subjects.
func held(t *testing.T, p *partition, filter string) (count int) {
	t.Helper()
	state, err := p.whole(t.Context(), map[string]string{"subjects_filter": filter})
	require.NoError(t, err)
	for _, n := range state.State.Subjects {
		count += int(n)
	}
	return count
}

// A call of Trim that was interrupted is finished by the next, wherever that was.
func TestTrimFinishesWhatWasInterrupted(t *testing.T) {
	t.Parallel()
	for name, purged := range map[string]bool{"behind the floor": false, "behind the blocks": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := onServer(t)
			p, stream := s.partitions[0], core.ID{1}
			hourly(t, s, "old", "new")
			last, err := s.lastOf(t.Context(), p, stream)
			require.NoError(t, err)
			require.NoError(t, p.setFloor(t.Context(), stream, 1))
			if purged {
				require.NoError(t, p.purge(t.Context(), p.blocks(stream), last.seq))
			}
			require.Equal(t, 2, held(t, p, p.keys(stream)))
			bounds, err := s.Bounds(t.Context(), []core.ID{stream})
			require.NoError(t, err)
			require.Equal(t, core.Offset(1), bounds[0].First)
			require.NoError(t, s.Trim(t.Context(), stream, noon.Add(time.Hour)))
			require.Equal(t, 1, held(t, p, p.blocks(stream)))
			require.Equal(t, 1, held(t, p, p.keys(stream)), "the key of the event that is there")
		})
	}
}

// Several nodes remove at once, by clocks of their own. Where a stream begins never goes
// back, and no more than one floor is kept.
func TestAFloorNeverGoesBack(t *testing.T) {
	t.Parallel()
	s := onServer(t)
	p, stream := s.partitions[0], core.ID{1}
	hourly(t, s, "", "", "", "", "", "", "", "")
	offsets := []core.Offset{3, 1, 6, 2, 5, 4}
	require.NoError(t, each(offsets, func(offset core.Offset) error { return p.setFloor(t.Context(), stream, offset) }))
	at, err := p.floorOf(t.Context(), stream)
	require.NoError(t, err)
	require.Equal(t, core.Offset(6), at.offset)
	require.NoError(t, s.Trim(t.Context(), stream, noon.Add(7*time.Hour)))
	require.Equal(t, 1, held(t, p, p.floor(stream)))
	events, err := s.Read(t.Context(), stream, core.Scan{Limit: 10})
	require.NoError(t, err)
	require.Len(t, events, 1)
	require.NoError(t, s.Check(t.Context()))
}

// A version before this one wrote down nothing of what it removed. What is missing in front
// of its streams counts as removed.
func TestAStreamOfAVersionBeforeMayBeginAnywhere(t *testing.T) {
	t.Parallel()
	s := onServer(t)
	p, stream := s.partitions[0], core.ID{1}
	hourly(t, s, "", "", "")
	_, err := p.send(t.Context(), []outgoing{{p.owned(core.ID{1}, stream), nil, anything}}) // as it was
	require.NoError(t, err)
	last, err := s.lastOf(t.Context(), p, stream)
	require.NoError(t, err)
	require.NoError(t, p.purge(t.Context(), p.blocks(stream), last.seq))
	js, err := s.link.conn.JetStream()
	require.NoError(t, err)
	_, err = js.GetLastMsg(p.stream, p.floor(stream))
	require.ErrorIs(t, err, nats.ErrMsgNotFound)
	for _, from := range []core.Offset{0, 2} {
		events, err := s.Read(t.Context(), stream, core.Scan{From: from, Limit: 10})
		require.NoError(t, err)
		require.Len(t, events, 1)
	}
	bounds, err := s.Bounds(t.Context(), []core.ID{stream})
	require.NoError(t, err)
	require.Equal(t, core.Offset(2), bounds[0].First)
}
