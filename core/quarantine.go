package core

import (
	"context"
	"encoding/json"
	"time"
)

// Quarantined is an event that its stream's schema refused. It is kept apart, with the
// reasons, until somebody mends it, discards it, or the stream's retention removes it.
type Quarantined struct {
	ID  ID `json:"id"`
	Org ID `json:"-"`
	// Event is what was sent. Its ReceivedAt is when. It has no ID and no offset.
	Event Event `json:"event"`
	// Reasons say what does not fit.
	Reasons []Detail `json:"reasons"`
}

// MarshalJSON leaves out the `event_id` and the `offset` of the event, which has none: zeros
// would look like some.
func (q Quarantined) MarshalJSON() ([]byte, error) {
	type event struct {
		Event
		ID     *struct{} `json:"event_id,omitempty"` // hides the field of that name
		Offset *struct{} `json:"offset,omitempty"`
	}
	return json.Marshal(struct {
		ID      ID       `json:"id"`
		Event   event    `json:"event"`
		Reasons []Detail `json:"reasons"`
	}{q.ID, event{Event: q.Event}, q.Reasons})
}

// QuarantineScan says which part of a stream's quarantine to read, the newest first.
type QuarantineScan struct {
	// EventType selects one type, "" all.
	EventType string
	// Before leaves out this id and all that are newer. Zero is open.
	Before ID
	Limit  int
}

// QuarantineQuery selects events of a stream's quarantine.
type QuarantineQuery struct {
	EventType string
	Cursor    string
	Limit     int
}

// Mend changes a quarantined event on its way into the stream; a nil field changes
// nothing.
type Mend struct {
	EventType *string         `json:"event_type"`
	Version   *int32          `json:"event_version"`
	Payload   json.RawMessage `json:"payload"`
}

// Quarantine keeps events that did not fit. The events of a deleted stream are gone for
// every method but ForgetQuarantined.
type Quarantine interface {
	// Quarantine stores events durably, all or none. An event whose idempotency key
	// another one has, in the quarantine of its stream, is not stored again: its ID becomes
	// the other one's.
	Quarantine(ctx context.Context, events []Quarantined) error
	// Quarantined returns events of a stream within a scan.
	Quarantined(ctx context.Context, org, stream ID, scan QuarantineScan) ([]Quarantined, error)
	// QuarantinedEvent returns one, or [CodeNotFound].
	QuarantinedEvent(ctx context.Context, org, stream, id ID) (Quarantined, error)
	// Release removes one, or answers [CodeNotFound].
	Release(ctx context.Context, org, stream, id ID) error
	// ForgetQuarantined removes the events that were received more than the RetentionDays
	// of their stream, deleted or not, before a time.
	ForgetQuarantined(ctx context.Context, at time.Time) error
}
