package eventlog

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// pace bounds what all tails of a node take of it together. A tail waits for its turn
// before it looks at new events; turns are some time apart, and further the more was
// handed out. So a few tails are served at once, and a thousand that follow a busy
// stream get larger pieces less often instead of slowing the producers down.
type pace struct {
	apart   time.Duration // from one turn to the next
	perByte float64       // what a byte adds to it, in nanoseconds

	// mu guards free, which only grows: it gives turns in the order of asking.
	mu   sync.Mutex
	free time.Time // when the next turn may be
}

// What tails may take for each processor. A turn costs some 20 microseconds, and a
// kilobyte about one.
const (
	turnsPerCPU = 2_500
	bytesPerCPU = 64 << 20
)

func newPace() *pace {
	cpus := runtime.GOMAXPROCS(0)
	return &pace{apart: time.Second / time.Duration(turnsPerCPU*cpus), perByte: 1e9 / float64(bytesPerCPU*cpus)}
}

// turn waits for a turn. It reports false when ctx ends or closing is closed before.
func (p *pace) turn(ctx context.Context, closing <-chan struct{}) bool {
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

// handed puts off the turns to come for what a tail was handed.
func (p *pace) handed(bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = p.free.Add(time.Duration(float64(bytes) * p.perByte))
}
