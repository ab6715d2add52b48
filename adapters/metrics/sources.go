package metrics

import (
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eventflow-go/eventflow/core"
)

// maxSources bounds the sources that have labels of their own: whoever makes sources, or
// sends to very many, does not fill the memory. Those that come later count as 'other'.
const maxSources = 500

// sources counts what sources refused.
type sources struct {
	refusals *prometheus.CounterVec

	// mu guards known, the sources that have labels.
	mu    sync.Mutex
	known map[core.ID]struct{}
}

func newSources() *sources {
	return &sources{known: map[core.ID]struct{}{}, refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "eventflow_source_refusals_total",
		Help: "What this node's sources refused for good, by source id and reason; beyond a bounded number of sources they count together as 'other'.",
	}, []string{"source", "reason"})}
}

// Refused counts what a source refused. The reason is a code of errors, of which there are
// few.
func (m *Metrics) Refused(source core.ID, code core.Code) {
	m.sources.refusals.WithLabelValues(m.sources.label(source), strings.ToLower(string(code))).Inc()
}

// label returns the label of a source.
func (s *sources) label(source core.ID) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.known[source]; !known {
		if len(s.known) >= maxSources {
			return "other"
		}
		s.known[source] = struct{}{}
	}
	return source.String()
}
