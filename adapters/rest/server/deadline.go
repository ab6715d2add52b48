package server

import (
	"context"
	"sync/atomic"
	"time"
)

// deadline gives each request a context with a time-out. Requests of the same
// second share a context: a timer for each would cost the hot path more than
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

// context returns a context that ends after the time-out, or up to a second
// later.
func (d *deadline) context(now time.Time) context.Context {
	if current := d.shared.Load(); current != nil && now.Sub(current.since) < time.Second {
		return current
	}
	next := &sharedDeadline{since: now}
	//nolint:gosec // the deadline itself cancels: nobody knows when the last request that shares it ends
	next.Context, next.cancel = context.WithDeadline(context.Background(), now.Add(d.after+time.Second))
	context.AfterFunc(next, next.cancel)
	d.shared.Store(next)
	return next
}
