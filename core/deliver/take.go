package deliver

import (
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// This file decides which events go out next. A poll that gets none sleeps until wake,
// or until the stream has news.

// take hands out up to limit events: waiting ones that are due, and new ones of the
// log up to head. It returns nothing when there is nothing to hand out now. known are
// the keys of new events, in a group with an ordering key: what it does not know, take
// does not look at.
func (s *groupState) take(now time.Time, group *core.Group, head core.Offset, limit int, known keys) []span {
	switch {
	case group.Mode == core.Ordered:
		return s.takeOrdered(now, group, head, limit)
	case group.OrderingKey != "":
		return s.takeKeyed(now, group, head, limit, known)
	}
	// Waiting events go first: a busy stream would overtake them for ever.
	spans, lost := s.takeDue(now, group, limit)
	if !lost {
		spans = s.takeNew(spans, head, limit)
	}
	return spans
}

// takeOrdered hands out the lowest offsets first, and nothing at all while a run is in
// flight or the first waiting span is not due, because later events would overtake it.
// A span that failed before goes out by itself, so that its neighbours do not fail
// with it again.
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
			if len(spans) > 0 { // it comes with the next poll, by itself
				return spans
			}
			return []span{s.takeFrom(0, group, limit)}
		}
		spans = append(spans, s.takeFrom(0, group, limit-sizeOf(spans)))
	}
	return s.takeNew(spans, head, limit)
}

// takeDue hands out, in a shared group, spans that have waited long enough. A span
// that was lost goes out alone, so that it cannot take others down with it; lost says
// that this is such a span.
func (s *groupState) takeDue(now time.Time, group *core.Group, limit int) (spans []span, lost bool) {
	if i := slices.IndexFunc(s.Waiting, func(w waiting) bool { return w.Lost > 0 && !now.Before(w.Due) }); i >= 0 {
		return s.takeLost(i, now, group, limit), true
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
		if part.To < w.To { // there is no more room, so this happens once
			rest = w
			rest.From = part.To
		}
	}
	s.Waiting = kept
	s.waitOn(rest)
	return spans, false
}

// takeFrom hands out the beginning of one waiting span, as much as may go out
// together.
func (s *groupState) takeFrom(i int, group *core.Group, limit int) span {
	rest := s.Waiting[i]
	part := rest.span
	part.Attempts++
	part.To = min(part.To, part.From+core.Offset(min(limit, part.longest(group))))
	rest.From = part.To
	s.Waiting = slices.Delete(s.Waiting, i, i+1)
	s.waitOn(rest)
	return part
}

// takeNew adds events that never went out, while there is room for them to wait in
// case that they are refused.
func (s *groupState) takeNew(spans []span, head core.Offset, limit int) []span {
	room := core.Offset(limit - sizeOf(spans))
	if room <= 0 || s.Next >= head || len(s.Waiting) >= maxWaiting {
		return spans
	}
	part := span{From: s.Next, To: min(head, s.Next+room), Attempts: 1}
	s.Next = part.To
	return append(spans, part)
}
