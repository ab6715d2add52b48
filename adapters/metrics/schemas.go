package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/eventflow-go/eventflow/core"
)

// newMisfits counts events that do not fit their schema, with a zero for whatever may
// become of them.
func newMisfits() *prometheus.CounterVec {
	counter := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "eventflow_schema_mismatches_total", Help: "Events that did not fit their schema, by what became of them: reject, quarantine or report.",
	}, []string{"enforcement"})
	for _, enforcement := range core.Enforcements {
		counter.WithLabelValues(string(enforcement))
	}
	return counter
}

// Misfit counts an event that does not fit its schema.
func (m *Metrics) Misfit(enforcement core.Enforcement) {
	m.misfits.WithLabelValues(string(enforcement)).Inc()
}
