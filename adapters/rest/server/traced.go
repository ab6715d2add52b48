package server

import (
	"context"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// TraceFunc begins to follow a request to a route, or returns nil. parent and state
// are the headers of W3C Trace Context, empty where there are none.
type TraceFunc func(method, route, parent, state string, at time.Time) Trace

// Trace follows one request that belongs to a trace.
type Trace interface {
	// Context marks a context as belonging to the trace. What is done for the request
	// is done in such a context.
	Context(ctx context.Context) context.Context
	// Header is the answer's traceresponse header, or empty.
	Header() string
	// Delivered is told which events the request hands out, and Settles whose events
	// it settles.
	Delivered(d *core.Delivery)
	Settles(lease core.ID)
	// End is told the answer, the caller's organization and the request's id.
	End(status int, org core.ID, requestID string)
}

// The headers of W3C Trace Context that are named more than once, the second of which
// is of its Level 2.
const (
	headerTraceparent   = "Traceparent"
	headerTraceResponse = "Traceresponse"
)

// follow begins the trace of a call that has found its route. Probes are not followed,
// and neither is what finds no route: the dashboard's files, and addresses that
// somebody tries.
func (s *Server) follow(c *call) {
	if s.Trace == nil || c.isProbe() {
		return
	}
	var parent, state string
	if len(c.ctx.Request.Header.Peek(headerTraceparent)) > 0 { // most requests have none
		parent, state = c.requestHeader(headerTraceparent), c.requestHeader("Tracestate")
	}
	c.trace = s.Trace(methodName(c.ctx.Method()), c.route.Path, parent, state, c.start)
	if c.trace == nil {
		return
	}
	if header := c.trace.Header(); header != "" {
		c.ctx.Response.Header.Set(headerTraceResponse, header)
	}
}

// traced marks a context as belonging to the call's trace, if there is one.
func (c *call) traced(ctx context.Context) context.Context {
	if c.trace == nil {
		return ctx
	}
	return c.trace.Context(ctx)
}

// lines returns the context of the call's lines in the log.
func (c *call) lines() context.Context { return c.traced(context.Background()) }

// endTrace ends the call's trace, if there is one.
func (c *call) endTrace(status int) {
	if c.trace != nil {
		c.trace.End(status, c.who.Org, string(c.id))
	}
}
