package jetstream_test

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/jetstreamtest"
	"github.com/eventflow-go/eventflow/adapters/jetstreamtest/natsserver"
	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
)

// damaged is a store whose server was stopped with ten blocks of two events on its disk, and
// started with a bit of one of them flipped.
func damaged(t *testing.T, block int) core.Storage {
	t.Helper()
	return restarted(t, func(storage core.Storage) {
		for range 10 {
			require.NoError(t, add(storage, 2))
		}
	}, func(node jetstreamtest.Node) { flip(t, node, blocksOfStream, block, 100) })
}

// restarted is a store that was filled, and whose server was stopped, harmed and started.
func restarted(t *testing.T, fill func(core.Storage), harm func(jetstreamtest.Node)) core.Storage {
	t.Helper()
	nodes, err := jetstreamtest.Nodes(t.TempDir(), 1)
	require.NoError(t, err)
	stop, err := natsserver.Within(nodes)
	require.NoError(t, err)
	u, extents := jetstreamtest.URL(nodes, "guarded", 1, 1), memory.NewCatalog()
	initialize(t, u)
	before := guarded(t, u, extents)
	fill(before)
	require.NoError(t, before.Close())
	stop()
	harm(nodes[0])
	stop, err = natsserver.Within(nodes)
	require.NoError(t, err)
	t.Cleanup(stop)
	return guarded(t, u, extents)
}

var (
	blocksOfStream = "guarded.0.b." + base64.RawURLEncoding.EncodeToString(stream[:])
	keysOfStream   = "guarded.0.k." + base64.RawURLEncoding.EncodeToString(stream[:])
)

// flip flips a bit in a file of a server's, so many bytes behind the subject of a message,
// which is counted by its subject.
func flip(t *testing.T, node jetstreamtest.Node, subject string, number, behind int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(node.Dir, "jetstream", "$G", "streams", "guarded-0", "msgs", "*.blk"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	data, err := os.ReadFile(files[0])
	require.NoError(t, err)
	at := 0
	for range number + 1 {
		next := bytes.Index(data[at:], []byte(subject))
		require.GreaterOrEqual(t, next, 0)
		at += next + len(subject)
	}
	data[at+behind] ^= 1
	require.NoError(t, os.WriteFile(files[0], data, 0o600))
}

// A server that cannot read the last block of a stream says that there is none, and would
// take the next append for the stream's first.
func TestAStreamWhoseEndIsDamagedIsNotTakenForNew(t *testing.T) {
	t.Parallel()
	storage := damaged(t, 9)
	const told = "cannot read what it has of guarded.0.b.CQ"
	require.ErrorContains(t, add(storage, 1), told)
	_, err := storage.Bounds(t.Context(), []core.ID{stream})
	require.ErrorContains(t, err, told)
	_, err = storage.(core.Copyable).Logs(t.Context())
	require.ErrorContains(t, err, told)
	events, err := storage.Read(t.Context(), stream, core.Scan{Limit: 18})
	require.NoError(t, err, "the rest can be read")
	require.Len(t, events, 18)
}

// No reader is led past a block that cannot be read, wherever it begins.
func TestADamagedBlockIsNotSkipped(t *testing.T) {
	t.Parallel()
	storage := damaged(t, 5)
	for _, from := range []core.Offset{0, 9, 10, 11} {
		events, err := storage.Read(t.Context(), stream, core.Scan{From: from, Limit: 20})
		require.ErrorContains(t, err, "is damaged", "from %d", from)
		require.Len(t, events, int(max(10-from, 0)))
	}
	events, err := storage.Read(t.Context(), stream, core.Scan{From: 12, Limit: 20})
	require.NoError(t, err)
	require.Len(t, events, 8)
	require.NoError(t, add(storage, 1))
}

// A stream whose first block cannot be read has lost nothing to retention, and nobody is told
// that it had.
func TestADamagedBeginningIsNotTakenForRemoved(t *testing.T) {
	t.Parallel()
	storage := damaged(t, 0)
	const told = "events from offset 0 to 1 can be read nowhere. They were not removed. What follows can be read, from offset 2 on, which is at sequence 4"
	for from := range core.Offset(2) {
		events, err := storage.Read(t.Context(), stream, core.Scan{From: from, Limit: 20})
		require.ErrorContains(t, err, "from offset 2 on")
		require.Equal(t, core.CodeUnavailable, core.CodeOf(err))
		require.Empty(t, events)
	}
	_, err := storage.ReadAll(t.Context(), core.ID{1}, core.AllScan{Limit: 20})
	require.ErrorContains(t, err, told)
	_, err = storage.Read(t.Context(), stream, core.Scan{Limit: 20, Backward: true})
	require.ErrorContains(t, err, told)
	_, err = storage.OffsetAt(t.Context(), stream, time.Time{})
	require.ErrorContains(t, err, told)

	events, err := storage.Read(t.Context(), stream, core.Scan{From: 2, Limit: 20})
	require.NoError(t, err, "the rest can be read")
	require.Len(t, events, 18)
	events, err = storage.Read(t.Context(), stream, core.Scan{Limit: 18, Backward: true})
	require.NoError(t, err)
	require.Len(t, events, 18)
	bounds, err := storage.Bounds(t.Context(), []core.ID{stream})
	require.NoError(t, err)
	require.Equal(t, core.Offset(0), bounds[0].First)
	logs, err := storage.(core.Copyable).Logs(t.Context())
	require.NoError(t, err)
	require.Equal(t, core.Offset(0), logs[0].First, "a copy does not begin behind what is lost")
	require.NoError(t, add(storage, 1))
	err = storage.Check(t.Context())
	require.ErrorIs(t, err, core.ErrDegraded)
	require.ErrorContains(t, err, "stream "+stream.String()+" from offset 0")

	at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC) // as add has it
	require.NoError(t, storage.(core.Trimmer).Trim(t.Context(), stream, at))
	require.Error(t, storage.Check(t.Context()), "nothing is old enough")
	require.NoError(t, storage.(core.Trimmer).Trim(t.Context(), stream, at.Add(time.Hour)))
	require.NoError(t, storage.Check(t.Context()), "retention took it away")
	bounds, err = storage.Bounds(t.Context(), []core.ID{stream})
	require.NoError(t, err)
	require.Equal(t, core.Bounds{First: 21, Next: 21, Last: at}, bounds[0])
	events, err = storage.Read(t.Context(), stream, core.Scan{Limit: 20})
	require.NoError(t, err)
	require.Empty(t, events)
}

// What retention has left begins with a block that cannot be read: that block was not removed.
func TestADamagedBeginningOfWhatIsLeft(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	storage := restarted(t, func(storage core.Storage) {
		for hour := range 5 {
			require.NoError(t, storage.Append(t.Context(), at.Add(time.Duration(hour)*time.Hour), []core.Batch{one(stream, "")}))
		}
		require.NoError(t, storage.(core.Trimmer).Trim(t.Context(), stream, at.Add(2*time.Hour)))
		bounds, err := storage.Bounds(t.Context(), []core.ID{stream})
		require.NoError(t, err)
		require.Equal(t, core.Offset(2), bounds[0].First)
	}, func(node jetstreamtest.Node) { flip(t, node, blocksOfStream, 2, 100) })
	_, err := storage.Read(t.Context(), stream, core.Scan{Limit: 20})
	require.ErrorContains(t, err, "events from offset 2 to 2 can be read nowhere")
	bounds, err := storage.Bounds(t.Context(), []core.ID{stream})
	require.NoError(t, err)
	require.Equal(t, core.Offset(2), bounds[0].First)
	events, err := storage.Read(t.Context(), stream, core.Scan{From: 3, Limit: 20})
	require.NoError(t, err)
	require.Len(t, events, 2)
}

// one is one event, with an idempotency key if that is not "".
func one(stream core.ID, key string) core.Batch {
	at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	e := core.Event{ID: core.RandomID(at), Type: "a", Version: 1, OccurredAt: at, Source: "test", Payload: []byte(`1`), IdempotencyKey: key}
	return core.Batch{Org: core.ID{1}, Stream: stream, Entries: []core.Entry{{Event: e, Fingerprint: core.Fingerprint{1}}}}
}

// An event whose idempotency key cannot be looked up is not stored: it may be there already.
func TestAKeyThatCannotBeReadIsNotForgotten(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	storage := restarted(t, func(storage core.Storage) {
		for _, key := range []string{"a", "b", "c"} {
			require.NoError(t, storage.Append(t.Context(), at, []core.Batch{one(stream, key)}))
		}
	}, func(node jetstreamtest.Node) { flip(t, node, keysOfStream, 1, 70) })
	err := storage.Append(t.Context(), at, []core.Batch{one(stream, "b")})
	require.Equal(t, core.CodeUnavailable, core.CodeOf(err))
	require.NotErrorIs(t, err, core.ErrUnknownOutcome)
	require.ErrorContains(t, err, "cannot read what it has of guarded.0.k.CQ")
	for _, key := range []string{"a", "c"} {
		again := one(stream, key)
		require.NoError(t, storage.Append(t.Context(), at, []core.Batch{again}))
		require.Equal(t, core.Duplicate, again.Entries[0].Outcome)
	}
	fresh := one(stream, "d")
	require.NoError(t, storage.Append(t.Context(), at, []core.Batch{fresh}))
	require.Equal(t, core.Stored, fresh.Entries[0].Outcome)
	require.Equal(t, core.Offset(3), fresh.Entries[0].Offset)
}
