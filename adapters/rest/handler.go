package rest

import (
	"context"
	"errors"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Handler processes one event. Nil settles it; an error has it tried again,
// after the group's backoff or as [Permanent] and [RetryIn] say. Its context
// does not end when the consumer is to stop, but when the lease is lost: what
// the handler does then, another consumer does as well.
type Handler func(ctx context.Context, event DeliveredEvent) error

// verdict is an error with what is to become of the event.
type verdict struct {
	error
	action core.NackAction
	delay  *core.Seconds
}

// Unwrap returns what the verdict is about.
func (v verdict) Unwrap() error { return v.error }

// Permanent marks an error that no further attempt will mend: the event becomes
// a dead letter at once.
func Permanent(err error) error { return verdict{error: err, action: core.NackPark} }

// RetryIn has an event tried again after a delay of the handler's choice.
func RetryIn(delay time.Duration, err error) error {
	seconds := core.Seconds(delay)
	return verdict{error: err, action: core.NackRetry, delay: &seconds}
}

// ErrSkip gives an event up when a handler returns it: the event is not tried
// again and becomes no dead letter.
var ErrSkip = errors.New("skip this event")

// nackOf is what an error of the handler means.
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

// reason is an error's text in the form that the server takes.
func reason(err error) string {
	var clean []rune
	for _, r := range err.Error() {
		if len(clean) == core.MaxReasonLength {
			break
		}
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			r = ' '
		}
		clean = append(clean, r)
	}
	return string(clean)
}
