package metrics

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eventflow-go/eventflow/core"
)

// Groups adds the lag and the dead letters of every consumer group. census is asked
// when somebody scrapes, and at most every ten seconds: it reads all groups from the
// catalog, and several may scrape.
func (m *Metrics) Groups(census func(context.Context) ([]core.GroupCensus, error), logger *slog.Logger) {
	g := groups{newCensus("consumer groups", groupsFor, logger, func(ctx context.Context) ([]core.GroupCensus, error) {
		counted, err := census(ctx)
		return ranked(counted), err
	})}
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
type groups struct{ *census[[]core.GroupCensus] }

const (
	// groupsFor is how long a census of the groups is good for.
	groupsFor = 10 * time.Second
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
func (g groups) Describe(descs chan<- *prometheus.Desc) {
	descs <- groupsDesc
	descs <- lagDesc
	descs <- lettersDesc
}

// Collect implements prometheus.Collector.
func (g groups) Collect(metrics chan<- prometheus.Metric) {
	counted, known := g.count()
	if !known {
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

// ranked puts the groups with the most lag and dead letters first, where not all have
// labels of their own.
func ranked(counted []core.GroupCensus) []core.GroupCensus {
	if len(counted) > maxGroups {
		weight := func(one core.GroupCensus) int64 { return one.Lag + letterWeight*one.DeadLetters }
		slices.SortStableFunc(counted, func(a, b core.GroupCensus) int { return cmp.Compare(weight(b), weight(a)) })
	}
	return counted
}
