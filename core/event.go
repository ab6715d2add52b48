package core

import (
	"encoding/json"
	"time"
)

// Offset is an event's place in its stream: 0, 1, 2, … without a gap, in the
// order in which the events became durable. It never changes.
type Offset int64

// Event is one stored event. Once stored it never changes.
type Event struct {
	// ID is given by the server, at the millisecond of ReceivedAt.
	ID ID `json:"event_id"`
	// Stream is the stream that holds the event.
	Stream ID     `json:"stream_id"`
	Offset Offset `json:"offset"`
	// Type says what happened (`order.paid`): 1 to 255 characters.
	Type string `json:"event_type"`
	// Version is the version of the type's payload, at least 1.
	Version int32 `json:"event_version"`
	// OccurredAt is when it happened, by the producer's clock, in UTC with
	// microseconds; the time of receipt where the producer says nothing.
	OccurredAt time.Time `json:"occurred_at"`
	// ReceivedAt is the server's time, in UTC with microseconds. It never
	// decreases with the offset.
	ReceivedAt time.Time `json:"received_at"`
	// Source is who emitted it; the key's label where the producer says nothing.
	Source string `json:"source"`
	// Subject is whom or what the event is about, or "".
	Subject string `json:"subject,omitempty"`
	// Payload is any JSON value, byte for byte as it was sent.
	Payload json.RawMessage `json:"payload"`
	// Context is a JSON object whose values are strings, or empty: trace_id,
	// correlation_id, causation_id, traceparent and whatever else was sent.
	Context json.RawMessage `json:"context,omitempty"`
	// APIKeyID is the key that sent it, or zero where no key did.
	APIKeyID ID `json:"api_key_id,omitzero"`
	// IdempotencyKey is the producer's name for this event, or "".
	IdempotencyKey string `json:"idempotency_key,omitempty"`
}

// Size is what an event adds to an answer, roughly: the bytes of its payload
// and context.
func (e *Event) Size() int { return len(e.Payload) + len(e.Context) }

// The limits of an event's fields, in characters (Unicode code points) for
// text and in bytes for the rest.
const (
	MaxTypeLength           = 255
	MaxSourceLength         = 255
	MaxSubjectLength        = 255
	MaxIdempotencyKeyLength = 255
	MaxContextPairs         = 32
	MaxContextBytes         = 8 << 10
	MaxEventBytes           = 1 << 20
	MaxBatchBytes           = 16 << 20
	MaxBatchEvents          = 10_000
)

// Fingerprint tells two events apart when the same idempotency key comes again.
// Equal events have equal fingerprints, also where their payloads differ in
// insignificant white space.
type Fingerprint [16]byte

// Outcome says what Append did with an entry.
type Outcome uint8

// The outcomes of one entry of an Append that returned no error.
const (
	// Stored: the event is durable at Offset.
	Stored Outcome = iota
	// Duplicate: an event with this idempotency key and fingerprint was stored
	// before; ID, Offset and ReceivedAt are now that event's.
	Duplicate
	// Mismatch: an event with this idempotency key but another fingerprint was
	// stored before; nothing was stored.
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
	// KeysSince bounds the idempotency window: a key whose event was received
	// before it counts as never seen. The zero time is as long as the event is
	// retained.
	KeysSince time.Time
}

// Accepted is the status of every receipt.
const Accepted = "ACCEPTED"

// Receipt tells a producer where its event is stored.
type Receipt struct {
	Status     string    `json:"status"`
	ID         ID        `json:"event_id"`
	Offset     Offset    `json:"offset"`
	ReceivedAt time.Time `json:"received_at"`
	// Duplicate: an earlier request stored the event under the same
	// idempotency key, and this one stored nothing.
	Duplicate bool `json:"duplicate,omitempty"`
}

// PayloadMatch selects events whose payload holds, at Path, a scalar whose
// text is Value: the characters of a string, the literal of anything else.
// Path names object keys and array indexes, joined by dots.
type PayloadMatch struct{ Path, Value string }

// EventQuery says which events to answer with. Its zero value is the first
// page of all, oldest first.
type EventQuery struct {
	Filter  Filter
	Payload []PayloadMatch
	// From and To bound ReceivedAt: From is included, To is not. Zero is open.
	From, To time.Time
	// After leaves out this offset and all before it; not over all streams.
	After      *Offset
	Descending bool
	// Cursor continues a page of the same query.
	Cursor string
	// Limit is the size of a page, [DefaultPageSize] when zero.
	Limit int
}

// EventPage is a part of a query's answer. A page may hold fewer events than
// asked for, or none, and still have more after it: a filter that matches
// rarely looks at a bounded part of the log per page.
type EventPage struct {
	Page[Event]
	// Names are the names of the events' streams, in a page of all streams.
	Names map[ID]string
}
