package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/eventflow-go/eventflow/core"
)

// shares reads the shares when they are asked for. Its one label is a small fixed set.
type shares struct {
	read                  func() []core.ShareLoad
	limit, taken, refused *prometheus.Desc
}

// Shares adds what organizations share on this node.
func (m *Metrics) Shares(read func() []core.ShareLoad) {
	label := []string{"share"}
	m.registry.MustRegister(&shares{
		read:    read,
		limit:   prometheus.NewDesc("eventflow_share_limit", "What there is of something that organizations share on this node: bytes of uploads, requests that last, thousandths of cores for evaluations.", label, nil),
		taken:   prometheus.NewDesc("eventflow_share_taken", "How much of it is taken.", label, nil),
		refused: prometheus.NewDesc("eventflow_share_refused_total", "How often somebody got none, because all or their share of it was taken.", label, nil),
	})
}

// Describe implements prometheus.Collector.
func (s *shares) Describe(out chan<- *prometheus.Desc) {
	out <- s.limit
	out <- s.taken
	out <- s.refused
}

// Collect implements prometheus.Collector.
func (s *shares) Collect(out chan<- prometheus.Metric) {
	for _, share := range s.read() {
		name := string(share.Share)
		out <- prometheus.MustNewConstMetric(s.limit, prometheus.GaugeValue, float64(share.Limit), name)
		out <- prometheus.MustNewConstMetric(s.taken, prometheus.GaugeValue, float64(share.Taken), name)
		out <- prometheus.MustNewConstMetric(s.refused, prometheus.CounterValue, float64(share.Refused), name)
	}
}
