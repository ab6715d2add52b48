package core

import (
	"context"
	"time"
)

// DeliveryOutcome is what became of an attempt to send an event to a destination.
type DeliveryOutcome string

// The outcomes of an attempt to send.
const (
	// Delivered events are with the destination for good.
	Delivered DeliveryOutcome = "delivered"
	// Retrying events are sent again, at [DeliveryAttempt.NextTry].
	Retrying DeliveryOutcome = "retrying"
	// Dead events became dead letters.
	Dead DeliveryOutcome = "dead"
)

// DeliveryAttempt is one attempt of a processor to send an event to its destination. It
// is for people to look at: every failure is noted and, on a busy processor, a part of
// the successes.
type DeliveryAttempt struct {
	ID        ID              `json:"id"`
	Org       ID              `json:"-"`
	Stream    ID              `json:"stream_id"`
	Processor ID              `json:"processor_id"`
	Event     ID              `json:"event_id"`
	Offset    Offset          `json:"offset"`
	EventType string          `json:"event_type"`
	Number    int             `json:"attempt"`
	At        time.Time       `json:"at"`
	Latency   Seconds         `json:"latency"`
	Outcome   DeliveryOutcome `json:"outcome"`
	// Status, Response and Error are those of [Sent].
	Status   int        `json:"status,omitempty"`
	Response string     `json:"response,omitempty"`
	Error    string     `json:"error,omitempty"`
	NextTry  *time.Time `json:"next_try,omitempty"`
}

// DeliveryCount counts what a processor did in a time. Latency is the time that
// destinations took for the events in Delivered and Failed, together.
type DeliveryCount struct {
	Delivered int64   `json:"delivered"`
	Filtered  int64   `json:"filtered"`
	Failed    int64   `json:"failed"`
	Latency   Seconds `json:"latency"`
}

// Add adds another count.
func (c *DeliveryCount) Add(other DeliveryCount) {
	c.Delivered += other.Delivered
	c.Filtered += other.Filtered
	c.Failed += other.Failed
	c.Latency += other.Latency
}

// DeliveryNote is what a node tells of a processor's work since its last note.
type DeliveryNote struct {
	Processor ID
	At        time.Time
	Count     DeliveryCount
	Attempts  []DeliveryAttempt
	// Recovered says that something was delivered after the last failure, and FailedAt
	// when the first failure was without a success after it.
	Recovered bool
	FailedAt  *time.Time
}

// DeliveryQuery asks for a page of a processor's attempts to send, newest first.
type DeliveryQuery struct {
	Outcome DeliveryOutcome
	Cursor  string
	Limit   int
}

// DeliveryScan says which attempts to read. Zero fields select all.
type DeliveryScan struct {
	Outcome DeliveryOutcome
	// Event selects the attempts to send one event.
	Event ID
	// Before leaves out this id and all after it.
	Before ID
	// Limit bounds the attempts returned; it is at least 1.
	Limit int
}

// The bounds of what is kept of attempts to send.
const (
	// MaxDeliveryAttempts is how many attempts are kept of a processor, about.
	MaxDeliveryAttempts = 10_000
	// DeliveryAttemptDays is for how many days attempts and counts are kept.
	DeliveryAttemptDays = 30
)

// DeliveryLog keeps what processors did, for people to look at.
type DeliveryLog interface {
	// NoteDelivery adds a note to what is known of a processor: the attempts, the counts
	// of the hour of its At, and its FailingSince. A processor that is gone is passed
	// over. Of more than about [MaxDeliveryAttempts] attempts of a processor the oldest
	// are removed.
	NoteDelivery(ctx context.Context, note DeliveryNote) error
	// DeliveryCounts returns what each of the processors did since a time, by the whole
	// hours that it belongs to, in the order of the ids.
	DeliveryCounts(ctx context.Context, processors []ID, since time.Time) ([]DeliveryCount, error)
	// Deliveries returns attempts of a processor within a scan, newest first.
	Deliveries(ctx context.Context, org, processor ID, scan DeliveryScan) ([]DeliveryAttempt, error)
	// Delivery returns one attempt, or [CodeNotFound].
	Delivery(ctx context.Context, org, id ID) (DeliveryAttempt, error)
	// ForgetDeliveries removes the attempts made, and the counts of hours that ended,
	// before a time.
	ForgetDeliveries(ctx context.Context, before time.Time) error
}
