package identity

import (
	"context"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Throttle refuses an attempt if there were too many for the same key, such as
// an address. A nil Throttle refuses none.
type Throttle func(ctx context.Context, key string) error

// guessLimit bounds the attempts on one account, and the attempts from one
// network.
var guessLimit = core.Limit{PerMinute: 10, Burst: 10}

// NewThrottle returns a Throttle that admits a few attempts a minute for each
// key.
func NewThrottle(limiter core.RateLimiter, now func() time.Time) Throttle {
	return func(ctx context.Context, key string) error {
		state, err := limiter.Take(ctx, key, guessLimit, 1, now())
		if err != nil || state.Allowed {
			return err
		}
		return &core.Error{
			Code: core.CodeRateLimited, RetryAfter: state.RetryAfter,
			Message: "too many attempts; try again later",
		}
	}
}

// admit counts an attempt against each key, and stops at the first that has too
// many.
func (t Throttle) admit(ctx context.Context, keys ...string) error {
	if t == nil {
		return nil
	}
	for _, key := range keys {
		if err := t(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// admitTicket counts an attempt to redeem a ticket against the visitor's
// network.
func (t Throttle) admitTicket(ctx context.Context, from core.Visitor) error {
	return t.admit(ctx, "ticket from "+core.NetworkOf(from.Address))
}
