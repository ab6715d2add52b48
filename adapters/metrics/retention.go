package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// retention counts what was removed, by the bound that did it.
type retention struct {
	events, bytes *prometheus.CounterVec
	sweeps        *prometheus.CounterVec
	last, oldest  prometheus.Gauge
	// handed is what went into the archive, in events and bytes, and fetches the objects that were read.
	handedEvents, handedBytes prometheus.Counter
	fetches                   *prometheus.CounterVec
}

// newRetention returns metrics with a zero for each bound: without it nobody could tell
// by how much the first removal has raised them.
func newRetention() retention {
	vector := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
	}
	r := retention{
		events: vector("eventflow_retention_removed_events_total", "Events that this node's retention removed, by the bound that reached furthest.", "reason"),
		bytes:  vector("eventflow_retention_removed_bytes_total", "About how many bytes of payload and context these events held.", "reason"),
		sweeps: vector("eventflow_retention_sweeps_total", "Looks of this node at all streams for what is to be removed, by outcome.", "outcome"),
		last: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "eventflow_retention_last_sweep_timestamp_seconds", Help: "When this node last looked for what is to be removed; 0 before the first time.",
		}),
		oldest: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "eventflow_retention_oldest_event_timestamp_seconds", Help: "When the oldest event of all streams was received, at the last look; 0 if there was none.",
		}),
	}
	r.handedEvents = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "eventflow_archive_events_total", Help: "Events that this node has handed over to the archive.",
	})
	r.handedBytes = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "eventflow_archive_bytes_total", Help: "Bytes of the objects that this node has written into the archive.",
	})
	r.fetches = vector("eventflow_archive_fetches_total", "Objects that this node has read from the archive, or could not read, by outcome.", "outcome")
	for _, reason := range core.Reasons {
		r.events.WithLabelValues(string(reason))
		r.bytes.WithLabelValues(string(reason))
	}
	for _, outcome := range []string{outcomeDone, outcomeFailed} {
		r.sweeps.WithLabelValues(outcome)
		r.fetches.WithLabelValues(outcome)
	}
	return r
}

// The outcomes of a sweep.
const (
	outcomeDone   = "done"
	outcomeFailed = "failed"
)

func (r *retention) collectors() []prometheus.Collector {
	return []prometheus.Collector{r.events, r.bytes, r.sweeps, r.last, r.oldest, r.handedEvents, r.handedBytes, r.fetches}
}

// Removed counts what retention removed.
func (m *Metrics) Removed(removal core.Removal) {
	m.retention.events.WithLabelValues(string(removal.Reason)).Add(float64(removal.Events))
	m.retention.bytes.WithLabelValues(string(removal.Reason)).Add(float64(removal.ApproximateBytes))
}

// HandedOver counts what went into the archive.
func (m *Metrics) HandedOver(done core.HandedOver) {
	m.retention.handedEvents.Add(float64(done.Events))
	m.retention.handedBytes.Add(float64(done.Bytes))
}

// Fetched counts an object that was read from the archive, or could not be.
func (m *Metrics) Fetched(_ int, err error) {
	outcome := outcomeDone
	if err != nil {
		outcome = outcomeFailed
	}
	m.retention.fetches.WithLabelValues(outcome).Inc()
}

// Swept records the end of a look at all streams.
func (m *Metrics) Swept(sweep eventlog.Sweep) {
	outcome := outcomeDone
	if sweep.Failed {
		outcome = outcomeFailed
	}
	m.retention.sweeps.WithLabelValues(outcome).Inc()
	m.retention.last.Set(float64(sweep.At.Unix()))
	m.retention.oldest.Set(0)
	if !sweep.Oldest.IsZero() {
		m.retention.oldest.Set(float64(sweep.Oldest.Unix()))
	}
}
