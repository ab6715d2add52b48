// Package metrics counts and times the work of the server, for Prometheus. It
// decorates the ports: neither side of a port knows that it is measured.
//
// Whatever clients choose, such as streams, types and groups, is a label for a bounded
// number of them; the others are counted together as "other". events.go and groups.go
// say which.
package metrics

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// other is the label of whatever has none of its own.
const other = "other"

// Metrics holds one server's metrics in a registry of its own.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	// timed holds the requests once more, and nothing else: see newTimed.
	timed      *prometheus.Registry
	appends    *prometheus.HistogramVec
	group      prometheus.Histogram
	failures   *prometheus.CounterVec
	reads      prometheus.Histogram
	events     *eventCounter
	delivery   delivery
	retention  retention
	misfits    *prometheus.CounterVec
	sources    *sources
	processing processing
}

// New returns empty metrics, with those of the Go runtime and the process.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "eventflow_http_request_duration_seconds", Help: "Time to answer a request, by method, route and status.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 15),
		}, []string{"method", "route", "status"}),
		appends: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "eventflow_append_duration_seconds", Help: "Time of one group commit, by the shard of the store.",
			Buckets: prometheus.ExponentialBuckets(0.00025, 2, 15),
		}, []string{"shard"}),
		group: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "eventflow_append_group_events", Help: "Events per group commit.",
			Buckets: prometheus.ExponentialBuckets(1, 4, 8),
		}),
		failures: newFailures(),
		reads: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "eventflow_read_duration_seconds", Help: "Time of one page read from the store.",
			Buckets: prometheus.ExponentialBuckets(0.00025, 2, 15),
		}),
		events:     newEventCounter(),
		delivery:   newDelivery(),
		retention:  newRetention(),
		misfits:    newMisfits(),
		sources:    newSources(),
		processing: newProcessing(),
	}
	m.timed = newTimed(m.requests)
	m.registry.MustRegister(m.requests, m.appends, m.group, m.failures, m.reads, m.events.vector, m.misfits, m.sources.refusals,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.registry.MustRegister(m.delivery.collectors()...)
	m.registry.MustRegister(m.retention.collectors()...)
	m.registry.MustRegister(m.processing.collectors()...)
	m.gauge("eventflow_memory_limit_bytes", "Memory that the container or the machine gives this process.", memoryLimit)
	return m
}

// gauge adds a gauge that is read when somebody scrapes.
func (m *Metrics) gauge(name, help string, value func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
}

// Build adds a metric whose labels say which program runs.
func (m *Metrics) Build(version, goVersion string) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "eventflow_build_info", Help: "1, with the version of this server and of Go.",
		ConstLabels: prometheus.Labels{"version": version, "go": goVersion},
	}, func() float64 { return 1 }))
}

// Queue adds gauges of the events that wait for their commit, of how many may, and of how
// full the fullest of the queues is.
func (m *Metrics) Queue(depth func() int, fullest func() float64, limit int) {
	m.gauge("eventflow_ingest_queue_fullest_ratio", "How full the fullest of the queues in front of the store is.", fullest)
	m.gauge("eventflow_ingest_queue_events", "Events waiting for their group commit.", func() float64 { return float64(depth()) })
	m.gauge("eventflow_ingest_queue_limit_events", "Events that may wait for their group commit; more are refused.",
		func() float64 { return float64(limit) })
}

// Clock adds a gauge of how far this machine's clock is ahead of the database's.
func (m *Metrics) Clock(ahead func() time.Duration) {
	m.gauge("eventflow_clock_ahead_seconds", "How far this server's own clock is ahead of the database's; negative when it is behind.",
		func() float64 { return ahead().Seconds() })
}

// LimiterLost adds a gauge that is 1 while Redis is lost and every node counts
// requests by itself.
func (m *Metrics) LimiterLost(lost func() bool) {
	m.gauge("eventflow_rate_limiter_lost", "1 while Redis is unreachable and each node counts requests on its own.", func() float64 {
		if lost() {
			return 1
		}
		return 0
	})
}

// LostShards adds a gauge of the shards of the store that know less than they had.
func (m *Metrics) LostShards(count func() int) {
	m.gauge("eventflow_store_lost_shards", "Shards of the store whose engine knows less than it had.", func() float64 { return float64(count()) })
}

// Handler serves the metrics in the Prometheus text format, and as OpenMetrics, which
// has exemplars, to whoever accepts it.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// Request records an answered request. route is the pattern, never the path: a
// client chooses the path, and could make a series with each request. trace is the id of
// the request's trace, or empty where nobody keeps that trace. It becomes an exemplar:
// the way from a slow bucket to a request that was in it.
func (m *Metrics) Request(method, route string, status int, took time.Duration, trace string) {
	histogram := m.requests.WithLabelValues(method, route, strconv.Itoa(status))
	if trace == "" {
		histogram.Observe(took.Seconds())
		return
	}
	histogram.(prometheus.ExemplarObserver).ObserveWithExemplar(took.Seconds(), prometheus.Labels{"trace_id": trace})
}
