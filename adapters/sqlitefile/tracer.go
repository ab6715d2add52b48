package sqlitefile

import "context"

// Tracer is told of a statement before it runs: what it does, in one word. It returns
// the context to run it with and what is told its text and its outcome, which is nil
// where the statement is of no interest.
type Tracer func(ctx context.Context, operation string) (context.Context, func(statement string, err error))

// Tell runs a statement, or several that do one thing, and tells the tracer. A nil
// tracer is told nothing.
func (t Tracer) Tell(ctx context.Context, operation, statement string, run func(context.Context) error) error {
	if t == nil {
		return run(ctx)
	}
	ctx, ended := t(ctx, operation)
	err := run(ctx)
	if ended != nil {
		ended(statement, err)
	}
	return err
}

type tracerKey struct{}

// WithTracer marks a context that databases are opened with: their statements are told
// to a tracer from then on.
func WithTracer(ctx context.Context, tracer Tracer) context.Context {
	return context.WithValue(ctx, tracerKey{}, tracer)
}

// TracerOf returns the tracer of a context, or nil.
func TracerOf(ctx context.Context) Tracer {
	tracer, _ := ctx.Value(tracerKey{}).(Tracer)
	return tracer
}
