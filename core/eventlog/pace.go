package eventlog

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// paces bound what the tails of a node take of it together. A tail waits for its turn
// before it looks at new events; turns are some time apart, and further the more was
// handed out. So a few tails are served at once, and a thousand that follow a busy
// stream get larger pieces less often instead of slowing the producers down. The tails
// of one organization get half of it at most: whatever they ask for, another one's tail
// is served at once.
type paces struct {
	node *pace

	// mu guards of, which has those organizations that have tails.
	mu sync.Mutex
	of map[core.ID]*pace
}

// pace gives turns, in the order of asking.
type pace struct {
	apart   time.Duration // from one turn to the next
	perByte float64       // what a byte adds to it, in nanoseconds
	tails   int           // how many use it; the mutex of paces guards it

	// mu guards what follows.
	mu   sync.Mutex
	free time.Time // when the next turn may be
	// piece is how much was handed out last, and what a turn is taken to hand out until
	// it has. Turns that were given are not put off any more: without it hundreds that ask
	// together would all be served before the first piece counts.
	piece int
}

// What the tails of an organization may take for each processor. A turn costs some 20
// microseconds. A kilobyte costs about ten, most of it in the kernel: for sockets that
// nobody reads, and for the caches that it takes from everybody else.
const (
	turnsPerCPU = 1_000
	bytesPerCPU = 12 << 20
)

func newPaces() *paces {
	return &paces{node: newPace(2), of: map[core.ID]*pace{}}
}

// newPace returns what so many organizations may take.
func newPace(organizations int) *pace {
	parts := runtime.GOMAXPROCS(0) * organizations
	return &pace{apart: time.Second / time.Duration(turnsPerCPU*parts), perByte: 1e9 / float64(bytesPerCPU*parts)}
}

// join returns the pace of an organization for one more tail, which leaves it.
func (p *paces) join(org core.ID) *pace {
	p.mu.Lock()
	defer p.mu.Unlock()
	own := p.of[org]
	if own == nil {
		own = newPace(1)
		p.of[org] = own
	}
	own.tails++
	return own
}

func (p *paces) leave(org core.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	own := p.of[org]
	if own.tails--; own.tails == 0 {
		delete(p.of, org)
	}
}

// turn waits for a turn, and returns how many bytes were counted for it. It reports false
// when ctx ends or closing is closed before.
func (p *pace) turn(ctx context.Context, closing <-chan struct{}) (counted int, ok bool) {
	p.mu.Lock()
	now := time.Now()
	if p.free.Before(now) {
		p.free = now
	}
	wait := p.free.Sub(now)
	p.free = p.free.Add(p.apart + p.cost(p.piece))
	counted = p.piece
	p.mu.Unlock()
	return counted, pause(ctx, closing, wait)
}

// handed puts off the turns to come for what a tail was handed in a turn for which so
// many bytes were counted.
func (p *pace) handed(bytes, counted int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = p.free.Add(p.cost(bytes - counted))
	p.piece = bytes
}

func (p *pace) cost(bytes int) time.Duration { return time.Duration(float64(bytes) * p.perByte) }
