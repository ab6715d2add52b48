package metrics

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eventflow-go/eventflow/core"
)

// shardsTimeout bounds a look at all shards, so that one that does not answer keeps nobody
// from the other metrics.
const shardsTimeout = 3 * time.Second

var shardUp = prometheus.NewDesc("eventflow_shard_up", "Whether a shard of the store answers and stores events.", []string{"shard"}, nil)

// Shards adds how each shard of the store is. A store of one kind is one shard.
func (m *Metrics) Shards(storage core.Storage) { m.registry.MustRegister(shards{storage}) }

// shards looks at them when it is asked.
type shards struct{ storage core.Storage }

// Describe implements prometheus.Collector.
func (s shards) Describe(out chan<- *prometheus.Desc) { out <- shardUp }

// Collect implements prometheus.Collector.
func (s shards) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), shardsTimeout)
	defer cancel()
	for shard, err := range core.CheckShards(ctx, s.storage) {
		up := 0.0
		if err == nil || errors.Is(err, core.ErrRelaxedDurability) && !errors.Is(err, core.ErrDegraded) {
			up = 1
		}
		out <- prometheus.MustNewConstMetric(shardUp, prometheus.GaugeValue, up, strconv.Itoa(shard))
	}
}
