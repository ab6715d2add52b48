package core

import "time"

// The status of a receipt.
const (
	// InQuarantine says that the event does not fit its schema and is kept apart.
	InQuarantine = "QUARANTINED"
	// Accepted says that the event is in its stream.
	Accepted = "ACCEPTED"
)

// NoOffset is the offset of a receipt of an event that is in no stream.
const NoOffset Offset = -1

// Receipt tells a producer where its event is stored.
type Receipt struct {
	Status     string    `json:"status"`
	ID         ID        `json:"event_id,omitzero"`
	Offset     Offset    `json:"offset"`
	ReceivedAt time.Time `json:"received_at"`
	// Duplicate says that an earlier request stored the event under the same
	// idempotency key, and that this one stored nothing.
	Duplicate bool `json:"duplicate,omitempty"`
	// Quarantine is the event's id in the quarantine, if it is there. Then there is no ID,
	// and Offset is [NoOffset]. Reasons say what does not fit.
	Quarantine ID       `json:"quarantine_id,omitzero"`
	Reasons    []Detail `json:"reasons,omitempty"`
}
