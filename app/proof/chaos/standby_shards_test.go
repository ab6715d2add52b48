package chaos_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// A shard whose standby is away stores nothing, and the server names it and stays ready for
// the streams of the other shard. Without any standby it is not ready, and says which shards
// lack one.
func TestAShardWithoutItsStandbyIsNamed(t *testing.T) {
	t.Parallel()
	if _, ok := primaries(t); !ok {
		return
	}
	var primaries, standbys []*pgtest.Cluster
	var urls []string
	for range streams {
		primary := pgtest.Private(t, "synchronous_standby_names=ANY 1 (*)")
		standby := pgtest.Standby(t, primary)
		primaries, standbys = append(primaries, primary), append(standbys, standby)
		urls = append(urls, pgtest.Either(primary, standby).String())
	}
	n := newNode(t, "sharded:"+strings.Join(urls, ","), "EVENTFLOW_REQUIRE_STANDBY=true")
	n.start()
	client := n.client(n.key())
	for shard, name := range streams {
		_, err := client.CreateStream(t.Context(), core.StreamSpec{Name: name, Shard: &shard})
		require.NoError(t, err)
	}
	stored := func(shard int) error {
		_, err := client.Publish(t.Context(), streams[shard], rest.NewEvent{Type: "made", Payload: []byte("1")})
		return err
	}
	says := func(status, message string) {
		t.Helper()
		until(t, "health says "+message, func() bool {
			health, err := client.Health(t.Context())
			return err == nil && health.Checks["store"].Status == status && health.Checks["store"].Message == message
		})
		require.Equal(t, status != rest.StatusUnavailable, n.ready())
	}
	const alone = "no synchronous standby is connected; nothing is stored until it is back"
	says(rest.StatusOK, "")

	standbys[1].Kill()
	says(rest.StatusDegraded, "shard 1 of the store: "+alone)
	require.NoError(t, stored(0))
	require.Equal(t, core.CodeUnavailable, core.CodeOf(stored(1)), "after half a minute")
	require.NoError(t, stored(0))

	standbys[0].Kill()
	says(rest.StatusUnavailable, "shard 0 of the store: "+alone+"; shard 1 of the store: "+alone)

	for shard, standby := range standbys {
		require.NoError(t, standby.Follow(t.Context(), primaries[shard]))
	}
	says(rest.StatusOK, "")
	require.NoError(t, stored(1))
}
