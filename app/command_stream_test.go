package app_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// shards are three stores in folders.
const shards = "EVENTFLOW_STORE=sharded:sqlite:./a,sqlite:./b,sqlite:./c"

// An installation over three stores is worked with by the commands as one over a single
// store is, moved, backed up, copied and restored; and what is no such installation is
// refused with a sentence that says why.
func TestAnInstallationOfSeveralShards(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	run := func(store string, args ...string) string {
		t.Helper()
		o := h.run([]string{secret, store}, args...)
		require.Zero(t, o.code, "%q: %s", args, o.stderr)
		return o.stdout
	}
	refused := func(code int, says, store string, args ...string) {
		t.Helper()
		o := h.run([]string{secret, store, "EVENTFLOW_ADDR=127.0.0.1:0"}, args...)
		require.Equal(t, code, o.code, "%q: %s", args, o.stderr)
		require.Contains(t, o.stderr, says)
	}
	placed := func(store string) map[string]int {
		t.Helper()
		var streams []core.Stream
		require.NoError(t, json.Unmarshal([]byte(run(store, "stream", "list", "-o", "json")), &streams))
		on := map[string]int{}
		for _, stream := range streams {
			require.Nil(t, stream.Moving)
			on[stream.Name] = stream.Shard
		}
		return on
	}
	for i := range 3 {
		id := strings.TrimSpace(run(shards, "stream", "create", "s"+strconv.Itoa(i), "--description", "one"))
		_, err := core.ParseID(id)
		require.NoError(t, err)
	}
	run(shards, "stream", "create", "pinned", "--shard", "2")
	require.Equal(t, map[string]int{"s0": 0, "s1": 1, "s2": 2, "pinned": 2}, placed(shards))
	refused(2, "--to is required", shards, "stream", "move", "s0")
	refused(2, "shard: must be 0 to 2: the store has 3 shards", shards, "stream", "create", "x", "--shard", "3")
	refused(2, "shard: must be 0 to 2", shards, "stream", "move", "s0", "--to", "3")
	refused(4, "no such stream", shards, "stream", "move", "nothing", "--to", "1")
	require.Equal(t, "moved the stream s0 from shard 0 to shard 1\n", run(shards, "stream", "move", "s0", "--to", "1"))
	require.Equal(t, map[string]int{"s0": 1, "s1": 1, "s2": 2, "pinned": 2}, placed(shards))
	require.Contains(t, run(shards, "audit", "verify"), "is intact: 5 records")
	require.Contains(t, run(shards, "doctor"), "shard 2 of the store is sqlite:./c, by its label")

	refused(1, "it is shard 0 of 3: name all of them", "EVENTFLOW_STORE=sqlite:./a", "serve")
	refused(1, "the installation has 3 shards, and the list names only 2", "EVENTFLOW_STORE=sharded:sqlite:./a,sqlite:./b", "serve")
	refused(1, "is shard 2, and the list names it as shard 1: put the list back", "EVENTFLOW_STORE=sharded:sqlite:./a,sqlite:./c,sqlite:./b", "serve")

	run(shards, "backup", "all.backup")
	run(shards, "restore", "all.backup", "--to", "sqlite:./one")
	require.Equal(t, map[string]int{"s0": 0, "s1": 0, "s2": 0, "pinned": 0}, placed("EVENTFLOW_STORE=sqlite:./one"))
	refused(5, "the store has one shard", "EVENTFLOW_STORE=sqlite:./one", "stream", "move", "s0", "--to", "0")
	run(shards, "copy", "--to", "sharded:sqlite:./x,sqlite:./y,sqlite:./z")
	require.Equal(t, placed(shards), placed("EVENTFLOW_STORE=sharded:sqlite:./x,sqlite:./y,sqlite:./z"))
}

// A stream moves to another shard also where there is an archive: that holds events of
// streams, wherever they are.
func TestAStreamMovesUnderAnArchive(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	server := h.serve(shards, "EVENTFLOW_ARCHIVE=file:"+t.TempDir())
	made := h.run([]string{secret, shards}, "key", "create", "--label", "admin", "--role", "admin")
	require.Zero(t, made.code, made.stderr)
	client := server.client(strings.TrimSpace(made.stdout))
	_, err := client.CreateStream(t.Context(), core.StreamSpec{Name: "orders"})
	require.NoError(t, err)
	for range 3 {
		_, err := client.Publish(t.Context(), "orders", rest.NewEvent{Type: "paid", Payload: []byte(`{}`)})
		require.NoError(t, err)
	}
	begun, err := client.MoveStream(t.Context(), "orders", 2)
	require.NoError(t, err)
	require.NotNil(t, begun.Moving)
	require.Eventually(t, func() bool {
		stream, err := client.Stream(t.Context(), "orders")
		require.NoError(t, err)
		return stream.Moving == nil && stream.Shard == 2
	}, patience, 200*time.Millisecond, "%s", server.stderr)
	receipt, err := client.Publish(t.Context(), "orders", rest.NewEvent{Type: "paid", Payload: []byte(`{}`)})
	require.NoError(t, err)
	require.EqualValues(t, 3, receipt.Offset)
	page, err := client.EventsPage(t.Context(), "orders", core.EventQuery{Limit: 10})
	require.NoError(t, err)
	require.Len(t, page.Items, 4)
}
