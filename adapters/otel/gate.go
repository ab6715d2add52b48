package otel

import (
	"sync"
	"sync/atomic"
	"time"
)

// gateRate is how many traces of one kind may begin in a second, and at once.
const gateRate = 100

// gate bounds the traces that begin, apart for each kind of request: a producer that
// sends thousands of events a second does not keep a consumer's polls from being seen,
// and a busy server pays for its traces what one pays that is busy a little.
type gate struct {
	// mu guards kinds, and is held for a look into it.
	mu    sync.RWMutex
	kinds map[kind]*atomic.Int64
}

// kind is what requests have in common that share a bucket. There are as many as there
// are routes and methods, and types of destinations.
type kind struct{ method, route string }

func newGate() *gate { return &gate{kinds: map[kind]*atomic.Int64{}} }

// open reports whether a trace of a kind may begin at a time.
func (g *gate) open(of kind, at time.Time) bool {
	g.mu.RLock()
	full := g.kinds[of] // when the bucket will be full again; each trace moves it
	g.mu.RUnlock()
	if full == nil {
		full = g.add(of)
	}
	const interval, whole = int64(time.Second / gateRate), int64(time.Second)
	for now := at.UnixNano(); ; {
		before := full.Load()
		after := max(before, now) + interval
		if after > now+whole {
			return false
		}
		if full.CompareAndSwap(before, after) {
			return true
		}
	}
}

func (g *gate) add(of kind) *atomic.Int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.kinds[of] == nil {
		g.kinds[of] = &atomic.Int64{}
	}
	return g.kinds[of]
}
