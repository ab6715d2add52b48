package deliver

import (
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// Numbers counts, for people who look at a dashboard and for metrics: streams and
// groups in lists (overview.go), an organization in a summary, a stream in a
// histogram, an installation in a census.
type Numbers struct {
	streams    *eventlog.Streams
	groups     core.Groups
	log        core.Reader
	authorizer core.Authorizer
	now        core.Clock
	// summaries spare the stores: see there.
	summaries summaries
}
