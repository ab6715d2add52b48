package deliver

import (
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// The part of a group's state that consumers change: what they acknowledge,
// refuse, extend and commit.

// The reasons why a lease is not held.
var (
	errLostLease = core.Errorf(core.CodeConflict,
		"this lease is not held: it ended some time ago, or it is not of this group; poll again")
	errsLostLease = map[leaseEnd]error{
		leaseSettled: core.Errorf(core.CodeConflict, "this lease is not held any more: all of it was settled or given back; poll again"),
		leaseExpired: core.Errorf(core.CodeConflict, "this lease is not held any more: it expired, and its events are handed out again; poll again"),
		leaseReset:   core.Errorf(core.CodeConflict, "this lease is not held any more: the group was reset; poll again"),
	}
)

// held finds a lease that has not expired. The error says what became of it.
func (s *groupState) held(id core.ID, now time.Time) (int, error) {
	i := slices.IndexFunc(s.Leases, func(l lease) bool { return l.ID == id })
	switch {
	case i < 0:
		return 0, s.lost(id)
	case !now.Before(s.Leases[i].ExpiresAt):
		return 0, errsLostLease[leaseExpired]
	}
	return i, nil
}

// lost says what became of a lease that is not there.
func (s *groupState) lost(id core.ID) error {
	if i := slices.IndexFunc(s.Past, func(p pastLease) bool { return p.ID == id }); i >= 0 {
		return errsLostLease[s.Past[i].End]
	}
	return errLostLease
}

// release forgets a lease of which nothing is left.
func (s *groupState) release(i int) {
	if len(s.Leases[i].Spans) == 0 {
		s.remember(s.Leases[i].ID, leaseSettled)
		s.Leases = slices.Delete(s.Leases, i, i+1)
	}
}

// cut removes offsets from a lease and returns what was removed of it, which is
// nothing for what is settled already.
func (l *lease) cut(from, to core.Offset) (removed []span) {
	var kept []span
	for _, part := range l.Spans {
		low, high := max(part.From, from), min(part.To, to)
		if low >= high {
			kept = append(kept, part)
			continue
		}
		inner := part
		inner.From, inner.To = low, high
		removed = append(removed, inner)
		if part.From < low {
			before := part
			before.To = low
			kept = append(kept, before)
		}
		if high < part.To {
			after := part
			after.From = high
			kept = append(kept, after)
		}
	}
	l.Spans = kept
	return removed
}

// letters are the dead letters among spans.
func letters(spans []span) (ids []core.ID) {
	for _, part := range spans {
		if !part.Letter.IsZero() {
			ids = append(ids, part.Letter)
		}
	}
	return ids
}

// ack settles offsets of a lease, or all of it when there are none, and returns
// the dead letters that were replayed with success.
func (s *groupState) ack(now time.Time, id core.ID, offsets []core.Offset) (done []core.ID, err error) {
	i, err := s.held(id, now)
	if err != nil {
		return nil, err
	}
	l := &s.Leases[i]
	if offsets == nil {
		done, l.Spans = letters(l.Spans), nil
	}
	for _, offset := range offsets {
		done = append(done, letters(l.cut(offset, offset+1))...)
	}
	s.release(i)
	s.CommittedAt = now
	return done, nil
}

// refusal is a consumer's word about one event.
type refusal struct {
	offset core.Offset
	action core.NackAction
	reason string
	delay  time.Duration // negative: the group's backoff
}

// nack settles what a consumer refuses. In an ordered group, what comes after
// an event that is to be tried again goes back untouched: it must wait.
func (s *groupState) nack(now time.Time, group *core.Group, id core.ID, refusals []refusal, random func() float64) (all []ended, err error) {
	i, err := s.held(id, now)
	if err != nil {
		return nil, err
	}
	lowest := core.Offset(-1)
	for _, r := range refusals {
		for _, part := range s.Leases[i].cut(r.offset, r.offset+1) {
			part.Lost = 0
			one := ended{span: part, at: now}
			switch r.action {
			case core.NackPark:
				one.park = true
			case core.NackRetry:
				one = s.fail(part, now, group, random, r.delay)
				if !one.park && (lowest < 0 || r.offset < lowest) {
					lowest = r.offset
				}
			}
			one.outcome, one.reason = core.Nacked, r.reason
			if r.action == core.NackSkip {
				one.outcome = core.Skipped
			}
			all = append(all, one)
		}
	}
	if group.Mode == core.Ordered && lowest >= 0 {
		s.untake(i, lowest, now)
	}
	s.release(i)
	s.CommittedAt = now
	return all, nil
}

// untake gives back what of a lease lies at or after an offset, as if it had
// not been handed out.
func (s *groupState) untake(i int, from core.Offset, now time.Time) {
	for _, part := range s.Leases[i].cut(from, maxOffset) {
		part.Attempts--
		s.wait(part, now)
	}
}

// miss gives up what of a lease lies in a range that retention has removed. A
// dead letter has its own copy of the event and is handed out again.
func (s *groupState) miss(i int, from, to core.Offset, now time.Time) {
	for _, part := range s.Leases[i].cut(from, to) {
		if part.Letter.IsZero() {
			s.Missed += part.size()
			continue
		}
		part.Attempts--
		s.wait(part, now)
	}
}

const maxOffset = core.Offset(1<<63 - 1)

// extend gives a consumer more time, or takes all that is left when that is
// none.
func (s *groupState) extend(now time.Time, id core.ID, visibility time.Duration) (until time.Time, err error) {
	i, err := s.held(id, now)
	if err != nil {
		return time.Time{}, err
	}
	if visibility == 0 {
		s.untake(i, 0, now)
		s.release(i)
		return now, nil
	}
	s.Leases[i].ExpiresAt = now.Add(visibility).UTC().Truncate(time.Millisecond)
	return s.Leases[i].ExpiresAt, nil
}

// commit settles, of the run that holds an offset, everything up to it. What
// is settled already stays so; an offset that nobody holds is refused, and one
// of a lease other than the given one.
func (s *groupState) commit(now time.Time, offset core.Offset, id core.ID) (done []core.ID, err error) {
	if offset < s.committed() {
		return nil, nil
	}
	for i := range s.Leases {
		l := &s.Leases[i]
		if !now.Before(l.ExpiresAt) || !id.IsZero() && l.ID != id || !l.holds(offset) {
			continue
		}
		done = letters(l.cut(0, offset+1))
		s.release(i)
		s.CommittedAt = now
		return done, nil
	}
	if id.IsZero() && s.settled(offset) {
		return nil, nil
	}
	if !id.IsZero() {
		if _, err := s.held(id, now); err != nil {
			return nil, err
		}
		return nil, core.Errorf(core.CodeConflict, "this lease does not hold this offset, or not any more")
	}
	return nil, core.Errorf(core.CodeConflict, "no consumer holds this offset: its lease expired, or it was not handed out yet; poll again")
}

func (l *lease) holds(offset core.Offset) bool {
	return slices.ContainsFunc(l.Spans, func(s span) bool {
		return s.Letter.IsZero() && s.From <= offset && offset < s.To
	})
}

// settled reports whether an offset was handed out and is done with.
func (s *groupState) settled(offset core.Offset) bool {
	return offset < s.Next &&
		!slices.ContainsFunc(s.Leases, func(l lease) bool { return l.holds(offset) }) &&
		!slices.ContainsFunc(s.Waiting, func(w waiting) bool {
			return w.Letter.IsZero() && w.From <= offset && offset < w.To
		})
}

// seek goes to an offset: everything from there on is handed out again, and
// nothing before it. Every lease is lost. Replays of dead letters go on.
func (s *groupState) seek(now time.Time, to core.Offset) {
	for i := range s.Leases {
		s.untake(i, 0, now)
		s.remember(s.Leases[i].ID, leaseReset)
	}
	s.Leases = nil
	s.Waiting = slices.DeleteFunc(s.Waiting, func(w waiting) bool { return w.Letter.IsZero() })
	s.Next = to
}

// replay adds a dead letter to what is to be handed out.
func (s *groupState) replay(letter *core.DeadLetter, now time.Time) {
	s.wait(span{From: letter.Event.Offset, To: letter.Event.Offset + 1, Letter: letter.ID}, now)
}
