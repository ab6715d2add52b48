package core

import "time"

// Accepted is the status of every receipt.
const Accepted = "ACCEPTED"

// Receipt tells a producer where its event is stored.
type Receipt struct {
	Status     string    `json:"status"`
	ID         ID        `json:"event_id"`
	Offset     Offset    `json:"offset"`
	ReceivedAt time.Time `json:"received_at"`
	// Duplicate says that an earlier request stored the event under the same
	// idempotency key, and that this one stored nothing.
	Duplicate bool `json:"duplicate,omitempty"`
}
