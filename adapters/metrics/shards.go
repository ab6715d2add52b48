package metrics

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eventflow-go/eventflow/core"
)

const (
	// shardsTimeout bounds a look at all shards.
	shardsTimeout = 3 * time.Second
	// shardsPatience is how long those who ask wait for a look. What they get after that is
	// what the look before has found: a shard that does not answer keeps nobody from the
	// other metrics, least of all while something is wrong.
	shardsPatience = 250 * time.Millisecond
)

var shardUp = prometheus.NewDesc("eventflow_shard_up", "Whether a shard of the store answers and stores events.", []string{"shard"}, nil)

// Shards adds how each shard of the store is. A store of one kind is one shard.
func (m *Metrics) Shards(storage core.Storage) { m.registry.MustRegister(&shards{storage: storage}) }

// shards looks at them when it is asked, once for all who ask meanwhile.
type shards struct {
	storage core.Storage

	// mu guards the rest. It is never held during a look.
	mu sync.Mutex
	// looked is closed at the end of the look that is under way, and nil when there is none.
	looked chan struct{}
	// states are what the newest look has found, one for each shard.
	states []error
}

// Describe implements prometheus.Collector.
func (s *shards) Describe(out chan<- *prometheus.Desc) { out <- shardUp }

// Collect implements prometheus.Collector.
func (s *shards) Collect(out chan<- prometheus.Metric) {
	select {
	case <-s.look():
	case <-time.After(shardsPatience):
	}
	for shard, err := range s.newest() {
		up := 0.0
		if err == nil || errors.Is(err, core.ErrRelaxedDurability) && !errors.Is(err, core.ErrDegraded) {
			up = 1
		}
		out <- prometheus.MustNewConstMetric(shardUp, prometheus.GaugeValue, up, strconv.Itoa(shard))
	}
}

func (s *shards) newest() []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.states
}

// look begins a look unless one is under way. It returns what is closed at its end.
func (s *shards) look() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.looked == nil {
		s.looked = make(chan struct{})
		go s.see()
	}
	return s.looked
}

func (s *shards) see() {
	ctx, cancel := context.WithTimeout(context.Background(), shardsTimeout)
	defer cancel()
	states := core.CheckShards(ctx, s.storage)
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.looked)
	s.looked, s.states = nil, states
}
