package otel

import (
	"context"
	"encoding/hex"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/eventflow-go/eventflow/core"
)

// Attributes of our own. Their values are ids and codes.
const (
	keyOrganization = attribute.Key("eventflow.organization.id")
	keyRequest      = attribute.Key("eventflow.request.id")
)

// Request follows one request. It may be used by several goroutines.
type Request struct {
	telemetry *Telemetry
	// span is nil where the request belongs to a client's trace, which is in the log's
	// lines, and leaves no span of its own.
	span trace.Span
	// place is where the request's own spans hang.
	place trace.SpanContext
}

// Request begins to follow a request, or returns nil where it belongs to no trace.
// route is a pattern out of a fixed set. parent and state are the headers traceparent
// and tracestate, empty where there are none; a parent that is not valid counts as
// none, as its standard demands.
func (t *Telemetry) Request(method, route, parent, state string, at time.Time) *Request {
	var remote trace.SpanContext
	if parent != "" {
		remote = parse(parent, state)
	}
	if t.provider == nil || t.gate != nil && !t.begins(kind{method, route}, remote, at) {
		if !remote.IsValid() {
			return nil
		}
		return &Request{telemetry: t, place: remote}
	}
	ctx := context.Background()
	if remote.IsValid() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, remote)
	}
	_, span := t.tracer.Start(ctx, method+" "+route, trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(at),
		trace.WithAttributes(semconv.HTTPRequestMethodKey.String(method), semconv.HTTPRoute(route)))
	r := &Request{telemetry: t, place: span.SpanContext()}
	if span.IsRecording() {
		r.span = span
	}
	return r
}

// begins reports whether a request gets a span: where its client has decided against
// it never, and otherwise as often as the gate lets one of its kind begin.
func (t *Telemetry) begins(of kind, remote trace.SpanContext, at time.Time) bool {
	if remote.IsValid() && !remote.IsSampled() {
		return false
	}
	return t.gate.open(of, at)
}

// parse reads the W3C trace context.
func parse(parent, state string) trace.SpanContext {
	carrier := propagation.MapCarrier{"traceparent": parent, "tracestate": state}
	return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), carrier))
}

// Context marks a context as belonging to the request's trace.
func (r *Request) Context(ctx context.Context) context.Context {
	if r.span != nil {
		return trace.ContextWithSpan(ctx, r.span)
	}
	return trace.ContextWithRemoteSpanContext(ctx, r.place)
}

// Header is the traceresponse header (W3C Trace Context, Level 2), by which the client
// finds the trace. It is empty where there is nothing to be found.
func (r *Request) Header() string {
	if r.span == nil {
		return ""
	}
	id, span := r.place.TraceID(), r.place.SpanID()
	b := append(hex.AppendEncode([]byte("00-"), id[:]), '-')
	b = append(hex.AppendEncode(b, span[:]), '-')
	return string(hex.AppendEncode(b, []byte{byte(r.place.TraceFlags() & trace.FlagsSampled)}))
}

// End is told the answer to the request, of which organization it was, and its id.
func (r *Request) End(status int, org core.ID, id string) {
	if r.span == nil {
		return
	}
	r.span.SetAttributes(semconv.HTTPResponseStatusCode(status), keyRequest.String(id))
	if !org.IsZero() {
		r.span.SetAttributes(keyOrganization.String(org.String()))
	}
	if status >= 500 { // what the client did wrong is no error of the server
		r.span.SetAttributes(semconv.ErrorTypeKey.String(strconv.Itoa(status)))
		r.span.SetStatus(codes.Error, "")
	}
	r.span.End()
}

// end ends a span. Of an error it tells the code: the text may quote anything.
func end(span trace.Span, err error) {
	if err != nil {
		code := string(core.CodeOf(err))
		span.SetAttributes(semconv.ErrorTypeKey.String(code))
		span.SetStatus(codes.Error, code)
	}
	span.End()
}
