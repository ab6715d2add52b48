package server

import (
	"context"
	"sync/atomic"
	"time"
)

// deadline gives each request a context with a time-out. Requests of the same
// half second share a context: a timer for each would cost the hot path more than
// its routing.
type deadline struct {
	after  time.Duration
	shared atomic.Pointer[sharedDeadline]
}

type sharedDeadline struct {
	context.Context
	cancel context.CancelFunc
	since  time.Time
}

// deadlineShare is for how long requests share a context, and so how much later than
// promised one may end. With what an answer takes, that stays below a second.
const deadlineShare = time.Second / 2

// context returns a context that ends after the time-out, or up to deadlineShare later.
func (d *deadline) context(now time.Time) context.Context {
	if current := d.shared.Load(); current != nil && now.Sub(current.since) < deadlineShare {
		return current
	}
	next := &sharedDeadline{since: now}
	//nolint:gosec // the deadline itself cancels: nobody knows when the last request that shares it ends
	next.Context, next.cancel = context.WithDeadline(context.Background(), now.Add(d.after+deadlineShare))
	context.AfterFunc(next, next.cancel)
	d.shared.Store(next)
	return next
}
