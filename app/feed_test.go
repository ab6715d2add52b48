package app_test

import (
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/eventflow-go/eventflow/core"
)

// TestAFeedIsKilledBetweenTwoCommits: a server dies when events of a Kafka topic are durable
// here and their offsets are not committed there. They come again and are stored once.
func TestAFeedIsKilledBetweenTwoCommits(t *testing.T) {
	t.Parallel()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "orders"),
		kfake.BrokerConfigs(map[string]string{"group.min.session.timeout.ms": "100"}))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	var commits atomic.Bool
	cluster.ControlKey(int16(kmsg.OffsetCommit), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if commits.Load() {
			return nil, nil, false
		}
		return nil, fmt.Errorf("the connection breaks"), true
	})
	producer, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.DefaultProduceTopic("orders"))
	require.NoError(t, err)
	t.Cleanup(producer.Close)
	produce := func(from, to int) {
		for n := from; n < to; n++ {
			require.NoError(t, producer.ProduceSync(t.Context(), &kgo.Record{Key: fmt.Appendf(nil, "order-%d", n), Value: fmt.Appendf(nil, `{"n":%d}`, n)}).FirstErr())
		}
	}

	h := newHome(t)
	environ := []string{"EVENTFLOW_ALLOW_PRIVATE_DESTINATIONS=true"}
	server := h.serve(environ...)
	key := h.key()
	client := server.client(key)
	_, err = client.CreateStream(t.Context(), core.StreamSpec{Name: "orders"})
	require.NoError(t, err)
	stored := func() (subjects map[string]int) {
		subjects = map[string]int{}
		for event, err := range client.Events(t.Context(), "orders", core.EventQuery{}) {
			require.NoError(t, err)
			subjects[event.Subject]++
		}
		return subjects
	}
	produce(0, 30)
	source, err := client.CreateSource(t.Context(), core.SourceSpec{
		Name: "kafka", Stream: "orders", Preset: core.PresetKafka,
		From: fmt.Appendf(nil, `{"brokers":[%q],"topics":["orders"],"tls":false}`, cluster.ListenAddrs()[0]),
	})
	require.NoError(t, err)
	require.Empty(t, source.Path)
	require.Eventually(t, func() bool { return len(stored()) == 30 }, patience, 50*time.Millisecond)
	require.NoError(t, server.cmd.Process.Kill())
	<-server.ended

	commits.Store(true)
	produce(30, 35)
	server = h.serve(environ...)
	client = server.client(key)
	require.Eventually(t, func() bool { return len(stored()) == 35 }, patience, 50*time.Millisecond, "%s", server.stderr)
	require.Equal(t, []int{1}, slices.Compact(slices.Collect(maps.Values(stored()))), "each once")
	require.Eventually(t, func() bool {
		got, err := client.Source(t.Context(), source.ID.String())
		return err == nil && got.Feed.Nodes > 0 && got.Feed.Parts == 3 && got.Feed.Lag == 0 && got.Feed.Error == "" && got.Feed.LastAt != nil
	}, patience, 50*time.Millisecond)
	require.Zero(t, server.stop(), server.stderr)
}
