package otel

import (
	"context"
	"errors"

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	noop "go.opentelemetry.io/otel/metric/noop"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/eventflow-go/eventflow/adapters/pgtenant"
	"github.com/eventflow-go/eventflow/adapters/sqlitefile"
)

// Databases marks the context that databases are opened with: those in PostgreSQL and
// SQLite then have spans for statements.
func (t *Telemetry) Databases(ctx context.Context) context.Context {
	if t.provider == nil {
		return ctx
	}
	return sqlitefile.WithTracer(pgtenant.WithTracer(ctx, t.postgres()), t.sqlite)
}

// postgres returns otelpgx's tracer. The texts of statements have placeholders where
// values go, so they tell nothing; the wait for a connection is in the pool's metrics.
func (t *Telemetry) postgres() pgxTracer {
	return pgxTracer{otelpgx.NewTracer(
		otelpgx.WithTracerProvider(t.provider), otelpgx.WithMeterProvider(noop.NewMeterProvider()), otelpgx.WithDisableAcquireTracer(),
	)}
}

// pgxTracer keeps otelpgx from work that nobody follows, and from the texts of errors.
type pgxTracer struct{ tracer *otelpgx.Tracer }

// TraceQueryStart implements [pgx.QueryTracer].
func (t pgxTracer) TraceQueryStart(ctx context.Context, conn *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	return start(ctx, func() context.Context { return t.tracer.TraceQueryStart(ctx, conn, data) })
}

// TraceQueryEnd implements [pgx.QueryTracer].
func (t pgxTracer) TraceQueryEnd(ctx context.Context, conn *pgx.Conn, data pgx.TraceQueryEndData) {
	if begun(ctx) {
		data.Err = bare(data.Err)
		t.tracer.TraceQueryEnd(ctx, conn, data)
	}
}

// TraceCopyFromStart implements [pgx.CopyFromTracer].
func (t pgxTracer) TraceCopyFromStart(ctx context.Context, conn *pgx.Conn, data pgx.TraceCopyFromStartData) context.Context {
	return start(ctx, func() context.Context { return t.tracer.TraceCopyFromStart(ctx, conn, data) })
}

// TraceCopyFromEnd implements [pgx.CopyFromTracer].
func (t pgxTracer) TraceCopyFromEnd(ctx context.Context, conn *pgx.Conn, data pgx.TraceCopyFromEndData) {
	if begun(ctx) {
		data.Err = bare(data.Err)
		t.tracer.TraceCopyFromEnd(ctx, conn, data)
	}
}

// TraceBatchStart implements [pgx.BatchTracer].
func (t pgxTracer) TraceBatchStart(ctx context.Context, conn *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	return start(ctx, func() context.Context { return t.tracer.TraceBatchStart(ctx, conn, data) })
}

// TraceBatchQuery implements [pgx.BatchTracer]. The batch has one span for all.
func (pgxTracer) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd implements [pgx.BatchTracer].
func (t pgxTracer) TraceBatchEnd(ctx context.Context, conn *pgx.Conn, data pgx.TraceBatchEndData) {
	if begun(ctx) {
		data.Err = bare(data.Err)
		t.tracer.TraceBatchEnd(ctx, conn, data)
	}
}

type begunKey struct{}

// start has a span begin, if there is one above it.
func start(ctx context.Context, start func() context.Context) context.Context {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return ctx
	}
	return context.WithValue(start(), begunKey{}, true)
}

// begun reports whether the span of a context is one that start has begun. Without one,
// the end of a statement would end the span above it.
func begun(ctx context.Context) bool { return ctx.Value(begunKey{}) != nil }

// bare returns an error of a database without its text, which may quote values.
func bare(err error) error {
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		return &pgconn.PgError{Severity: refused.Severity, Code: refused.Code, Message: "refused"}
	}
	if err != nil {
		return errors.New("failed")
	}
	return nil
}

// sqlite starts the span of a statement of the catalog in SQLite.
func (t *Telemetry) sqlite(ctx context.Context, operation string) (context.Context, func(statement string, err error)) {
	ctx, span := t.child(ctx, operation)
	if span == nil {
		return ctx, nil
	}
	return ctx, func(statement string, err error) {
		span.SetAttributes(semconv.DBSystemNameSQLite, semconv.DBOperationName(operation), semconv.DBQueryText(statement))
		end(span, err)
	}
}
