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
	lost    atomic.Bool
	knock   func(context.Context) error
	changed func(err error)

	mu     sync.Mutex // guards closed, and the start of a goroutine against close
	closed bool
	ctx    context.Context
	stop   context.CancelFunc
	knocks sync.WaitGroup
}

func (b *breaker) init(knock func(context.Context) error, changed func(error)) {
	b.knock, b.changed = knock, changed
	b.ctx, b.stop = context.WithCancel(context.Background())
}

// trip says that Redis failed.
func (b *breaker) trip(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || b.lost.Swap(true) {
		return
	}
	b.changed(err)
	b.knocks.Go(b.wait)
}

// wait returns when Redis is back, or the breaker closed.
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

func (b *breaker) close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.stop()
	b.knocks.Wait()
}
