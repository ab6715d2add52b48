package core

import "context"

// PipelineCompiler turns the filter and the transform of a processor into a pipeline.
type PipelineCompiler interface {
	// Compile returns a pipeline, or a [CodeValidation] error whose details name
	// `filter` or `transform` and the place of the fault in it, by line and column. An
	// empty filter passes every event, and an empty transform changes none. A filter
	// that is no condition and a transform that can be seen to yield no object are
	// faults, and so is an expression whose cost has no bound that is low enough.
	Compile(filter, transform string) (Pipeline, error)
}

// Pipeline decides whether an event goes on, and in which form. It may be used by
// several goroutines at once.
type Pipeline interface {
	// Run applies the filter and then the transform to an event. passed is false where
	// the filter refuses the event. out shares no memory that is written with in; its ID,
	// Offset, Org, Stream, ReceivedAt, IdempotencyKey and APIKey are those of in.
	//
	// An error is a [CodeValidation] error with details as those of Compile. It is the
	// event's fault or the expression's, so another try would end alike, except that the
	// end of ctx is returned as it is. Run works within limits of time, memory and size,
	// whatever the expression is, and notices the end of ctx.
	Run(ctx context.Context, in *Event) (out Event, passed bool, err error)
}
