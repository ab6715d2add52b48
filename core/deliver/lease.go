package deliver

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// groupState is what a group has handed out and what has become of it: the
// whole of a group's progress. Events below next that are neither leased nor
// waiting are settled. Its methods are pure: time and chance come from outside.
type groupState struct {
	// Next is the first offset that was never handed out.
	Next core.Offset `json:"next"`
	// Leases are what consumers hold.
	Leases []lease `json:"leases,omitempty"`
	// Waiting is what will be handed out again.
	Waiting []waiting `json:"waiting,omitempty"`
	// Past are the leases that ended last, the latest at the end.
	Past []pastLease `json:"past,omitempty"`
	// Missed is how many events retention removed before they were settled.
	Missed int64 `json:"missed,omitempty"`
	// CommittedAt is when something was last settled.
	CommittedAt time.Time `json:"committed_at,omitzero"`
}

// span is a run of offsets with one fate: From up to, not including, To.
type span struct {
	From core.Offset `json:"f"`
	To   core.Offset `json:"t"`
	// Attempts is how often it was handed out, the current time included.
	Attempts int `json:"a,omitempty"`
	// Lost is how many of these attempts ended in silence.
	Lost int `json:"l,omitempty"`
	// Letter is the dead letter that is replayed, whose copy of the event is
	// handed out; zero where the log's is.
	Letter core.ID `json:"d,omitzero"`
}

func (s span) size() int64 { return int64(s.To - s.From) }

// lease is what one poll handed out and what of it is not settled yet.
type lease struct {
	ID        core.ID   `json:"id"`
	ExpiresAt time.Time `json:"until"`
	Spans     []span    `json:"spans"`
}

// leaseEnd is how a lease ended.
type leaseEnd string

const (
	leaseSettled leaseEnd = "s"
	leaseExpired leaseEnd = "e"
	leaseReset   leaseEnd = "r"
)

// pastLease is a lease that ended: a consumer that comes back with it is told
// how.
type pastLease struct {
	ID  core.ID  `json:"id"`
	End leaseEnd `json:"end"`
}

// maxPast bounds how many leases are remembered after their end. They are
// written with every step of the group, and asked for by a consumer that repeats
// what it has just done.
const maxPast = 16

// remember notes how a lease ended.
func (s *groupState) remember(id core.ID, end leaseEnd) {
	s.Past = append(s.Past, pastLease{id, end})
	s.Past = slices.Delete(s.Past, 0, max(0, len(s.Past)-maxPast))
}

// waiting is a span that is due again at some time.
type waiting struct {
	span
	Due time.Time `json:"due"`
}

// maxWaiting bounds a group's progress: one whose consumers refuse this much
// is handed only what waits until there is room.
const maxWaiting = 20_000

// lostRun is how many events are handed out together after they were lost
// once, a tenth of it after they were lost twice, and so on: a run that kills
// its consumer is cut down to the one event that does.
const lostRun = 100

func openState(raw []byte) (*groupState, error) {
	state := &groupState{}
	if err := json.Unmarshal(raw, state); err != nil {
		return nil, fmt.Errorf("a group's progress is damaged: %w", err)
	}
	return state, nil
}

// clone returns a copy that shares nothing.
func (s *groupState) clone() *groupState {
	c := *s
	c.Waiting = slices.Clone(s.Waiting)
	c.Leases = slices.Clone(s.Leases)
	c.Past = slices.Clone(s.Past)
	for i := range c.Leases {
		c.Leases[i].Spans = slices.Clone(c.Leases[i].Spans)
	}
	return &c
}

func (s *groupState) encode() []byte {
	raw, _ := json.Marshal(s) // never fails: it is made of numbers, times and ids
	return raw
}

// committed is the first offset that is not settled.
func (s *groupState) committed() core.Offset {
	lowest := s.Next
	for _, l := range s.Leases {
		for _, part := range l.Spans {
			if part.Letter.IsZero() {
				lowest = min(lowest, part.From)
			}
		}
	}
	for _, w := range s.Waiting {
		if w.Letter.IsZero() {
			lowest = min(lowest, w.From)
		}
	}
	return lowest
}

// counts returns how many events consumers hold and how many wait.
func (s *groupState) counts() (leased, waits int64) {
	for _, l := range s.Leases {
		for _, part := range l.Spans {
			leased += part.size()
		}
	}
	for _, w := range s.Waiting {
		waits += w.size()
	}
	return leased, waits
}

// ended is what became of a span whose attempt failed: the attempt to be
// remembered and, when it was the last, that it is to be parked.
type ended struct {
	span
	outcome core.AttemptOutcome
	reason  string
	at      time.Time
	park    bool
}

// expire takes back what consumers have held too long.
func (s *groupState) expire(now time.Time, group *core.Group, random func() float64) (all []ended) {
	s.Leases = slices.DeleteFunc(s.Leases, func(l lease) bool {
		if now.Before(l.ExpiresAt) {
			return false
		}
		for _, part := range l.Spans {
			part.Lost++
			all = append(all, s.fail(part, l.ExpiresAt, group, random, -1))
		}
		s.remember(l.ID, leaseExpired)
		return true
	})
	for i := range all {
		all[i].outcome, all[i].reason = core.Expired, "no answer within the visibility time"
	}
	return all
}

// fail puts a span back to wait, for delay or, when that is negative, for the
// backoff of its attempts; or reports that it has had its attempts.
func (s *groupState) fail(part span, at time.Time, group *core.Group, random func() float64, delay time.Duration) ended {
	if part.Attempts >= group.MaxAttempts {
		return ended{span: part, at: at, park: true}
	}
	if delay < 0 {
		delay = group.Backoff.After(part.Attempts, random())
	}
	s.wait(part, at.Add(delay))
	return ended{span: part, at: at}
}

// wait adds a span to those that wait, which are kept in the order of offsets.
// Neighbours of one fate become one span.
func (s *groupState) wait(part span, due time.Time) {
	due = due.UTC().Truncate(time.Millisecond)
	at, _ := slices.BinarySearchFunc(s.Waiting, part.From, func(w waiting, from core.Offset) int { return cmp.Compare(w.From, from) })
	if at > 0 && s.Waiting[at-1].continues(part, due) {
		s.Waiting[at-1].To = part.To
		return
	}
	s.Waiting = slices.Insert(s.Waiting, at, waiting{part, due})
}

// continues reports whether part is what w would be if it went on.
func (w *waiting) continues(part span, due time.Time) bool {
	return w.Letter.IsZero() && part.Letter.IsZero() && w.To == part.From && w.Attempts == part.Attempts && w.Lost == part.Lost && w.Due.Equal(due)
}

// trim gives up what retention has removed: everything below first.
func (s *groupState) trim(first core.Offset) {
	if s.Next < first {
		s.Missed += int64(first - s.Next)
		s.Next = first
	}
	if len(s.Waiting) == 0 || s.Waiting[0].From >= first {
		return
	}
	var rest waiting
	kept := s.Waiting[:0]
	for _, w := range s.Waiting {
		if !w.Letter.IsZero() || w.From >= first {
			kept = append(kept, w)
			continue
		}
		s.Missed += int64(min(first, w.To) - w.From)
		if w.To > first {
			rest = w
			rest.From = first
		}
	}
	s.Waiting = kept
	s.waitOn(rest)
}

// waitOn puts what is left of a waiting span back to its place, which is not
// where the span was when a dead letter waits in between.
func (s *groupState) waitOn(rest waiting) {
	if rest.From < rest.To {
		s.wait(rest.span, rest.Due)
	}
}

// take hands out up to limit events of those that are due and of the log up to
// head. It returns nothing when there is nothing to hand out now.
func (s *groupState) take(now time.Time, group *core.Group, head core.Offset, limit int) []span {
	if group.Mode == core.Ordered {
		return s.takeOrdered(now, group, head, limit)
	}
	spans, lost := s.takeDue(now, group, limit)
	if !lost {
		spans = s.takeNew(spans, head, limit)
	}
	return spans
}

// takeOrdered hands out the lowest offsets first, nothing while something is
// in flight, and what has failed before by itself.
func (s *groupState) takeOrdered(now time.Time, group *core.Group, head core.Offset, limit int) (spans []span) {
	if len(s.Leases) > 0 {
		return nil
	}
	for len(s.Waiting) > 0 && limit > sizeOf(spans) {
		first := s.Waiting[0]
		if now.Before(first.Due) {
			return spans
		}
		if first.Attempts > 0 {
			if len(spans) > 0 {
				return spans
			}
			spans, _ = s.takeFrom(0, group, limit)
			return spans
		}
		part, _ := s.takeFrom(0, group, limit-sizeOf(spans))
		spans = append(spans, part...)
	}
	return s.takeNew(spans, head, limit)
}

// takeDue hands out what has waited long enough. What was lost goes out alone,
// so that it cannot take others down with it.
func (s *groupState) takeDue(now time.Time, group *core.Group, limit int) (spans []span, lost bool) {
	if i := slices.IndexFunc(s.Waiting, func(w waiting) bool { return w.Lost > 0 && !now.Before(w.Due) }); i >= 0 {
		return s.takeFrom(i, group, limit)
	}
	var rest waiting
	kept := s.Waiting[:0]
	for _, w := range s.Waiting {
		room := core.Offset(limit - sizeOf(spans))
		if room == 0 || now.Before(w.Due) {
			kept = append(kept, w)
			continue
		}
		part := w.span
		part.To = min(part.To, part.From+room)
		part.Attempts++
		spans = append(spans, part)
		if part.To < w.To { // there is no more room
			rest = w
			rest.From = part.To
		}
	}
	s.Waiting = kept
	s.waitOn(rest)
	return spans, false
}

// takeFrom hands out the beginning of one waiting span.
func (s *groupState) takeFrom(i int, group *core.Group, limit int) (spans []span, lost bool) {
	rest := s.Waiting[i]
	part := rest.span
	part.Attempts++
	part.To = min(part.To, part.From+core.Offset(min(limit, part.run(group))))
	rest.From = part.To
	s.Waiting = slices.Delete(s.Waiting, i, i+1)
	s.waitOn(rest)
	return []span{part}, part.Lost > 0
}

// run is how many events of the span may be handed out together.
func (s span) run(group *core.Group) int {
	if s.Lost == 0 {
		return core.MaxPageSize
	}
	if s.Attempts >= group.MaxAttempts {
		return 1
	}
	size := lostRun
	for range s.Lost - 1 {
		size = max(size/10, 1)
	}
	return size
}

// takeNew adds events that were never handed out.
func (s *groupState) takeNew(spans []span, head core.Offset, limit int) []span {
	room := core.Offset(limit - sizeOf(spans))
	if room <= 0 || s.Next >= head || len(s.Waiting) >= maxWaiting {
		return spans
	}
	part := span{From: s.Next, To: min(head, s.Next+room), Attempts: 1}
	s.Next = part.To
	return append(spans, part)
}

func sizeOf(spans []span) (total int) {
	for _, part := range spans {
		total += int(part.size())
	}
	return total
}

// hold remembers that a consumer has spans.
func (s *groupState) hold(id core.ID, until time.Time, spans []span) {
	s.Leases = append(s.Leases, lease{ID: id, ExpiresAt: until.UTC().Truncate(time.Millisecond), Spans: spans})
}

// wake is when something will be due that is not due now, or zero.
func (s *groupState) wake(now time.Time) (at time.Time) {
	sooner := func(due time.Time) {
		if due.After(now) && (at.IsZero() || due.Before(at)) {
			at = due
		}
	}
	for _, l := range s.Leases {
		sooner(l.ExpiresAt)
	}
	for _, w := range s.Waiting {
		sooner(w.Due)
	}
	return at
}
