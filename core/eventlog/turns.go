package eventlog

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Turns bounds what reads that go far back take of a node and its store: exports,
// searches that find little, tails and processors that are behind. One of an organization reads at a
// time, one window, and rests in between: the store is where producers wait. What
// organizations have does not depend on how many ask for another one. Tails have Turns of
// their own: somebody waits for a search, which must not wait for their long rests. It is
// safe for concurrent use.
type Turns struct {
	// recent counts this node's commits.
	recent *Recent
	// reads bounds all of it while others produce, and what no turn is taken for.
	reads *Reads

	// mu guards what follows, and how many use a line.
	mu    sync.Mutex
	lines map[core.ID]*line
	// swept is how many lines there may be before those of nobody are dropped.
	swept int
}

// NewTurns returns the turns at the log that a hub hears of.
func NewTurns(recent *Recent) *Turns {
	return &Turns{recent: recent, reads: NewReads(recent), lines: map[core.ID]*line{}, swept: 1024}
}

// line is where the readers of one organization wait.
type line struct {
	users int
	// place is held by the reader whose turn it is. It guards next and commits.
	place chan struct{}
	// next is when the next window may be read.
	next time.Time
	// commits is how many there were when the last window had been read.
	commits int64
}

// rests is how many times as long as the reading of a window the rest after it is, and
// at most: beside producers, and where there are none. Each commit since the window before
// makes it one time longer, so that a few producers do not hold up what has no other harm.
type rests struct{ busy, quiet int }

var (
	// tailRests are longer, because nobody waits for the end of a tail.
	tailRests = rests{busy: 7, quiet: 2}
	// walkRests leave three quarters of a core, at least, to everybody else.
	walkRests = rests{busy: 3}
	// exportRests are longer, because what was read is also written and sent, which takes
	// longer than the reading.
	exportRests = rests{busy: 5}
	// backfillRests are so long because each lease is filtered and settled, too.
	backfillRests = rests{busy: 7}
)

// windowMost is how long a window is taken to have been read at most: one that took longer
// waited for a store that hangs, which is no work.
const windowMost = time.Second

// take waits for a turn of the organization and has a window read, unless ctx ends or
// closing is closed before. It reports whether that was read. Without Turns it is at once.
func (t *Turns) take(ctx context.Context, org core.ID, closing <-chan struct{}, rest rests, window func()) bool {
	if t == nil {
		window()
		return true
	}
	l := t.enter(org)
	defer t.leave(l)
	select {
	case l.place <- struct{}{}:
		defer func() { <-l.place }()
	case <-ctx.Done():
		return false
	case <-closing:
		return false
	}
	if !pause(ctx, closing, time.Until(l.next)) {
		return false
	}
	took, was, _ := t.reads.read(ctx, org, closing, math.MaxInt64, window) // the error is that ctx has ended
	if !was {
		return false
	}
	made := t.recent.total.commits.Load()
	times := min(int64(rest.quiet)+made-l.commits, int64(max(rest.busy, rest.quiet)))
	l.next, l.commits = time.Now().Add(min(took, windowMost)*time.Duration(times)), made
	return true
}

// Backfill reads a lease of a processor that is behind once it is the organization's
// turn. It reports false, without having read, when ctx ends or closing is closed before.
func (t *Turns) Backfill(ctx context.Context, org core.ID, closing <-chan struct{}, lease func()) bool {
	return t.take(ctx, org, closing, backfillRests, lease)
}

// first has the first window of a walk read, unless an error says that it was not: ctx has
// ended, or the organization asks for too much. Without Turns it is at once.
func (t *Turns) first(ctx context.Context, org core.ID, window func()) error {
	if t == nil {
		window()
		return nil
	}
	_, _, err := t.reads.read(ctx, org, nil, longestWait, window)
	return err
}

// stride has the reads of one walk take turns. The first one, which is all that most
// walks need, takes none: see [Reads].
type stride struct {
	turns *Turns
	org   core.ID
	rests rests
	begun bool
}

func (s *stride) read(ctx context.Context, window func() ([]core.Event, error)) (events []core.Event, err error) {
	read := func() { events, err = window() }
	if !s.begun {
		s.begun = true
		if err := s.turns.first(ctx, s.org, read); err != nil {
			return nil, err
		}
	} else if !s.turns.take(ctx, s.org, nil, s.rests, read) {
		return nil, context.Cause(ctx)
	}
	return events, err
}

func (t *Turns) enter(org core.ID) *line {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.lines[org]
	if l == nil {
		t.sweep()
		l = &line{place: make(chan struct{}, 1)}
		t.lines[org] = l
	}
	l.users++
	return l
}

func (t *Turns) leave(l *line) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l.users--
}

// sweep drops the lines in which nobody waits, when there are many. A rest that is lost
// by that is one window's.
func (t *Turns) sweep() {
	if len(t.lines) < t.swept {
		return
	}
	for org, l := range t.lines {
		if l.users == 0 {
			delete(t.lines, org)
		}
	}
	t.swept = max(1024, 2*len(t.lines))
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
