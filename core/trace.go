package core

import "time"

// TraceState says what has become of an event in a group.
type TraceState string

// The states of an event in a group.
const (
	TracePending    TraceState = "pending"     // not handed out yet
	TraceLeased     TraceState = "leased"      // a consumer has it
	TraceWaiting    TraceState = "waiting"     // to be tried again
	TraceSettled    TraceState = "settled"     // acknowledged, or before the group's start
	TraceSkipped    TraceState = "skipped"     // given up by a consumer
	TraceDeadLetter TraceState = "dead_letter" // it had its attempts
	TraceReplaying  TraceState = "replaying"   // a dead letter that is tried again
)

// EventTrace is the way of one event through the system.
type EventTrace struct {
	ID     ID     `json:"event_id"`
	Stream ID     `json:"stream_id"`
	Offset Offset `json:"offset"`
	// OccurredAt is by the producer's clock. ReceivedAt is when the event became
	// durable.
	OccurredAt time.Time    `json:"occurred_at"`
	ReceivedAt time.Time    `json:"received_at"`
	Source     string       `json:"source"`
	APIKeyID   ID           `json:"api_key_id,omitzero"`
	Groups     []GroupTrace `json:"groups"`
}

// GroupTrace is what has become of an event in one group.
type GroupTrace struct {
	Group ID         `json:"group_id"`
	Name  string     `json:"name"`
	State TraceState `json:"state"`
	// Processor says that the group is a processor's.
	Processor bool `json:"processor,omitempty"`
	// Until is the end of a leased event's lease, or the time of a waiting event's
	// next attempt.
	Until      *time.Time `json:"until,omitempty"`
	DeadLetter ID         `json:"dead_letter_id,omitzero"`
	// Attempts are the failed attempts of the last seven days.
	Attempts []Attempt `json:"attempts"`
}
