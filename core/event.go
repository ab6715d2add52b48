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
	// microseconds. It is the time of receipt when the producer says nothing.
	OccurredAt time.Time `json:"occurred_at"`
	// ReceivedAt is the server's time, in UTC with microseconds. It never
	// decreases with the offset.
	ReceivedAt time.Time `json:"received_at"`
	// Source is who emitted it; the key's label when the producer says nothing.
	Source string `json:"source"`
	// Subject is whom or what the event is about, or "".
	Subject string `json:"subject,omitempty"`
	// Payload is any JSON value, byte for byte as it was sent.
	Payload json.RawMessage `json:"payload"`
	// Context is a JSON object whose values are strings, or empty: trace_id,
	// correlation_id, causation_id, traceparent and whatever else was sent.
	Context json.RawMessage `json:"context,omitempty"`
	// APIKeyID is the key that sent it, or zero when no key did.
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
