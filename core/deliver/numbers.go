package deliver

import (
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// Numbers counts, for people who look at a dashboard and for metrics: streams and
// groups in lists, an organization in a summary, a stream in a histogram, an
// installation in a census.
type Numbers struct {
	NumberPorts
	summaries summaries
}

// NumberPorts is what Numbers works with.
type NumberPorts struct {
	Streams    *eventlog.Streams
	Groups     core.Groups
	Log        core.Reader
	Authorizer core.Authorizer
	Now        core.Clock
}

// NewNumbers returns the use case.
func NewNumbers(ports NumberPorts) *Numbers { return &Numbers{NumberPorts: ports} }
