package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eventflow-go/eventflow/core"
)

// delivery is what consumers get and say, of all groups together: a histogram for each
// group would be too much for an installation with thousands of them.
type delivery struct {
	handed     prometheus.Counter
	latency    prometheus.Histogram
	processing prometheus.Histogram
	steps      prometheus.Histogram
	failed     *prometheus.CounterVec
}

func newDelivery() delivery {
	d := delivery{
		handed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "eventflow_events_handed_out_total", Help: "Events handed out to consumers, those that came again included.",
		}),
		latency: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "eventflow_delivery_latency_seconds", Help: "Time from the storing of an event to its first handing out, for each group that gets it.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 12),
		}),
		processing: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "eventflow_processing_duration_seconds", Help: "Time from the handing out of events to the answer of their consumer.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 12),
		}),
		steps: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "eventflow_group_step_duration_seconds", Help: "Time to store one step of a consumer group.",
			Buckets: prometheus.ExponentialBuckets(0.00025, 2, 15),
		}),
		failed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "eventflow_attempts_failed_total", Help: "Attempts of consumers that did not succeed, in events, by how they ended.",
		}, []string{"outcome"}),
	}
	for _, outcome := range []core.AttemptOutcome{core.Nacked, core.Expired, core.Skipped} {
		d.failed.WithLabelValues(string(outcome))
	}
	return d
}

func (d *delivery) collectors() []prometheus.Collector {
	return []prometheus.Collector{d.handed, d.latency, d.processing, d.steps, d.failed}
}

// Handed records a delivery. An event that comes again has waited for its consumers and
// not for the server, so it has no latency.
func (m *Metrics) Handed(d core.Delivery, at time.Time) {
	m.delivery.handed.Add(float64(len(d.Events)))
	for i := range d.Events {
		if d.Attempts[i] == 1 {
			m.delivery.latency.Observe(max(at.Sub(d.Events[i].ReceivedAt), 0).Seconds())
		}
	}
}

// Settled records the answer of a consumer. The id of a lease tells when it was made. An
// answer about no lease, such as a repeated one, is not counted.
func (m *Metrics) Settled(lease core.ID, at time.Time) {
	if !lease.IsZero() {
		m.delivery.processing.Observe(max(at.Sub(lease.Time()), 0).Seconds())
	}
}

// GroupStore returns store with its steps measured.
func (m *Metrics) GroupStore(store core.GroupStore) core.GroupStore {
	return &measuredGroups{GroupStore: store, delivery: &m.delivery}
}

type measuredGroups struct {
	core.GroupStore
	delivery *delivery
}

// Advance implements core.Progresses.
func (g *measuredGroups) Advance(ctx context.Context, group core.ID, step core.Step) error {
	started := time.Now()
	err := g.GroupStore.Advance(ctx, group, step)
	g.delivery.steps.Observe(time.Since(started).Seconds())
	if err != nil {
		return err
	}
	for _, attempt := range step.Attempts {
		g.delivery.failed.WithLabelValues(string(attempt.Outcome)).Add(float64(attempt.To - attempt.From))
	}
	return nil
}
