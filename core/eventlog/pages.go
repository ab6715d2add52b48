package eventlog

import (
	"context"
	"sync/atomic"
	"time"
)

// pages bounds what tails that are behind read of the store together. They read one page
// at a time, each in its turn, and rest in between: the store is where producers wait.
// Tails at the head are served from memory and do not wait here.
type pages struct {
	// place is held by the tail whose turn it is. It guards next and commits.
	place chan struct{}
	// next is when the next page may be read.
	next time.Time
	// made counts this node's commits, and commits is how many there were when the last
	// page had been read.
	made    *atomic.Int64
	commits int64
}

// How much longer than the reading of a page the rest after it is: beside producers, and
// where there are none.
const (
	restBusy  = 7
	restQuiet = 2
)

func newPages(made *atomic.Int64) *pages { return &pages{place: make(chan struct{}, 1), made: made} }

// read waits for a turn and has a page read, unless ctx ends or closing is closed before.
func (p *pages) read(ctx context.Context, closing <-chan struct{}, page func()) {
	select {
	case p.place <- struct{}{}:
		defer func() { <-p.place }()
	case <-ctx.Done():
		return
	case <-closing:
		return
	}
	if !pause(ctx, closing, time.Until(p.next)) {
		return
	}
	begun := time.Now()
	page()
	p.rest(time.Since(begun))
}

// rest sets the time of the next page, after one that took so long.
func (p *pages) rest(took time.Duration) {
	rest := restQuiet * took
	if made := p.made.Load(); made != p.commits {
		rest, p.commits = restBusy*took, made
	}
	p.next = time.Now().Add(rest)
}

// pause waits. It reports false when ctx ends or closing is closed before.
func pause(ctx context.Context, closing <-chan struct{}, wait time.Duration) bool {
	if wait <= 0 {
		return true
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-closing:
	}
	return false
}
