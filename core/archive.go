package core

import (
	"context"
	"time"
)

// Tiered is what a [Storage] is, too, that keeps old events in an archive, a cheaper
// place than the store itself: every [Reader] finds them as before, at their offsets, only
// slower, and a read that needs the archive while it is away is a [CodeUnavailable]. Trim
// removes events from both. The suite in core/storetest is this contract in executable
// form.
type Tiered interface {
	// HandOver writes the oldest events of a stream into the archive, in whole days
	// (UTC), and takes them out of the store once they were read back there. It hands
	// over all of a day that ended before a time, and no event that was received at or
	// after it. The idempotency key of an event that has left the store is not
	// remembered any more. It may be interrupted and called again, and by several nodes
	// at once: no event is lost and none is there twice.
	//
	// While the archive is away nothing leaves the store, and the error says why.
	HandOver(ctx context.Context, org, stream ID, before time.Time) (HandedOver, error)
	// DiscardArchive removes all of a stream that is in the archive, and leaves what is in the
	// store. It may be called again.
	DiscardArchive(ctx context.Context, stream ID) error
	// Archived says what the archive holds of the streams, in their order.
	Archived(ctx context.Context, streams []ID) ([]Archived, error)
	// ArchivedAt says about when the event at an offset was received, without a look at
	// the archive itself: it is the right day (UTC). It is zero where the event is not in
	// the archive.
	ArchivedAt(ctx context.Context, stream ID, offset Offset) (time.Time, error)
	// CheckArchive returns nil when the archive answers, and wraps [ErrDegraded] when it
	// does not: what is in the store can be read, and events can be stored.
	CheckArchive(ctx context.Context) error
}

// HandedOver is what went from the store into the archive at one time.
type HandedOver struct {
	Events  int64
	Objects int
	// Bytes is what the objects hold, compressed as they are.
	Bytes int64
	// Kept is the first offset that is in the store now.
	Kept Offset
}

// Archived is what an archive holds of a stream: the offsets from First to Next, which is
// not included. It is zero when the archive holds nothing.
type Archived struct {
	First, Next Offset
	Events      int64
	// Bytes is the sum of [Event.Size], and ObjectBytes what the objects hold, compressed
	// as they are.
	Bytes, ObjectBytes int64
	Objects            int64
	// OldestAt is when the first event was received, and NewestAt when the last one was.
	OldestAt, NewestAt time.Time
}

// Segment is a run of a stream's events in an archive, which is one object.
type Segment struct {
	Org    ID `json:"-"`
	Stream ID `json:"stream_id"`
	// First up to, not including, Next are its offsets.
	First Offset `json:"first_offset"`
	Next  Offset `json:"next_offset"`
	// FirstAt and LastAt are when its first and its last event were received.
	FirstAt time.Time `json:"first_received_at"`
	LastAt  time.Time `json:"last_received_at"`
	// Bytes and ObjectBytes are as in [Archived].
	Bytes       int64 `json:"bytes"`
	ObjectBytes int64 `json:"object_bytes"`
	// Object is the object's name, and SHA256 the hash of what is in it, in hexadecimal.
	Object string `json:"object"`
	SHA256 string `json:"sha256"`
}

// SegmentScan says which segments to list: those of a stream, or of an organization, or,
// with neither, all.
type SegmentScan struct {
	Stream, Org ID
	// From and To bound the offsets: a segment that ends at or before From, or begins at
	// or after To, is left out. Zero is open.
	From, To Offset
	// After and Before bound the times, both included: a segment that ends before After,
	// or begins after Before, is left out. Zero is open.
	After, Before time.Time
	// Backward turns the order.
	Backward bool
	// Dropped lists the segments that were dropped and not yet forgotten, instead.
	Dropped bool
	// Limit is how many segments to list.
	Limit int
}

// Segments keeps what is in the archive of a [Tiered] storage. No two segments of a stream
// share an offset, unless one of them was dropped.
type Segments interface {
	// AddSegment stores a segment. One that is there already changes nothing. Another one
	// of the stream with the same First is a [CodeConflict].
	AddSegment(ctx context.Context, segment Segment) error
	// Segments returns segments by FirstAt, then stream, then First. Backward they come by
	// LastAt, then stream, then First, and the greatest of them first.
	Segments(ctx context.Context, scan SegmentScan) ([]Segment, error)
	// Archived sums the segments of the streams up, in their order, dropped ones left out.
	Archived(ctx context.Context, streams []ID) ([]Archived, error)
	// DropSegments drops the segments of a stream whose last event was received before a
	// time, and that end at an offset or before. They are gone for all methods that do not
	// ask for dropped ones, but their objects are still there.
	DropSegments(ctx context.Context, stream ID, before time.Time, end Offset) error
	// ForgetSegment removes a dropped segment. One that is not there is no error.
	ForgetSegment(ctx context.Context, stream ID, first Offset) error
}
