package process

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// slowLane keeps pipelines that take long from the CPU that everybody needs. A pipeline
// that was slow a while ago, or is not known yet, runs in the lane. There is one lane on
// a node; after each run it rests, so that all of them together take a twentieth of the
// cores, and a quarter of that while producers wait for theirs. Organizations take turns in
// it: each has one run in line at a time.
type slowLane struct {
	// lane has one element while it is free.
	lane chan struct{}
	// rests is how many times as long as a run the lane rests after it.
	rests int
	// busy reports whether producers wait for the node.
	busy func() bool

	// mu guards turns: an organization's has one element while none of its runs is in
	// line.
	mu    sync.Mutex
	turns map[core.ID]*turn
}

// turn is the place of one organization in the line. users counts who waits or runs, and
// the mutex of the lane guards it.
type turn struct {
	free  chan struct{}
	users int
}

const (
	// laneShare is the part of all cores that the lane takes: one in so many.
	laneShare = 20
	// busyRests is how many times as long as otherwise the lane rests while producers wait.
	busyRests = 4
	// slowRun is what a pipeline takes for an event at most, unless it is slow.
	slowRun = time.Millisecond
	// slowRuns is how many fast runs in a row it takes not to be slow any more.
	slowRuns = 100
)

func newSlowLane(busy func() bool) *slowLane {
	s := &slowLane{lane: make(chan struct{}, 1), rests: max(laneShare/runtime.GOMAXPROCS(0)-1, 1), busy: busy, turns: map[core.ID]*turn{}}
	s.lane <- struct{}{}
	return s
}

// run runs the work of an organization in the lane. It fails when ctx ends before.
func (s *slowLane) run(ctx context.Context, org core.ID, work func()) error {
	t := s.join(org)
	defer s.leave(org, t)
	if err := take(ctx, t.free); err != nil {
		return err
	}
	defer func() { t.free <- struct{}{} }()
	if err := take(ctx, s.lane); err != nil {
		return err
	}
	defer func() { s.lane <- struct{}{} }()
	rests, busy := s.rests, s.busy()
	began := time.Now()
	work()
	took := time.Since(began)
	if busy || s.busy() {
		rests *= busyRests
	}
	rest(ctx, took*time.Duration(rests))
	return nil
}

// take waits for what is free.
func take(ctx context.Context, free <-chan struct{}) error {
	select {
	case <-free:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *slowLane) join(org core.ID) *turn {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.turns[org]
	if t == nil {
		t = &turn{free: make(chan struct{}, 1)}
		t.free <- struct{}{}
		s.turns[org] = t
	}
	t.users++
	return t
}

func (s *slowLane) leave(org core.ID, t *turn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.users--; t.users == 0 {
		delete(s.turns, org)
	}
}

// paced is a pipeline that runs in the slow lane for as long as it is slow.
type paced struct {
	core.Pipeline
	lane *slowLane
	org  core.ID

	// mu guards slow: how many fast runs are missing.
	mu   sync.Mutex
	slow int
}

// Run implements [core.Pipeline].
func (p *paced) Run(ctx context.Context, in *core.Event) (out core.Event, passed bool, err error) {
	work := func() {
		began := time.Now()
		out, passed, err = p.Pipeline.Run(ctx, in)
		p.took(time.Since(began))
	}
	if !p.isSlow() {
		work()
		return out, passed, err
	}
	if err := p.lane.run(ctx, p.org, work); err != nil {
		return out, false, err
	}
	return out, passed, err
}

func (p *paced) isSlow() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.slow > 0
}

func (p *paced) took(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d > slowRun {
		p.slow = slowRuns
	} else if p.slow > 0 {
		p.slow--
	}
}
