package metrics

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eventflow-go/eventflow/core"
)

// Groups adds the lag and the dead letters of every consumer group. census is asked
// when somebody scrapes, and at most every ten seconds: it reads all groups from the
// catalog, and several may scrape.
func (m *Metrics) Groups(census func(context.Context) ([]core.GroupCensus, error), logger *slog.Logger) {
	m.registry.MustRegister(&groups{census: census, logger: logger})
}

// Waiting adds how many requests wait for events.
func (m *Metrics) Waiting(polls, tails func() int64) {
	for name, gauge := range map[string]struct {
		help  string
		value func() int64
	}{
		"eventflow_polls_in_flight": {"Polls of consumer groups that are being answered, most of them waiting.", polls},
		"eventflow_live_tails":      {"Live tails that are open.", tails},
	} {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: gauge.help}, func() float64 { return float64(gauge.value()) }))
	}
}

// groups is the collector of a census of consumer groups.
type groups struct {
	census func(context.Context) ([]core.GroupCensus, error)
	logger *slog.Logger

	// mu guards counted, the newest census, and at, when that was. It is held
	// during a census, so of many who scrape at once one asks and the others wait
	// for its answer.
	mu      sync.Mutex
	counted []core.GroupCensus
	at      time.Time
}

const (
	censusFor     = 10 * time.Second
	censusTimeout = 5 * time.Second
)

var (
	lagDesc = prometheus.NewDesc("eventflow_consumer_lag_events", "Events that a consumer group has not settled, by stream id and group.",
		[]string{"stream", "group"}, nil)
	lettersDesc = prometheus.NewDesc("eventflow_dead_letters", "Dead letters of a consumer group, by stream id and group.",
		[]string{"stream", "group"}, nil)
)

// Describe implements prometheus.Collector.
func (g *groups) Describe(descs chan<- *prometheus.Desc) {
	descs <- lagDesc
	descs <- lettersDesc
}

// Collect implements prometheus.Collector. When the census fails there are no
// values: old ones would look like new ones.
func (g *groups) Collect(metrics chan<- prometheus.Metric) {
	for _, one := range g.count() {
		labels := []string{one.Stream.String(), one.Name}
		metrics <- prometheus.MustNewConstMetric(lagDesc, prometheus.GaugeValue, float64(one.Lag), labels...)
		metrics <- prometheus.MustNewConstMetric(lettersDesc, prometheus.GaugeValue, float64(one.DeadLetters), labels...)
	}
}

// count returns the newest census, or takes one. A census that failed counts as an
// empty one, for as long as one that did not: a database in trouble is not asked
// more often than one in health.
func (g *groups) count() []core.GroupCensus {
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Since(g.at) < censusFor {
		return g.counted
	}
	ctx, cancel := context.WithTimeout(context.Background(), censusTimeout)
	defer cancel()
	counted, err := g.census(ctx)
	if err != nil {
		g.logger.Warn("the consumer groups could not be counted", "error", err)
		counted = nil
	}
	g.counted, g.at = counted[:min(len(counted), maxSeries)], time.Now()
	return g.counted
}
