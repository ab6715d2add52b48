package core

import "time"

// Fingerprint tells two events apart when the same idempotency key comes again.
// Equal events have equal fingerprints, also when their payloads differ in
// insignificant white space.
type Fingerprint [16]byte

// Outcome says what Append did with an entry.
type Outcome uint8

// The outcomes of one entry of an Append that returned no error.
const (
	// Stored says that the event is durable at Offset.
	Stored Outcome = iota
	// Duplicate says that an event with this idempotency key and fingerprint was
	// stored before. ID, Offset and ReceivedAt are now that event's.
	Duplicate
	// Mismatch says that an event with this idempotency key but another fingerprint
	// was stored before. Nothing was stored.
	Mismatch
)

// Entry is an event on its way into the log.
type Entry struct {
	Event
	// Fingerprint is set where IdempotencyKey is.
	Fingerprint Fingerprint
	// Outcome is set by Append.
	Outcome Outcome
}

// Batch is what one request appends to one stream.
type Batch struct {
	Org    ID
	Stream ID
	// Entries are appended in order, at successive offsets.
	Entries []Entry
	// KeysSince begins the idempotency window: a key whose event was received
	// before it counts as never seen. With the zero time a key counts for as long as
	// its event is retained.
	KeysSince time.Time
}
