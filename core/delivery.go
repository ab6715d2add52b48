package core

import "time"

// Poll says what a consumer wants.
type Poll struct {
	// Limit bounds the events: 1 to [MaxPageSize], [DefaultPollLimit] when zero.
	Limit int
	// Wait is how long to wait for the first one: at most [MaxPollWait].
	Wait time.Duration
	// Gone reports that the consumer has hung up. Whoever did so is handed nothing.
	// Gone may be nil.
	Gone func() bool
}

// The limits of a poll.
const (
	DefaultPollLimit = 100
	MaxPollWait      = time.Minute
)

// Delivery is what a poll hands out. Without events there is no lease.
type Delivery struct {
	Events []Event
	// Attempts says for each event how often it has been handed out, this time
	// included.
	Attempts []int
	// NextOffset is the offset after the last event. Without events it is the offset
	// that comes next for the group.
	NextOffset Offset
	// Lease is the receipt that acks, nacks and commits present.
	Lease     ID
	ExpiresAt time.Time
}

// Nack is a consumer's refusal of one event.
type Nack struct {
	Offset Offset
	Action NackAction
	// Reason is why, in at most [MaxReasonLength] characters.
	Reason string
	// Delay is how long to wait before the next attempt; nil is the group's
	// backoff.
	Delay *Seconds
}

// NackAction says what is to become of a refused event.
type NackAction string

// The actions of a refusal.
const (
	// NackRetry hands the event out again, after a delay.
	NackRetry NackAction = "retry"
	// NackPark makes it a dead letter at once.
	NackPark NackAction = "park"
	// NackSkip gives it up.
	NackSkip NackAction = "skip"
)
