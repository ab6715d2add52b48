package metrics

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eventflow-go/eventflow/core"
)

// Groups adds the lag and the dead letters of every consumer group. census is asked
// when somebody scrapes, and at most every ten seconds: it reads all groups from the
// catalog, and several may scrape.
func (m *Metrics) Groups(census func(context.Context) ([]core.GroupCensus, error), logger *slog.Logger) {
	g := &groups{census: census, logger: logger, at: time.Now()}
	m.registry.MustRegister(g)
	m.gauge("eventflow_consumer_census_age_seconds", "Time since the lag and the dead letters of all consumer groups were counted.", g.age)
}

// Waiting adds how many requests wait for events.
func (m *Metrics) Waiting(polls, tails func() int64) {
	m.gauge("eventflow_polls_in_flight", "Polls of consumer groups that are being answered, most of them waiting.",
		func() float64 { return float64(polls()) })
	m.gauge("eventflow_live_tails", "Live tails that are open.", func() float64 { return float64(tails()) })
}

// groups is the collector of a census of consumer groups.
type groups struct {
	census func(context.Context) ([]core.GroupCensus, error)
	logger *slog.Logger

	// mu guards what is below. It is not held during a census.
	mu sync.Mutex
	// counted is the newest census. It is empty when the last one failed: old values
	// would look like new ones.
	counted []core.GroupCensus
	// at is when the newest census that succeeded ended, or when the server started.
	at time.Time
	// next is when there is to be another one. One that failed counts as one that did
	// not: a database in trouble is not asked more often than one in health.
	next time.Time
	// running is closed at the end of the census that is being taken; nil when none is.
	running chan struct{}
}

const (
	censusFor     = 10 * time.Second
	censusTimeout = 30 * time.Second
	// censusPatience is how long a scrape waits for a census. After that it has the
	// values of the one before: Prometheus gives a scrape ten seconds for everything.
	censusPatience = 500 * time.Millisecond
	// maxGroups bounds the groups that have labels of their own: those with the most
	// lag and dead letters. The others are added up.
	maxGroups = 2000
	// letterWeight is how much lag counts as much as one dead letter, when it is about
	// who has labels: alerts are about 10,000 events and about 100 letters.
	letterWeight = 100
)

var (
	groupsDesc = prometheus.NewDesc("eventflow_consumer_groups", "Consumer groups that there are.", nil, nil)
	lagDesc    = prometheus.NewDesc("eventflow_consumer_lag_events",
		"Events that a consumer group has not settled, by stream id and group; beyond a bounded number those with the least count together as 'other'.",
		[]string{"stream", "group"}, nil)
	lettersDesc = prometheus.NewDesc("eventflow_dead_letters",
		"Dead letters of a consumer group, by stream id and group; beyond a bounded number of groups they count together as 'other'.",
		[]string{"stream", "group"}, nil)
)

// Describe implements prometheus.Collector.
func (g *groups) Describe(descs chan<- *prometheus.Desc) {
	descs <- groupsDesc
	descs <- lagDesc
	descs <- lettersDesc
}

// Collect implements prometheus.Collector.
func (g *groups) Collect(metrics chan<- prometheus.Metric) {
	counted := g.count()
	if counted == nil {
		return
	}
	metrics <- prometheus.MustNewConstMetric(groupsDesc, prometheus.GaugeValue, float64(len(counted)))
	var rest core.GroupCensus
	for i, one := range counted {
		if i >= maxGroups {
			rest.Lag += one.Lag
			rest.DeadLetters += one.DeadLetters
			continue
		}
		collectGroup(metrics, one, one.Stream.String(), one.Name)
	}
	if len(counted) > maxGroups {
		collectGroup(metrics, rest, other, other)
	}
}

func collectGroup(metrics chan<- prometheus.Metric, one core.GroupCensus, labels ...string) {
	metrics <- prometheus.MustNewConstMetric(lagDesc, prometheus.GaugeValue, float64(one.Lag), labels...)
	metrics <- prometheus.MustNewConstMetric(lettersDesc, prometheus.GaugeValue, float64(one.DeadLetters), labels...)
}

// count returns the newest census, after a moment for one that is being taken.
func (g *groups) count() []core.GroupCensus {
	if running := g.begin(); running != nil {
		patience := time.NewTimer(censusPatience)
		defer patience.Stop()
		select {
		case <-running:
		case <-patience.C:
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.counted
}

// age is the time since the newest census that succeeded, in seconds.
func (g *groups) age() float64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return time.Since(g.at).Seconds()
}

// begin begins a census if it is time for one, and returns what ends with the one that is
// being taken.
func (g *groups) begin() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running == nil && !time.Now().Before(g.next) {
		g.running = make(chan struct{})
		go g.take(g.running)
	}
	return g.running
}

// take takes a census. One that takes long is taken less often: it may keep the catalog
// busy for a fifth of the time at most.
func (g *groups) take(running chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), censusTimeout)
	defer cancel()
	started := time.Now()
	counted, err := g.census(ctx)
	if err != nil {
		g.logger.Warn("the consumer groups could not be counted", "error", err)
		counted = nil
	} else {
		counted = ranked(counted)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if err == nil {
		g.at = now
	}
	g.counted, g.next, g.running = counted, now.Add(max(censusFor, 4*now.Sub(started))), nil
	close(running)
}

// ranked puts the groups with the most lag and dead letters first, where not all have
// labels of their own. It is never nil.
func ranked(counted []core.GroupCensus) []core.GroupCensus {
	if len(counted) > maxGroups {
		weight := func(one core.GroupCensus) int64 { return one.Lag + letterWeight*one.DeadLetters }
		slices.SortStableFunc(counted, func(a, b core.GroupCensus) int { return cmp.Compare(weight(b), weight(a)) })
	}
	return append([]core.GroupCensus{}, counted...)
}
