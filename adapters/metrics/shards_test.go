package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/adapters/metrics"
	"github.com/eventflow-go/eventflow/core"
)

// threeShards is a storage whose shards are in different states. Streams are on the shard
// of their first byte.
type threeShards struct{ core.Storage }

func (threeShards) CheckShards(context.Context) []error {
	return []error{fmt.Errorf("it is memory: %w", core.ErrRelaxedDurability), errors.New("away"), fmt.Errorf("no standby; %w", core.ErrAlone)}
}

func (threeShards) Shards() int { return 3 }

func (threeShards) ShardOf(_ context.Context, stream core.ID) (int, error) {
	if stream[0] > 2 {
		return 0, errors.New("nobody knows")
	}
	return int(stream[0]), nil
}

// A shard that is away is named, and the time of appends is told of each shard.
func TestShardsAreToldApart(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	log, err := memory.Open(t.Context(), nil)
	require.NoError(t, err)
	storage := threeShards{log}
	m.Shards(storage)
	require.Equal(t, map[string]float64{`eventflow_shard_up{shard="0"}`: 1, `eventflow_shard_up{shard="1"}`: 0, `eventflow_shard_up{shard="2"}`: 0},
		series(t, m, "eventflow_shard_up"))
	for _, stream := range []byte{1, 1, 2, 9} {
		require.NoError(t, m.Log(storage).Append(t.Context(), at, []core.Batch{batch(stream, "paid")}))
	}
	require.Equal(t, map[string]float64{
		`eventflow_append_duration_seconds_count{shard="1"}`: 2, `eventflow_append_duration_seconds_count{shard="2"}`: 1,
		`eventflow_append_duration_seconds_count{shard="unknown"}`: 1,
	}, series(t, m, "eventflow_append_duration_seconds_count"))
}

// slowShards does not answer while it is slow.
type slowShards struct {
	core.Storage
	slow bool
}

func (s *slowShards) CheckShards(ctx context.Context) []error {
	if s.slow {
		<-ctx.Done()
	}
	return []error{ctx.Err()}
}

// A store that does not answer is told of, and keeps nobody from the other metrics.
func TestMetricsDoNotWaitForShards(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, storage := metrics.New(), &slowShards{}
		m.Shards(storage)
		const up = `eventflow_shard_up{shard="0"}`
		require.Equal(t, map[string]float64{up: 1}, series(t, m, "eventflow_shard_up"))
		storage.slow = true
		began := time.Now()
		require.Equal(t, map[string]float64{up: 1}, series(t, m, "eventflow_shard_up"), "what was known")
		require.Less(t, time.Since(began), time.Second)
		time.Sleep(3 * time.Second) // of the bubble
		require.Equal(t, map[string]float64{up: 0}, series(t, m, "eventflow_shard_up"))
		time.Sleep(3 * time.Second)
	})
}
