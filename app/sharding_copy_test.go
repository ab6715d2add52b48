package app_test

import (
	"encoding/json"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// A copy, or what is restored, into a store of another number of shards goes round all of
// them. Begun again, it finds what it has put there.
func TestACopyGoesRoundTheShards(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	server := h.serve()
	client := server.client(h.key())
	for i := range 4 {
		name := "s" + strconv.Itoa(i)
		_, err := client.CreateStream(t.Context(), core.StreamSpec{Name: name})
		require.NoError(t, err)
		_, err = client.Publish(t.Context(), name, someEvent)
		require.NoError(t, err)
	}
	round := func(store string, wanted ...int) {
		t.Helper()
		in := []string{secret, "EVENTFLOW_STORE=" + store}
		listed := h.run(in, "stream", "list", "-o", "json")
		require.Zero(t, listed.code, listed.stderr)
		var all []core.Stream
		require.NoError(t, json.Unmarshal([]byte(listed.stdout), &all))
		on := map[string]int{}
		for _, stream := range all {
			on[stream.Name] = stream.Shard
		}
		for i, shard := range wanted {
			require.Equal(t, shard, on["s"+strconv.Itoa(i)], store)
		}
		checked := h.run(in, "doctor")
		require.Zero(t, checked.code, checked.stdout)
		require.Contains(t, h.run(in, "audit", "verify").stdout, "is intact")
	}
	const three, two, back, restored = "sharded:sqlite:./a,sqlite:./b,sqlite:./c", "sharded:sqlite:./d,sqlite:./e", "sqlite:./f", "sharded:sqlite:./g,sqlite:./h,sqlite:./i"
	copied := func(out, says string) { t.Helper(); require.Contains(t, out, says) }
	copied(h.must("copy", "--to", three), "copied 9 events;") // with those of the trail
	_, err := client.Publish(t.Context(), "s2", someEvent)
	require.NoError(t, err)
	require.Zero(t, server.stop())
	copied(h.must("copy", "--to", three), "copied 1 event;")
	round(three, 0, 1, 2, 0)
	copied(h.must("copy", "--from", three, "--to", two), "copied 10 events;")
	round(two, 0, 1, 0, 1)
	copied(h.must("copy", "--from", two, "--to", back), "copied 10 events;")
	round(back, 0, 0, 0, 0)
	h.must("backup", "all.backup")
	h.must("restore", "all.backup", "--to", restored)
	round(restored, 0, 1, 2, 0)
}
