package jetstream

import (
	"crypto/rand"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// plan is what one append is about to store. The caller's entries are changed only when
// that is done, because an attempt that another node was faster than is made anew.
type plan struct {
	at time.Time
	// id is of all blocks of this attempt. By it an attempt is found again whose answer
	// was lost.
	id     core.ID
	shares []*share
}

// share is what an append stores in one stream.
type share struct {
	org, stream core.ID
	lines       []line
	head        head
	// stored is how many of the lines are new.
	stored int
	blocks []*block
}

// line is an entry and what becomes of it.
type line struct {
	entry *core.Entry
	// since begins the window within which the entry's key counts.
	since   time.Time
	outcome core.Outcome
	offset  core.Offset
	// known is what is remembered of the entry's key, if anything is.
	known *remembered
}

func newPlan(at time.Time, batches []core.Batch) *plan {
	p := &plan{at: at}
	of := make(map[core.ID]*share, len(batches))
	for i := range batches {
		b := &batches[i]
		one := of[b.Stream]
		if one == nil {
			one = &share{org: b.Org, stream: b.Stream}
			of[b.Stream] = one
			p.shares = append(p.shares, one)
		}
		for j := range b.Entries {
			one.lines = append(one.lines, line{entry: &b.Entries[j], since: b.KeysSince})
		}
	}
	return p
}

func (p *plan) streams() []core.ID {
	streams := make([]core.ID, len(p.shares))
	for i, one := range p.shares {
		streams[i] = one.stream
	}
	return streams
}

// checkClock refuses a time before what a stream already holds.
func (p *plan) checkClock() error {
	var last time.Time
	for _, one := range p.shares {
		if one.head.last.After(last) {
			last = one.head.last
		}
	}
	if p.at.Before(last) {
		return &core.ClockError{Last: last}
	}
	return nil
}

// place gives every new entry its offset, and returns how many there are.
func (p *plan) place() (stored int) {
	_, _ = rand.Read(p.id[:]) // never fails: see the package's documentation
	for _, one := range p.shares {
		one.place(p.at)
		for _, b := range one.blocks {
			b.id = p.id
		}
		stored += one.stored
	}
	return stored
}

func (s *share) place(at time.Time) {
	s.stored = 0
	fresh := make([]core.Entry, 0, len(s.lines))
	for i := range s.lines {
		l := &s.lines[i]
		switch {
		case l.known != nil && !l.known.at.Before(l.since) && l.known.fingerprint != l.entry.Fingerprint:
			l.outcome = core.Mismatch
		case l.known != nil && !l.known.at.Before(l.since):
			l.outcome = core.Duplicate
		default:
			l.outcome, l.offset = core.Stored, s.head.next+core.Offset(s.stored)
			s.stored++
			e := *l.entry
			e.Offset, e.ReceivedAt = l.offset, at
			fresh = append(fresh, e)
		}
	}
	s.blocks = split(s.org, s.stream, fresh)
}

// tell sets what became of the caller's entries.
func (p *plan) tell() {
	for _, one := range p.shares {
		for i := range one.lines {
			one.lines[i].tell(one.stream, p.at)
		}
	}
}

func (l *line) tell(stream core.ID, at time.Time) {
	e := l.entry
	e.Outcome = l.outcome
	switch l.outcome {
	case core.Stored:
		e.Stream, e.Offset, e.ReceivedAt = stream, l.offset, at
	case core.Duplicate:
		e.ID, e.Offset, e.ReceivedAt = l.known.id, l.known.offset, l.known.at
	case core.Mismatch:
	}
}
