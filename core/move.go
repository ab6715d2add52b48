package core

import "context"

// Movable is what a [Storage] is, too, from which a stream can be moved into another one
// while others append to it. The suite in core/storetest is this contract in executable
// form.
//
// Somebody whose idea of a stream's home is out of date, by however much, must not store
// an event where nobody will look for it. A time-out cannot promise that, because any
// process may be paused for any time. So the storage itself keeps a fence, and looks at it
// in the transaction that would store.
//
// The same goes for who moves the stream. Each move has a number, its turn, and a later one
// has a higher turn. The storage keeps the highest turn that it has seen of a stream, and
// refuses what a lower one wants with a [CodeConflict]: that move was overtaken, however
// long ago it has looked.
type Movable interface {
	Copyable
	// Fence has every [Appender.Append] to the stream refused from now on, by whatever
	// process: with a [*FencedError], and as a whole, other streams' batches included. When
	// it returns, no append that had begun before can store anything any more. An append
	// that stores nothing, because its keys are known, may be answered. The fence is on
	// disk, and stays until Lift. Put, Trim and all reading go on. The stream need not
	// be there, and may be fenced already, by this turn or by a lower one.
	Fence(ctx context.Context, org, stream ID, turn int64) error
	// Lift takes the fence away. It is no error that there is none.
	Lift(ctx context.Context, stream ID, turn int64) error
	// Fenced returns the streams that are fenced, by id.
	Fenced(ctx context.Context) ([]ID, error)
	// Discard removes all that a stream has, as if it had never been written to, and
	// keeps its fence; without one of this turn it is a [CodeConflict]. It may be
	// interrupted and called again: the stream begins at its next offset until it is done.
	// It ends where a higher turn fences the stream meanwhile. Nobody may Put into the
	// stream while it runs.
	Discard(ctx context.Context, stream ID, turn int64) error
	// Forget drops what this process remembers of a stream, which another one has moved.
	Forget(stream ID)
}

// FencedError says that an append names a stream that is fenced. Nothing was stored.
type FencedError struct{ Stream ID }

// Error implements error.
func (e *FencedError) Error() string {
	return "the stream " + e.Stream.String() + " is being moved, or is somewhere else by now"
}

// Overtaken is how a [Movable] refuses a move after which another one has been there, or
// which has not fenced what it wants to discard.
func Overtaken(stream ID) error {
	return Errorf(CodeConflict, "a later move of the stream %s has been at work, or this one has not fenced it: it was overtaken, and stops", stream)
}
