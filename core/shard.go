package core

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Sharded is what a [Storage] is, too, that keeps its streams in several places, the
// shards. Each stream is on one of them, its home. A storage that is not Sharded is one
// shard. The suite in core/storetest is this contract in executable form.
//
// What a storage promises of one transaction holds within a shard:
//
//   - One [Appender.Append] names streams of one shard only. One over two shards is
//     refused with an error that wraps [ErrManyShards], and stores nothing.
//   - A shard may keep one clock for all of its streams. So a [*ClockError] may be about
//     another stream of the shard than those that Append was given.
//   - A shard that is away, or slow, hurts its own streams alone: calls for them answer a
//     [CodeUnavailable] that names it, and calls for others go on. A call that cannot do
//     without it, as [Reader.ReadAll], fails too. None answers with a part of the whole;
//     [Reader.Bounds] fails with a [*BoundsError], which has one.
//
// Everything else holds over all shards as it does in one: [Reader.ReadAll] has one order,
// [Reader.Bounds] and [Copyable.Logs] answer for all streams. The bounds that Logs returns
// are of one moment within each shard only.
type Sharded interface {
	// Shards returns how many shards there are, at least 1. They are numbered from 0.
	// The number grows, and a shard keeps its number, for as long as the data lives.
	Shards() int
	// ShardOf returns the home of a stream, whether or not it was ever written to. It is
	// quick for a stream that was asked for a moment ago. The answer stays the same,
	// also in other processes, until the stream is moved. An error is one that a client
	// may read.
	//
	// A stream may be moved at any time, also between ShardOf and Append. So the answer
	// serves to bring streams together that may share an Append; [ErrManyShards] tells
	// that it was out of date.
	ShardOf(ctx context.Context, stream ID) (int, error)
}

// ShardChecker is what a [Sharded] storage is, too, that tells of each of its shards by itself
// what [Storage]'s Check tells of all.
type ShardChecker interface {
	// CheckShards returns the state of each shard, nil where it answers and stores. What
	// only makes it less safe than it should be, such as a missing replica, is for Check.
	CheckShards(ctx context.Context) []error
}

// CheckShards returns the state of each shard of a storage; one that is no [ShardChecker] is
// one shard.
func CheckShards(ctx context.Context, storage Storage) []error {
	if checker, ok := storage.(ShardChecker); ok {
		return checker.CheckShards(ctx)
	}
	return []error{storage.Check(ctx)}
}

// BoundsError is what [Reader.Bounds] of a [Sharded] storage fails with where not all of the
// shards answer. Who has use for a part, and tells that it is one, finds it by [KnownBounds];
// to all others it is an error like any.
type BoundsError struct {
	// Bounds are in the order of the streams that were asked for. Unknown is true for
	// those of which there are none.
	Bounds  []Bounds
	Unknown []bool
	// Err is why.
	Err error
}

// Error implements error.
func (e *BoundsError) Error() string { return e.Err.Error() }

// Unwrap returns why.
func (e *BoundsError) Unwrap() error { return e.Err }

// KnownBounds returns what an answer of [Reader.Bounds] tells, and a function that reports
// of which streams, by their places in the question, it tells nothing.
func KnownBounds(bounds []Bounds, err error) (known []Bounds, unknown func(i int) bool) {
	if part, ok := errors.AsType[*BoundsError](err); ok {
		return part.Bounds, func(i int) bool { return part.Unknown[i] }
	}
	return bounds, func(int) bool { return err != nil }
}

// EventsError is what [Reader.ReadAll] of a [Sharded] storage fails with where not all of the
// shards answer. Who has use for a part, and tells that it is one, finds it by [KnownEvents];
// to all others it is an error like any.
type EventsError struct {
	// Events are those of the other shards, in the order that was asked for.
	Events []Event
	// Away are the numbers of the shards that did not answer, in their order.
	Away []int
	// Err is why.
	Err error
}

// Error implements error.
func (e *EventsError) Error() string { return e.Err.Error() }

// Unwrap returns why.
func (e *EventsError) Unwrap() error { return e.Err }

// KnownEvents returns what an answer of [Reader.ReadAll] tells. Where that is a part, part is
// the error that it came with; failed is an error without a part.
func KnownEvents(events []Event, err error) (known []Event, part *EventsError, failed error) {
	if part, ok := errors.AsType[*EventsError](err); ok {
		return part.Events, part, nil
	}
	return events, nil, err
}

// MaxMissingNames bounds how many streams [Missing] names.
const MaxMissingNames = 20

// Missing says what an answer over many streams lacks while shards are away: everything of
// the streams that are on them.
type Missing struct {
	// Shards are the numbers of the shards, in their order.
	Shards []int `json:"shards"`
	// Streams are the streams on them that the principal may see, by name,
	// [MaxMissingNames] at most. More says that there are others.
	Streams []StreamName `json:"streams"`
	More    bool         `json:"more,omitempty"`
}

// Add notes a stream that is on a shard that is away.
func (m *Missing) Add(stream *Stream) {
	if at, known := slices.BinarySearch(m.Shards, stream.Shard); !known {
		m.Shards = slices.Insert(m.Shards, at, stream.Shard)
	}
	if m.More = len(m.Streams) >= MaxMissingNames; !m.More {
		m.Streams = append(m.Streams, StreamName{ID: stream.ID, Name: stream.Name})
	}
}

// Homes says on which shard the streams are. The catalog does.
type Homes interface {
	// HomesOf returns the Shard of each of the streams, in their order, of whatever
	// organization, deleted or not. A stream that is not there is on shard 0: the audit
	// trails are, which no catalog knows.
	HomesOf(ctx context.Context, streams []ID) ([]int, error)
}

// HomeTTL is how long a process may believe to know a stream's home before it asks again.
// A move of a stream holds appends to it for longer, so that nobody reads where the stream
// was while somebody appends where it is.
const HomeTTL = 2 * time.Second

// Homed is what a [Sharded] storage is, too, that has to be told where streams are.
// Before it is told, calls for streams answer [CodeUnavailable].
type Homed interface {
	// SetHomes is called before anything else is asked. What was known is forgotten.
	SetHomes(homes Homes)
}

// ShardMove is a move of a stream to another shard that has begun.
type ShardMove struct {
	// ID is another one for each who sets about it, so that two do not finish each
	// other's work.
	ID        ID        `json:"id"`
	To        int       `json:"to"`
	StartedAt time.Time `json:"started_at"`
}

// Labelled is what a [Storage] is, too, that can be a shard of a larger one: it keeps a
// label by which it is recognized, whatever the order of a list of addresses.
type Labelled interface {
	// Label returns the storage's label, zero if it has none.
	Label(ctx context.Context) (ShardLabel, error)
	// SetLabel stores a label, durably, if the storage has none. If it has one of the
	// same Installation and Number, Of becomes the greater of both. It returns the label
	// that is stored then, which is another one if the storage belongs elsewhere.
	SetLabel(ctx context.Context, label ShardLabel) (ShardLabel, error)
}

// ShardLabel says which shard a storage is.
type ShardLabel struct {
	// Installation is made up when the shards are opened for the first time.
	Installation ID
	// Number is the shard's, from 0, Of how many shards there are, as far as it was told.
	Number, Of int
}

// IsZero reports whether there is no label.
func (l ShardLabel) IsZero() bool { return l == ShardLabel{} }

// ErrManyShards marks an Append that names streams of several shards. Nothing was
// stored. The caller looks the shards up again and makes one call for each.
var ErrManyShards = errors.New("one append names streams of several shards")

// ShardsOf returns how many shards a storage has: 1 if it is not [Sharded].
func ShardsOf(storage any) int {
	if sharded, ok := storage.(Sharded); ok {
		return sharded.Shards()
	}
	return 1
}

// GroupLimited is what a [Storage] is, too, that can take only so much in one Append.
type GroupLimited interface {
	// GroupLimits returns the limits. They do not change while the storage is open.
	GroupLimits() GroupLimits
}

// GroupLimits bounds what one Append may hold, over all its batches; zero is no bound. A
// single batch as the API takes it, with up to [MaxBatchEvents] events of a request
// body's size, is taken whatever the limits: they bound how many requests may share a
// transaction.
type GroupLimits struct {
	Events int
	// Bytes is the sum of [Event.Size].
	Bytes int
	// Keyed is how many of the events may have an idempotency key.
	Keyed int
}

// GroupLimitsOf returns the limits of a storage, without bounds if it is not
// [GroupLimited].
func GroupLimitsOf(storage any) GroupLimits {
	if limited, ok := storage.(GroupLimited); ok {
		return limited.GroupLimits()
	}
	return GroupLimits{}
}

// StreamPlaces says where the streams are.
type StreamPlaces interface {
	Homes
	// StreamsPerShard counts the streams of all organizations that are not deleted, by
	// their Shard. A shard without any may be missing.
	StreamsPerShard(ctx context.Context) (map[int]int64, error)
	// MovingStreams returns the streams of all organizations that have a Moving and are not
	// deleted, by id.
	MovingStreams(ctx context.Context) ([]Stream, error)
}
