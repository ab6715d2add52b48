package deliver

import (
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// lease holds the events that one poll handed out, until they are settled. Its ID is
// the receipt that a consumer presents.
type lease struct {
	ID        core.ID   `json:"id"`
	ExpiresAt time.Time `json:"until"`
	// Spans are never empty: a lease that holds nothing any more is released.
	Spans []span `json:"spans"`
}

// hold notes that a consumer has been handed spans.
func (s *groupState) hold(id core.ID, until time.Time, spans []span) {
	s.Leases = append(s.Leases, lease{ID: id, ExpiresAt: until.UTC().Truncate(time.Millisecond), Spans: spans})
}

// held finds a lease that has not expired. A receipt is worth nothing from the moment
// its lease expires, even before expire has taken the lease back: otherwise the answer
// would depend on who asked last.
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

// release forgets a lease that holds nothing any more.
func (s *groupState) release(i int) {
	if len(s.Leases[i].Spans) == 0 {
		s.remember(s.Leases[i].ID, leaseSettled)
		s.Leases = slices.Delete(s.Leases, i, i+1)
	}
}

// holds reports whether an offset of the log is in the lease.
func (l *lease) holds(offset core.Offset) bool {
	return slices.ContainsFunc(l.Spans, func(s span) bool { return s.covers(offset) })
}

// holder returns the lease that holds an offset of the log, or zero where none does.
func (s *groupState) holder(offset core.Offset) core.ID {
	for i := range s.Leases {
		if s.Leases[i].holds(offset) {
			return s.Leases[i].ID
		}
	}
	return core.ID{}
}

// only returns the index of the one span that has any of the offsets, where it is these
// offsets exactly, and -1 otherwise.
func (l *lease) only(from, to core.Offset) int {
	found := -1
	for i := range l.Spans {
		part := &l.Spans[i]
		if part.To <= from || part.From >= to {
			continue
		}
		if found >= 0 || part.From != from || part.To != to {
			return -1
		}
		found = i
	}
	return found
}

// cut takes offsets out of a lease and returns them. Offsets that the lease does not
// hold, because they are settled already, are not in the answer.
func (l *lease) cut(from, to core.Offset) (taken []span) {
	if i := l.only(from, to); i >= 0 { // a lease with keys may have a thousand spans: none is copied
		taken = []span{l.Spans[i]}
		l.Spans = slices.Delete(l.Spans, i, i+1)
		return taken
	}
	var kept []span
	for _, part := range l.Spans {
		low, high := max(part.From, from), min(part.To, to)
		if low >= high {
			kept = append(kept, part)
			continue
		}
		inner := part
		inner.From, inner.To = low, high
		taken = append(taken, inner)
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
	return taken
}

// expire takes back the leases that consumers have held for too long, and returns the
// fate of each span. Every turn begins with it.
func (s *groupState) expire(now time.Time, group *core.Group, random func() float64) (all []ended) {
	s.Leases = slices.DeleteFunc(s.Leases, func(l lease) bool {
		if now.Before(l.ExpiresAt) {
			return false
		}
		for _, part := range l.Spans {
			part.Lost++
			// The attempt ended when the lease did, not when somebody noticed: the
			// backoff counts from there.
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
