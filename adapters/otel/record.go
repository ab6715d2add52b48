package otel

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/trace"

	"github.com/eventflow-go/eventflow/core"
)

// Handler returns a handler of log lines that adds the trace_id of what a line is
// about, if it is about a request that belongs to a trace.
func Handler(next slog.Handler) slog.Handler { return &handler{next} }

type handler struct{ slog.Handler }

// Handle implements [slog.Handler].
func (h *handler) Handle(ctx context.Context, line slog.Record) error {
	if place := placeOf(ctx); place.IsValid() {
		line.AddAttrs(slog.String("trace_id", place.TraceID().String()))
	}
	return h.Handler.Handle(ctx, line)
}

// WithAttrs implements [slog.Handler].
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements [slog.Handler].
func (h *handler) WithGroup(name string) slog.Handler { return &handler{h.Handler.WithGroup(name)} }

// placeOf returns where a context is in a trace. Work for several requests is found
// where the first of them is that belongs to one.
func placeOf(ctx context.Context) trace.SpanContext {
	if place := trace.SpanContextFromContext(ctx); place.IsValid() {
		return place
	}
	for _, request := range core.RequestsOf(ctx) {
		if request == nil {
			continue
		}
		if place := trace.SpanContextFromContext(request); place.IsValid() {
			return place
		}
	}
	return trace.SpanContext{}
}
