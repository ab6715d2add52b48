package otel

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/eventflow-go/eventflow/core"
)

// maxLinks bounds the links of one span. It is the standard's default, beyond which a
// collector is sent none.
const maxLinks = 128

// begin starts the span of what is done for the requests of a context, or for the one
// that it belongs to. The span is nil where none of them is followed.
//
// The first request's trace holds the span, so that it shows the whole way of that
// request. The span is linked to all of them, and those of the others are linked to it:
// from each request it is one step to what was done for it.
func (t *Telemetry) begin(ctx context.Context, name string) (context.Context, trace.Span) {
	requests := core.RequestsOf(ctx)
	if requests == nil {
		return t.child(ctx, name)
	}
	spans := followed(requests)
	if len(spans) == 0 {
		return ctx, nil
	}
	links := make([]trace.Link, len(spans))
	for i, span := range spans {
		links[i].SpanContext = span.SpanContext()
	}
	ctx, span := t.tracer.Start(trace.ContextWithSpan(ctx, spans[0]), name, trace.WithLinks(links...))
	for _, other := range spans[1:] {
		other.AddLink(trace.Link{SpanContext: span.SpanContext()})
	}
	return ctx, span
}

// child starts a span below the one of a context, if there is one.
func (t *Telemetry) child(ctx context.Context, name string) (context.Context, trace.Span) {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return ctx, nil
	}
	return t.tracer.Start(ctx, name)
}

// followed returns the spans of those requests that have one, each once: a batch for
// several streams is there several times.
func followed(requests []context.Context) (spans []trace.Span) {
	for _, ctx := range requests {
		if ctx == nil {
			continue
		}
		span := trace.SpanFromContext(ctx)
		if !span.IsRecording() || slices.Contains(spans, span) {
			continue
		}
		if spans = append(spans, span); len(spans) == maxLinks {
			break
		}
	}
	return spans
}

// More attributes of our own: how many requests something was done for, how much of
// what it was, and whose.
const (
	keyRequests = attribute.Key("eventflow.requests")
	keyBatches  = attribute.Key("eventflow.batches")
	keyEvents   = attribute.Key("eventflow.events")
	keyStreams  = attribute.Key("eventflow.streams")
	keyGroup    = attribute.Key("eventflow.group.id")
)
