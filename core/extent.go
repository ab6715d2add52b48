package core

import (
	"context"
	"errors"
)

// Extents remembers, outside of a store's engine, how far each shard of a store has come.
// An engine that loses the end of its log would go on at an earlier place and give
// offsets a second time. By the extents that is found out, even if every process that
// knew better has ended. They are no part of what is copied or backed up: another engine
// counts by other numbers.
type Extents interface {
	// Extents returns the highest number of each shard of a store that was ever kept. A
	// store that nothing was kept of has none.
	Extents(ctx context.Context, store string) (map[int]uint64, error)
	// KeepExtents keeps numbers, each at most 1<<63-1. One that is below what is kept
	// changes nothing.
	KeepExtents(ctx context.Context, store string, extents map[int]uint64) error
}

// Guarded is what a [Storage] is, too, whose engine may come back with less than it
// had.
type Guarded interface {
	// Guard is called once, before anything is asked. From then on a shard that has
	// come less far than extents says is not written to, and no reader is told that it has
	// no more: calls for its streams answer a [CodeUnavailable] that wraps [ErrLost] and
	// says so, and so does Check. That ends by itself when the engine has found the rest.
	Guard(ctx context.Context, extents Extents) error
	// Lost returns how many shards were found to have come less far, when they were last
	// looked at.
	Lost() int
}

// ErrLost marks what is said of a shard that has come less far than it once had: its
// engine has lost events, or has not found them yet.
var ErrLost = errors.New("the engine knows less than it had")
