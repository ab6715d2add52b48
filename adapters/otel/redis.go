package otel

import (
	"context"

	"github.com/redis/go-redis/extra/redisotel/v9"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/embedded"
	"go.opentelemetry.io/otel/trace/noop"
)

// Redis has a client's commands traced. It leaves their arguments out: among them are
// addresses of clients.
func (t *Telemetry) Redis(client *redis.Client) error {
	if t.provider == nil {
		return nil
	}
	return redisotel.InstrumentTracing(client, redisotel.WithTracerProvider(below{of: t.provider}),
		redisotel.WithDBStatement(false), redisotel.WithCallerEnabled(false), redisotel.WithDialFilter(true))
}

// below is a provider whose spans begin no trace of their own, because work that is
// done for no request is not followed.
type below struct {
	embedded.TracerProvider
	of trace.TracerProvider
}

// Tracer implements [trace.TracerProvider].
func (b below) Tracer(name string, options ...trace.TracerOption) trace.Tracer {
	return tracerBelow{of: b.of.Tracer(name, options...)}
}

type tracerBelow struct {
	embedded.Tracer
	of trace.Tracer
}

// Start implements [trace.Tracer].
func (t tracerBelow) Start(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return ctx, noop.Span{}
	}
	return t.of.Start(ctx, name, options...)
}
