package webhook

import (
	"sync"
	"time"
)

const (
	// trips is how many failures in a row to reach a receiver open the breaker.
	trips = 5
	// firstPause is how long it stays open at first. It doubles with each probe that
	// fails, up to longestPause.
	firstPause, longestPause = time.Second, time.Minute
)

// breaker keeps a sink from waiting for a receiver that cannot be reached: while it is
// open, requests fail at once, and one at a time is let through as a probe. Other
// outcomes than those of reaching it are none of its business: who answers 500 is there.
type breaker struct {
	mu sync.Mutex
	// failures are those since the receiver was reached last, up to trips.
	failures int
	// until is when the next probe may be made. pause is its distance.
	until time.Time
	pause time.Duration
	// probing says that a probe is under way, so that there is one at a time.
	probing bool
}

// outcome is what a request says about reaching the receiver.
type outcome uint8

const (
	// unknown is the outcome of a request that was given up.
	unknown outcome = iota
	reached
	lost
)

// enter asks whether a request may be made. If not, wait is how long none may be made.
// Otherwise leave must be called with its result.
func (b *breaker) enter(now time.Time) (probe bool, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.failures < trips:
		return false, 0
	case now.Before(b.until):
		return false, b.until.Sub(now)
	case b.probing:
		return false, firstPause
	}
	b.probing = true
	return true, 0
}

// leave says how a request ended that enter let through.
func (b *breaker) leave(probe bool, now time.Time, how outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if probe {
		b.probing = false
	}
	switch {
	case how == reached:
		b.failures, b.pause = 0, 0
	case how != lost:
	case probe:
		b.pause = min(2*b.pause, longestPause)
		b.until = now.Add(b.pause)
	case b.failures < trips: // what was under way when it opened says nothing new
		if b.failures++; b.failures == trips {
			b.pause = firstPause
			b.until = now.Add(b.pause)
		}
	}
}
