package rest

import (
	"context"
	"errors"
	"time"
	"unicode"

	"github.com/eventflow-go/eventflow/core"
)

// Handler processes one event. If it returns nil, the event is settled. If it
// returns an error, the event is tried again: after the group's backoff, or as
// [Permanent], [RetryIn] and [ErrSkip] say.
//
// The context does not end when the consumer is to stop, but when the lease is
// lost. Whatever the handler does after that, another consumer does as well.
type Handler func(ctx context.Context, event DeliveredEvent) error

// verdict is an error that says what is to become of the event.
type verdict struct {
	error
	action core.NackAction
	delay  *core.Seconds
}

// Unwrap returns the error that the handler had.
func (v verdict) Unwrap() error { return v.error }

// Permanent marks an error that no further attempt will mend. The event becomes
// a dead letter at once.
func Permanent(err error) error { return verdict{error: err, action: core.NackPark} }

// RetryIn marks an error after which the event is tried again in a while.
func RetryIn(delay time.Duration, err error) error {
	seconds := core.Seconds(delay)
	return verdict{error: err, action: core.NackRetry, delay: &seconds}
}

// ErrSkip is for a handler to return. The event is not tried again, and it does
// not become a dead letter either.
var ErrSkip = errors.New("skip this event")

// nackOf returns the nack that a handler's error means.
func nackOf(offset core.Offset, err error) Nack {
	nack := Nack{Offset: &offset, Action: core.NackRetry, Reason: reason(err)}
	var said verdict
	switch {
	case errors.Is(err, ErrSkip):
		nack.Action = core.NackSkip
	case errors.As(err, &said):
		nack.Action, nack.Delay = said.action, said.delay
	}
	return nack
}

// reason returns an error's text in the form that the server takes.
func reason(err error) string {
	var clean []rune
	for _, r := range err.Error() {
		if len(clean) == core.MaxReasonLength {
			break
		}
		if unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' {
			r = ' '
		}
		clean = append(clean, r)
	}
	return string(clean)
}
