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
	// Verdict is what a processor makes of the event. It is nil for other groups, and
	// where there was no time to find out.
	Verdict *EventVerdict `json:"verdict,omitempty"`
}

// VerdictOutcome says what a processor makes of an event.
type VerdictOutcome string

// The outcomes of a verdict.
const (
	VerdictDelivered VerdictOutcome = "delivered" // the destination has it
	VerdictFailed    VerdictOutcome = "failed"    // to be tried again, or a dead letter
	VerdictFiltered  VerdictOutcome = "filtered"  // the filter does not let it pass
	VerdictPassed    VerdictOutcome = "passed"    // the filter lets it pass
)

// EventVerdict is what a processor makes of an event.
type EventVerdict struct {
	Outcome VerdictOutcome `json:"outcome"`
	// AsOfNow says that no delivery tells what happened: filtered events are counted and
	// not noted, and of deliveries some. The outcome is then that of the filter and the
	// transform as they are now.
	AsOfNow bool `json:"as_of_now,omitempty"`
	// Reason is why an event fails.
	Reason string `json:"reason,omitempty"`
	// Deliveries are the attempts to send the event that are kept, newest first, at most
	// [MaxVerdictDeliveries].
	Deliveries []DeliveryAttempt `json:"deliveries"`
}

// MaxVerdictDeliveries is how many attempts a verdict has.
const MaxVerdictDeliveries = 20
