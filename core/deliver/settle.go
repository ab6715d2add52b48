package deliver

import (
	"errors"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// This file has the answers of consumers: they acknowledge, refuse, extend and commit
// the events that they hold.

// ack settles offsets of a lease, or all of it when offsets is nil. It returns the
// dead letters among them, whose replays have succeeded.
func (s *groupState) ack(now time.Time, id core.ID, offsets []core.Offset) (done []core.ID, err error) {
	i, err := s.held(id, now)
	if err != nil {
		return nil, err
	}
	l := &s.Leases[i]
	if offsets == nil {
		done, l.Spans = lettersOf(l.Spans), nil
	}
	for _, offset := range offsets {
		done = append(done, lettersOf(l.cut(offset, offset+1))...)
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

// nack ends the attempts at refused events, and returns the fate of each. In an
// ordered group everything of the lease behind an event that is tried again goes back
// untouched, because it must not overtake that event.
func (s *groupState) nack(now time.Time, group *core.Group, id core.ID, refusals []refusal, random func() float64) (all []ended, err error) {
	i, err := s.held(id, now)
	if err != nil {
		return nil, err
	}
	lowest := core.Offset(-1) // the first event that is tried again, -1 where none is
	for _, r := range refusals {
		for _, part := range s.Leases[i].cut(r.offset, r.offset+1) {
			one := s.refuse(part, r, now, group, random)
			if r.action == core.NackRetry && !one.park && (lowest < 0 || r.offset < lowest) {
				lowest = r.offset
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

// refuse ends the attempt at one event as its consumer says. A consumer that says
// anything at all is alive, so the event is not suspected of killing it any more.
func (s *groupState) refuse(part span, r refusal, now time.Time, group *core.Group, random func() float64) ended {
	part.Lost = 0
	one := ended{span: part, at: now}
	switch r.action {
	case core.NackPark:
		one.park = true
	case core.NackRetry:
		one = s.fail(part, now, group, random, r.delay)
	}
	one.outcome, one.reason = core.Nacked, r.reason
	if r.action == core.NackSkip {
		one.outcome = core.Skipped
	}
	return one
}

// extend gives a consumer visibility from now on, which may be less than it had. With
// none it takes everything back at once, and the attempt does not count.
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

var (
	// errNotHeld answers a commit of an offset that nobody holds.
	errNotHeld = core.Errorf(core.CodeConflict, "no consumer holds this offset: its lease expired, or it was not handed out yet; poll again")
	// errNotOfLease answers a commit of an offset that the given lease does not hold.
	errNotOfLease = core.Errorf(core.CodeConflict, "this lease does not hold the offset: it was settled, another lease holds it, or it was not handed out yet")
)

// commit settles everything up to an offset in the lease that holds it. An offset that
// is settled already is no error: a commit may be repeated, also with the lease that it
// has settled. One that nobody holds is refused, and so is one that another lease than
// the given one holds. A lease that was lost is refused whatever the offset is: what is
// settled by then is another consumer's work.
func (s *groupState) commit(now time.Time, offset core.Offset, id core.ID) (done []core.ID, err error) {
	if !id.IsZero() {
		_, err := s.held(id, now)
		repeated := errors.Is(err, errsLostLease[leaseSettled]) && offset < s.committed()
		if err != nil && !repeated {
			return nil, err
		}
	}
	if offset < s.committed() {
		return nil, nil
	}
	for i := range s.Leases {
		l := &s.Leases[i]
		if !now.Before(l.ExpiresAt) || !id.IsZero() && l.ID != id || !l.holds(offset) {
			continue
		}
		done = lettersOf(l.cut(0, offset+1))
		s.release(i)
		s.CommittedAt = now
		return done, nil
	}
	if !id.IsZero() {
		return nil, errNotOfLease
	}
	if s.settled(offset) {
		return nil, nil
	}
	return nil, errNotHeld
}
