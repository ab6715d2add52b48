package core

import "time"

// AttemptOutcome says how an attempt to have events processed failed.
type AttemptOutcome string

// The outcomes of attempts that are remembered.
const (
	// Nacked says that the consumer refused the event.
	Nacked AttemptOutcome = "nacked"
	// Expired says that the lease ended without a word from the consumer.
	Expired AttemptOutcome = "expired"
	// Skipped says that the consumer gave the event up for good.
	Skipped AttemptOutcome = "skipped"
)

// Attempt is a failed attempt to have events processed. It covers all offsets from
// From up to, not including, To, because a lease that expires is one attempt for
// each event in it.
type Attempt struct {
	From    Offset         `json:"-"`
	To      Offset         `json:"-"`
	Number  int            `json:"attempt"`
	At      time.Time      `json:"at"`
	Outcome AttemptOutcome `json:"outcome"`
	// Reason is the consumer's word, or "".
	Reason string `json:"reason,omitempty"`
}

// MaxReasonLength bounds a reason, in characters.
const MaxReasonLength = 1000
