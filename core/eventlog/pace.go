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
	of map[core.ID]*ownPace
}

// pace gives turns.
type pace struct {
	apart   time.Duration // from one turn to the next
	perByte float64       // what a byte adds to it, in nanoseconds

	// mu guards free, which only grows: it gives turns in the order of asking.
	mu   sync.Mutex
	free time.Time // when the next turn may be
}

// ownPace is the pace of an organization.
type ownPace struct {
	*pace
	// place is held by the tail whose turn it is, until it has what it was handed. Without
	// it, hundreds that ask together would all have their turns before the first piece
	// counts.
	place chan struct{}
	// tails is how many use it. The mutex of paces guards it.
	tails int
}

// What the tails of an organization may take for each processor. A turn costs some 20
// microseconds. A kilobyte costs about ten, most of it in the kernel: for sockets that
// nobody reads, and for the caches that it takes from everybody else.
const (
	turnsPerCPU = 1_000
	bytesPerCPU = 8 << 20
)

func newPaces() *paces {
	return &paces{node: newPace(2), of: map[core.ID]*ownPace{}}
}

// newPace returns what so many organizations may take.
func newPace(organizations int) *pace {
	parts := runtime.GOMAXPROCS(0) * organizations
	return &pace{apart: time.Second / time.Duration(turnsPerCPU*parts), perByte: 1e9 / float64(bytesPerCPU*parts)}
}

// join returns the pace of an organization for one more tail, which leaves it.
func (p *paces) join(org core.ID) *ownPace {
	p.mu.Lock()
	defer p.mu.Unlock()
	own := p.of[org]
	if own == nil {
		own = &ownPace{pace: newPace(1), place: make(chan struct{}, 1)}
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

// turn waits for a turn, first among the tails of an organization. The caller calls end
// when it has what it was handed. It reports false when ctx ends or closing is closed
// before.
func (p *paces) turn(ctx context.Context, own *ownPace, closing <-chan struct{}) (end func(), ok bool) {
	select {
	case own.place <- struct{}{}:
	case <-ctx.Done():
		return nil, false
	case <-closing:
		return nil, false
	}
	if !own.wait(ctx, closing) || !p.node.wait(ctx, closing) {
		<-own.place
		return nil, false
	}
	return func() { <-own.place }, true
}

// wait waits for a turn. It reports false when ctx ends or closing is closed before.
func (p *pace) wait(ctx context.Context, closing <-chan struct{}) bool {
	p.mu.Lock()
	now := time.Now()
	if p.free.Before(now) {
		p.free = now
	}
	wait := p.free.Sub(now)
	p.free = p.free.Add(p.apart)
	p.mu.Unlock()
	return pause(ctx, closing, wait)
}

// handed puts off the turns to come for what a tail was handed. The last turn may have been
// long ago: what the log is read for waits for another turn, too.
func (p *pace) handed(bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); p.free.Before(now) {
		p.free = now
	}
	p.free = p.free.Add(time.Duration(float64(bytes) * p.perByte))
}
