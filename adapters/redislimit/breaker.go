package redislimit

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// breaker knows whether Redis is lost. From the first failure on nobody waits
// for it any more: one goroutine tries it until it is back.
type breaker struct {
	// lost is read by every request, without a lock. It is true exactly while a
	// goroutine of wait runs, or the breaker was closed meanwhile.
	lost    atomic.Bool
	knock   func(context.Context) error
	changed func(err error)

	// mu guards closed and every change of lost. changed is called under it, so
	// people are told of losses and returns by turns, in the order in which they
	// happened. Once closed is true no goroutine is started, so that the wait for
	// them in close meets no new one.
	mu     sync.Mutex
	closed bool
	// ctx ends when the breaker is closed, and with it the tries.
	ctx    context.Context
	stop   context.CancelFunc
	knocks sync.WaitGroup
}

func (b *breaker) init(knock func(context.Context) error, changed func(error)) {
	b.knock, b.changed = knock, changed
	b.ctx, b.stop = context.WithCancel(context.Background())
}

// trip says that Redis failed. Many requests may find that out at once: the first
// one starts the tries.
func (b *breaker) trip(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || b.lost.Swap(true) {
		return
	}
	b.changed(err)
	b.knocks.Go(b.wait)
}

// wait tries Redis once in a while. It returns when Redis is back, or the breaker
// is closed.
func (b *breaker) wait() {
	ticker := time.NewTicker(knockEvery)
	defer ticker.Stop()
	for {
		select {
		case <-b.ctx.Done():
			return
		case <-ticker.C:
		}
		if b.knock(b.ctx) == nil {
			break
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.changed(nil)
	b.lost.Store(false)
}

// close ends the tries, and returns when the last one has ended.
func (b *breaker) close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.stop()
	b.knocks.Wait()
}
