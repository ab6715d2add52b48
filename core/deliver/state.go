package deliver

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// groupState is the whole progress of a group. Every offset below Next is in exactly
// one place: in a lease, in a waiting span, in a queue, or in none of them, which means
// that it is settled.
//
// The methods are pure. Time and chance are arguments, nothing is read and nothing is
// stored, so a history of any length can be tested as a function. testdata tells the
// rules as stories.
type groupState struct {
	// Next is the first offset that was never handed out nor passed over.
	Next core.Offset `json:"next"`
	// Leases are held by consumers. An ordered group has one at most.
	Leases []lease `json:"leases,omitempty"`
	// Waiting are the spans that will go out again, in the order of offsets. An
	// ordered group hands them out from the front; wait keeps the order.
	Waiting []waiting `json:"waiting,omitempty"`
	// Queues are the events that wait behind others of their keys, in the order of keys.
	// Only a group with an ordering key has any.
	Queues []queue `json:"queues,omitempty"`
	// Past are the leases that ended last, the latest at the end.
	Past []pastLease `json:"past,omitempty"`
	// Missed is how many events retention removed before they were settled.
	Missed int64 `json:"missed,omitempty"`
	// CommittedAt is when a consumer last settled something.
	CommittedAt time.Time `json:"committed_at,omitzero"`
}

// openState reads a state as a store kept it.
func openState(raw []byte) (*groupState, error) {
	state := &groupState{}
	if err := json.Unmarshal(raw, state); err != nil {
		return nil, fmt.Errorf("a group's progress is damaged: %w", err)
	}
	return state, nil
}

// encode returns the state as a store keeps it.
func (s *groupState) encode() []byte {
	raw, _ := json.Marshal(s) // never fails: a state is made of numbers, times and ids
	return raw
}

// clone returns a copy that shares no memory with the state. The methods change their
// slices in place, so a turn that may fail works on a copy.
func (s *groupState) clone() *groupState {
	c := *s
	c.Waiting = slices.Clone(s.Waiting)
	c.Leases = slices.Clone(s.Leases)
	c.Past = slices.Clone(s.Past)
	c.Queues = cloneQueues(s.Queues)
	for i := range c.Leases {
		c.Leases[i].Spans = slices.Clone(c.Leases[i].Spans)
	}
	return &c
}

// committed returns the first offset that is not settled. Letters that are replayed do
// not hold it up: they were settled when they were parked.
func (s *groupState) committed() core.Offset {
	lowest := s.Next
	for _, l := range s.Leases {
		for _, part := range l.Spans {
			if part.ofLog() {
				lowest = min(lowest, part.From)
			}
		}
	}
	for _, w := range s.Waiting {
		if w.ofLog() {
			lowest = min(lowest, w.From)
		}
	}
	for i := range s.Queues {
		lowest = min(lowest, s.Queues[i].first())
	}
	return lowest
}

// settled reports whether an offset has been handed out and is done with.
func (s *groupState) settled(offset core.Offset) bool {
	return offset < s.Next &&
		!slices.ContainsFunc(s.Leases, func(l lease) bool { return l.holds(offset) }) &&
		!slices.ContainsFunc(s.Waiting, func(w waiting) bool { return w.covers(offset) }) && !s.passed(offset)
}

// passed reports whether an offset waits behind another one of its key.
func (s *groupState) passed(offset core.Offset) bool {
	return slices.ContainsFunc(s.Queues, func(q queue) bool { return q.covers(offset) })
}

// counts returns how many events consumers hold and how many wait, replayed letters
// and those in queues included.
func (s *groupState) counts() (leased, waits int64) {
	for _, l := range s.Leases {
		for _, part := range l.Spans {
			leased += part.size()
		}
	}
	for _, w := range s.Waiting {
		waits += w.size()
	}
	for i := range s.Queues {
		waits += s.Queues[i].size()
	}
	return leased, waits
}

// trim gives up the events that retention has removed, which is everything below
// first, and counts them as missed. A lease stays whole: its consumer has the events.
func (s *groupState) trim(first core.Offset) {
	if s.Next < first {
		s.Missed += int64(first - s.Next)
		s.Next = first
	}
	s.trimQueues(first)
	if len(s.Waiting) == 0 || s.Waiting[0].From >= first {
		return
	}
	var rest waiting
	kept := s.Waiting[:0]
	for _, w := range s.Waiting {
		if !w.ofLog() || w.From >= first {
			kept = append(kept, w)
			continue
		}
		s.Missed += int64(min(first, w.To) - w.From)
		if w.To > first { // spans of the log do not overlap: this happens once
			rest = w
			rest.From = first
		}
	}
	s.Waiting = kept
	s.waitOn(rest)
}

// miss gives up offsets of a lease that retention removed before they could be read. A
// dead letter among them has its own copy of the event and goes out again.
func (s *groupState) miss(i int, from, to core.Offset, now time.Time) {
	for _, part := range s.Leases[i].cut(from, to) {
		if part.ofLog() {
			s.Missed += part.size()
			continue
		}
		part.Attempts--
		s.wait(part, now)
	}
}

// seek moves the group to an offset: everything from there on goes out again, and
// nothing before it. Every lease is lost, so a consumer that still works on one cannot
// settle anything of the new round. Replays of dead letters go on.
func (s *groupState) seek(now time.Time, to core.Offset) {
	for i := range s.Leases {
		s.untake(i, 0, now) // saves the letters among them, the rest is dropped below
		s.remember(s.Leases[i].ID, leaseReset)
	}
	s.Leases = nil
	s.Waiting = slices.DeleteFunc(s.Waiting, func(w waiting) bool { return w.ofLog() })
	s.Queues = nil
	s.Next = to
}
