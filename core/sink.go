package core

import (
	"context"
	"encoding/json"
	"time"
)

// Connector knows one type of destination, as "webhook" or "kafka": it checks what
// people say about such a destination, and opens it. Its methods may be called at once.
// A connector may be a [SecretRotator] besides. The suite in core/sinktest is this
// contract, and the contract of [Sink], in executable form.
type Connector interface {
	// Check reads what somebody says about a destination and returns what is stored of
	// it. former is what is stored now, and zero for a new destination. A secret that
	// is not given stays as it is in former, and so does one that is given masked, as
	// Settings shows it. A secret that the connector makes by itself is made then. What
	// is wrong is a [CodeValidation] error whose details name the field as it stands in
	// given, as `url`; an unknown field is wrong. given has no `type`, which has been read
	// before. Check opens no connection.
	Check(given json.RawMessage, former Destination) (Destination, error)
	// Open returns the sink of a destination that Check has returned. It opens no
	// connection yet, or goes on trying: a destination that is away is an error of Send.
	Open(ctx context.Context, to Destination, from Origin) (Sink, error)
}

// Destination says where a processor sends its events.
type Destination struct {
	// Type names the [Connector].
	Type string
	// Settings is a JSON object of what everybody may read. Secrets appear in it
	// masked, so that people can tell them apart.
	Settings json.RawMessage
	// Secrets is a JSON object of what nobody reads again, or empty. It is encrypted
	// where it is stored.
	Secrets json.RawMessage
}

// Origin says whose events a sink gets.
type Origin struct {
	Org, Stream, Processor ID
	// StreamName and ProcessorName are the names at the time of opening.
	StreamName, ProcessorName string
}

// Sink sends events to one destination. Several goroutines may use it at once.
type Sink interface {
	// Send hands over events in their order, and returns one result for each of them.
	// It works until ctx ends at most. What is sent again after a failure or a crash
	// carries the same event ids, so that the destination can tell it from news. A sink
	// must not change what it is given, nor keep it after Send has returned.
	Send(ctx context.Context, events []Outgoing) []Sent
	// Traits says how the sink wants its events. It answers the same every time.
	Traits() SinkTraits
	// Close ends what the sink keeps open. No Send is under way then, and none follows.
	Close() error
}

// SinkTraits says how a sink wants its events.
type SinkTraits struct {
	// Batch is how many events one Send takes at most, and BatchBytes how many bytes
	// they have together, one event always being taken. A sink with a Batch of 1 gets
	// one event at a time.
	Batch      int
	BatchBytes int
	// Linger is how long a batch may wait to be filled, from its first event on. Zero
	// sends what there is.
	Linger time.Duration
	// Parallel is how many Sends may be under way at once where the order of events does
	// not matter; at least 1.
	Parallel int
}

// Outgoing is an event on its way to a destination.
type Outgoing struct {
	// Event is the event after the processor's transform. Its ID and Offset are those of
	// the stored event, and so are its Stream and ReceivedAt.
	Event Event
	// Key is the value of the processor's ordering key in the event, "" where there is
	// none.
	Key string
	// Attempt is the how-manyth attempt to send this event it is, from 1.
	Attempt int
}

// Sent is what became of an event that was handed to a sink.
type Sent struct {
	// Err is nil when the destination has the event for good. Its text is shown to the
	// owner of the processor, so it holds no secret and at most [MaxReasonLength]
	// characters are kept of it.
	Err error
	// Verdict says what an error means. It is ignored without one.
	Verdict Verdict
	// After is how long the destination wants to be left alone before the next attempt;
	// zero leaves that to the processor's backoff.
	After time.Duration
	// Status is the destination's status code where its protocol has one, as of HTTP.
	Status int
	// Response is the beginning of the destination's answer, in at most
	// [MaxResponseExcerpt] bytes of UTF-8. It may be empty.
	Response string
}

// MaxResponseExcerpt bounds what is kept of a destination's answer, in bytes.
const MaxResponseExcerpt = 1024

// Verdict says what a failure to send an event means.
type Verdict uint8

// The verdicts.
const (
	// TryAgain is about the moment: the same event may arrive later.
	TryAgain Verdict = iota
	// NeverAgain is about the event: it will never arrive, so it becomes a dead letter
	// at once.
	NeverAgain
	// TurnedAway is about the destination: it wants no events any more. The processor
	// is disabled and the event waits.
	TurnedAway
	// NotSent is about the moment, and no attempt: the sink leaves a destination alone that
	// was away, and has sent nothing. The event stays as it is and comes again after
	// [Sent].After at the earliest.
	NotSent
)

// SecretRotator is what a [Connector] is, too, if the secret of its destinations can be
// replaced without a break.
type SecretRotator interface {
	// Rotate returns a destination, whose secrets are open, with a new secret, and that
	// secret. The old one stays good beside it for the grace.
	Rotate(to Destination, now time.Time, grace time.Duration) (rotated Destination, secret string, err error)
}
