// Package metrics counts and times the work of the server, for Prometheus. It
// decorates the ports: neither side of a port knows that it is measured.
package metrics

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics holds one server's metrics in a registry of its own.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	// timed holds the requests once more, and nothing else: see newTimed.
	timed    *prometheus.Registry
	appends  prometheus.Histogram
	group    prometheus.Histogram
	failures *prometheus.CounterVec
	reads    prometheus.Histogram
	events   *eventCounter
}

// New returns empty metrics, with those of the Go runtime and the process.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "eventflow_http_request_duration_seconds", Help: "Time to answer a request, by method, route and status.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 15),
		}, []string{"method", "route", "status"}),
		appends: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "eventflow_append_duration_seconds", Help: "Time of one group commit.",
			Buckets: prometheus.ExponentialBuckets(0.00025, 2, 15),
		}),
		group: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "eventflow_append_group_events", Help: "Events per group commit.",
			Buckets: prometheus.ExponentialBuckets(1, 4, 8),
		}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "eventflow_append_failures_total", Help: "Group commits that failed, by reason.",
		}, []string{"reason"}),
		reads: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "eventflow_read_duration_seconds", Help: "Time of one page read from the store.",
			Buckets: prometheus.ExponentialBuckets(0.00025, 2, 15),
		}),
		events: newEventCounter(),
	}
	m.timed = newTimed(m.requests)
	m.registry.MustRegister(m.requests, m.appends, m.group, m.failures, m.reads, m.events.vector,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Queue adds a gauge of the events that wait for their commit.
func (m *Metrics) Queue(depth func() int) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "eventflow_ingest_queue_events", Help: "Events waiting for their group commit.",
	}, func() float64 { return float64(depth()) }))
}

// Clock adds a gauge of how far this machine's clock is ahead of the database's.
func (m *Metrics) Clock(ahead func() time.Duration) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "eventflow_clock_ahead_seconds", Help: "How far this server's own clock is ahead of the database's; negative when it is behind.",
	}, func() float64 { return ahead().Seconds() }))
}

// LimiterLost adds a gauge that is 1 while Redis is lost and every node counts
// requests by itself.
func (m *Metrics) LimiterLost(lost func() bool) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "eventflow_rate_limiter_lost", Help: "1 while Redis is unreachable and each node counts requests on its own.",
	}, func() float64 {
		if lost() {
			return 1
		}
		return 0
	}))
}

// Handler serves the metrics in the Prometheus text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Request records an answered request. route is the pattern, never the path: a
// client chooses the path, and could make a series with each request.
func (m *Metrics) Request(method, route string, status int, took time.Duration) {
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Observe(took.Seconds())
}
