package metrics

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eventflow-go/eventflow/core"
)

// processing counts what processors did, by the type of their destinations: there are
// few types, and any number of processors.
type processing struct {
	events  *prometheus.CounterVec
	latency *prometheus.HistogramVec
}

func newProcessing() processing {
	return processing{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "eventflow_processor_events_total", Help: "Events that this node's processors were done with for the moment, by type of destination and outcome.",
		}, []string{"destination", "outcome"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "eventflow_processor_send_seconds", Help: "Time that destinations took for events, by type of destination.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"destination"}),
	}
}

func (p *processing) collectors() []prometheus.Collector {
	return []prometheus.Collector{p.events, p.latency}
}

// Processed counts what became of events of a processor.
func (m *Metrics) Processed(p *core.Processor, done core.DeliveryCount) {
	kind := p.Destination.Type
	for outcome, n := range map[string]int64{"delivered": done.Delivered, "filtered": done.Filtered, "failed": done.Failed} {
		if n > 0 {
			m.processing.events.WithLabelValues(kind, outcome).Add(float64(n))
		}
	}
	if sent := done.Delivered + done.Failed; sent > 0 {
		m.processing.latency.WithLabelValues(kind).Observe(done.Latency.Duration().Seconds() / float64(sent))
	}
}

// Processors adds how many processors there are in each state, in the whole
// installation. census is asked when somebody scrapes, and at most every half minute.
func (m *Metrics) Processors(census func(context.Context) (map[core.ProcessorState]int, error), logger *slog.Logger) {
	m.registry.MustRegister(processors{newCensus("processors", processorsFor, logger, census)})
}

// processorsFor is how long a census of the processors is good for: their states change
// seldom, and people are called after minutes.
const processorsFor = 30 * time.Second

var processorsDesc = prometheus.NewDesc("eventflow_processors", "Processors that there are, by state.", []string{"state"}, nil)

// processors is the collector of a census of processors.
type processors struct {
	*census[map[core.ProcessorState]int]
}

// Describe implements prometheus.Collector.
func (p processors) Describe(descs chan<- *prometheus.Desc) { descs <- processorsDesc }

// Collect implements prometheus.Collector.
func (p processors) Collect(metrics chan<- prometheus.Metric) {
	counted, known := p.count()
	if !known {
		return
	}
	for _, state := range core.ProcessorStates {
		metrics <- prometheus.MustNewConstMetric(processorsDesc, prometheus.GaugeValue, float64(counted[state]), string(state))
	}
}
