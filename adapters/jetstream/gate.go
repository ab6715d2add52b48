package jetstream

import (
	"errors"
	"sync"
)

var errClosed = errors.New("the store in JetStream is closed")

// gate counts running calls, so that closing can wait for them.
type gate struct {
	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
}

// enter begins a call, which leave ends.
func (g *gate) enter() (leave func(), err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, errClosed
	}
	g.running.Add(1)
	return g.running.Done, nil
}

// close refuses further calls and waits for those that run.
func (g *gate) close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.running.Wait()
}
