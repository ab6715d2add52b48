package pgtenant

import (
	"context"

	"github.com/jackc/pgx/v5"
)

type tracerKey struct{}

// WithTracer marks a context that databases are opened with: [Configure] has their
// connections tell a tracer of their statements.
func WithTracer(ctx context.Context, tracer pgx.QueryTracer) context.Context {
	return context.WithValue(ctx, tracerKey{}, tracer)
}

// tracerOf returns the tracer of a context, or nil.
func tracerOf(ctx context.Context) pgx.QueryTracer {
	tracer, _ := ctx.Value(tracerKey{}).(pgx.QueryTracer)
	return tracer
}
