package jetstream_test

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"testing"

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
	nodes, err := jetstreamtest.Nodes(t.TempDir(), 1)
	require.NoError(t, err)
	stop, err := natsserver.Within(nodes)
	require.NoError(t, err)
	u, extents := jetstreamtest.URL(nodes, "guarded", 1, 1), memory.NewCatalog()
	initialize(t, u)
	before := guarded(t, u, extents)
	for range 10 {
		require.NoError(t, add(before, 2))
	}
	require.NoError(t, before.Close())
	stop()
	flip(t, nodes[0], block)
	stop, err = natsserver.Within(nodes)
	require.NoError(t, err)
	t.Cleanup(stop)
	return guarded(t, u, extents)
}

// flip flips a bit of a block of the stream in a file of the server's.
func flip(t *testing.T, node jetstreamtest.Node, block int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(node.Dir, "jetstream", "$G", "streams", "guarded-0", "msgs", "*.blk"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	data, err := os.ReadFile(files[0])
	require.NoError(t, err)
	at, subject := 0, []byte("guarded.0.b."+base64.RawURLEncoding.EncodeToString(stream[:]))
	for range block + 1 {
		next := bytes.Index(data[at:], subject)
		require.GreaterOrEqual(t, next, 0)
		at += next + len(subject)
	}
	data[at+100] ^= 1
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
