package core

import "encoding/json"

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
