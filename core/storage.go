package core

import (
	"context"
	"errors"
	"time"
)

// Storage is what a storage adapter opens. The suite in core/storetest is this
// contract in executable form.
//
// All methods of all ports are safe for concurrent use and return when ctx ends.
// An error that a client may read is an [*Error]; any other stays inside.
type Storage interface {
	EventLog
	// Check returns nil when the store answers and keeps what it acknowledges.
	// It wraps [ErrRelaxedDurability] when the engine's settings would let an
	// acknowledged event be lost in a crash, and [ErrDegraded] when it refuses to
	// store, or does not get to it, while it can be read. The last refusal counts,
	// until storing succeeds again: in Check itself, if nothing else stores. It wraps
	// [ErrAlone] where storing waits for a second machine.
	Check(ctx context.Context) error
	// Close waits for running calls and releases everything.
	Close() error
}

// EventLog is an append-only log per stream.
type EventLog interface {
	Appender
	Reader
	Trimmer
}

// Appender makes events durable.
type Appender interface {
	// Append stores all entries of all batches in one transaction and returns
	// once the engine has flushed them to disk. On nil every entry's Outcome is
	// set, and Offset, ID and ReceivedAt as the outcome says. The offsets of
	// a stream follow the order of batches and entries, without a gap, also when
	// other processes append to the same stream.
	//
	// at becomes the ReceivedAt of every event. It is in UTC with microseconds, and
	// the entries' ids are made of it. When one of the streams already holds a
	// later event, nothing is stored and the error is a [*ClockError].
	//
	// No two entries of one call share both stream and idempotency key. Several
	// batches may name the same stream. The adapter may keep nothing of batches
	// after it returns.
	//
	// An error means that nothing was stored. One that wraps [ErrUnknownOutcome]
	// means that all or nothing was.
	Append(ctx context.Context, at time.Time, batches []Batch) error
}

// Confirmer is what a [Storage] is, too, that may show an event before it is as safe as
// what Append acknowledges: one whose Append failed, or has an unknown outcome.
type Confirmer interface {
	// Confirm returns nil once what can be read of a stream is as safe as what Append
	// acknowledges.
	Confirm(ctx context.Context, stream ID) error
}

// Reader reads the log. What it returns belongs to the caller. Where the context is marked
// with an organization ([ContextWithOrganization]), a stream of another one is as if it
// had never been written to.
type Reader interface {
	// Read returns events of one stream in offset order. A stream that was
	// never written to is empty. It sees every event whose Append returned
	// before Read was called.
	Read(ctx context.Context, stream ID, scan Scan) ([]Event, error)
	// ReadAll returns events of all streams of an organization, ordered by
	// ReceivedAt, then stream, then offset.
	ReadAll(ctx context.Context, org ID, scan AllScan) ([]Event, error)
	// Bounds returns the bounds of the streams in their order; a stream never
	// written to has zero bounds.
	Bounds(ctx context.Context, streams []ID) ([]Bounds, error)
	// OffsetAt returns the offset of the first retained event of the stream
	// whose ReceivedAt is not before at, or the next offset when there is none.
	OffsetAt(ctx context.Context, stream ID, at time.Time) (Offset, error)
}

// Trimmer applies retention.
type Trimmer interface {
	// Trim removes the oldest events of a stream, and their idempotency keys, in
	// whole periods of the adapter's choice (a day at most). It never removes an
	// event received at or after before. It always removes all of a period that
	// ended before it. The offsets of the remaining events do not change, and
	// removed offsets are never given again. It may be interrupted and called again.
	// Where the context is marked with an organization, nothing of another one is removed.
	Trim(ctx context.Context, stream ID, before time.Time) error
}

// Scan says which part of a stream to read.
type Scan struct {
	// From is the first offset to look at. To is the end of the range and not
	// included; zero is the end of the stream. Backward turns the order of the
	// answer, not the range.
	From, To Offset
	Backward bool
	// Limit bounds the events returned; it is at least 1.
	Limit int
	// Bytes bounds what they hold, unless it is zero. The answer ends with the event
	// that brings the sum of [Event.Size] to it or above, so it is never empty for
	// the sake of one large event.
	Bytes int
	// Filter leaves out the events that do not match.
	Filter Filter
}

// Full reports whether an answer ended because of its limits. Otherwise nothing
// was left to read.
func Full(events []Event, limit, bytes int) bool {
	size := 0
	for i := range events {
		size += events[i].Size()
	}
	return len(events) >= limit || size >= bytes
}

// AllScan says which part of an organization's events to read.
type AllScan struct {
	// After and Before bound the range, both exclusive; a zero position is open.
	After, Before Position
	Backward      bool
	// Limit and Bytes are as in [Scan].
	Limit, Bytes int
}

// Position is an event's place among all events of an organization.
type Position struct {
	ReceivedAt time.Time
	Stream     ID
	Offset     Offset
}

// IsZero reports whether p is no event's place.
func (p Position) IsZero() bool { return p.ReceivedAt.IsZero() }

// Filter selects events by equality; an empty field matches every event.
type Filter struct {
	ID                    ID
	Type, Source, Subject string
}

// Bounds says which offsets of a stream are stored: First up to, not
// including, Next. First equals Next when none is.
type Bounds struct {
	First, Next Offset
	// Last is the ReceivedAt of the newest event ever stored, zero when none was.
	Last time.Time
}

// Behind returns the first stored offset behind after, where -1 is before all
// events. It is the one rule for whoever names a place in a stream: an offset that no
// event has yet is refused under the field's name, because the events until there
// would be passed over in silence. One that retention has removed is good.
func (b Bounds) Behind(field string, after Offset) (Offset, error) {
	if after < -1 {
		return 0, Invalid(field, "must be an offset, or -1, which is before all events")
	}
	if after >= b.Next {
		return 0, Invalid(field, "is beyond the end of the stream, whose next offset is %d", b.Next)
	}
	return max(after+1, b.First), nil
}

// Matches reports whether the event has the filter's fields.
func (f Filter) Matches(event *Event) bool {
	return (f.ID.IsZero() || f.ID == event.ID) &&
		(f.Type == "" || f.Type == event.Type) &&
		(f.Source == "" || f.Source == event.Source) &&
		(f.Subject == "" || f.Subject == event.Subject)
}

// ErrUnknownOutcome marks an Append whose commit may or may not have taken
// place, because the connection broke after the request was sent. It is never
// proof of failure: the caller must look the events up by id.
var ErrUnknownOutcome = errors.New("the outcome of the commit is unknown")

// ErrRelaxedDurability marks a store that is reachable but configured so that
// an acknowledged event could be lost in a crash.
var ErrRelaxedDurability = errors.New("the store's durability settings are relaxed")

// ErrAlone marks a store that must have everything on two machines, and the second one is
// away. So it stores nothing, and a server is not ready. The text of the error around it
// may be read by anybody.
var ErrAlone = errors.New("nothing is stored until it is back")

// ErrDegraded marks a store that can be read, and refuses what is to be stored or
// does not get to it. The text of the error around it says why, in words that
// anybody may read.
var ErrDegraded = errors.New("reading goes on")

// ClockError says that a stream already holds an event received at Last,
// later than the time given to Append. Nothing was stored; the caller appends
// again with a time not before Last.
type ClockError struct{ Last time.Time }

// Error implements error.
func (e *ClockError) Error() string {
	return "a stream already holds an event received at " + e.Last.Format(time.RFC3339Nano)
}
