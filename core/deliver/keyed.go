package deliver

import (
	"cmp"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// This file decides which events go out next in a group with an ordering key.
//
// Of each key, one event at most is on its way: in a lease, or waiting to be tried again.
// It is the first event of the key that is not settled. Later ones that the group comes
// across wait in the key's queue, and the first of them goes out when the one before it
// is settled, or a dead letter. So a key that fails waits alone.
//
// Replayed dead letters have no key: they were given up once, and the events behind them
// went on.

// keys are the hashes of the ordering keys of events, from one offset on without a gap.
// The hash of an event without a key is 0.
type keys struct {
	from   core.Offset
	hashes []uint64
}

// end is the first offset whose key is not known.
func (k keys) end() core.Offset { return k.from + core.Offset(len(k.hashes)) }

// of returns the hash of an event's key, if it is known.
func (k keys) of(offset core.Offset) (hash uint64, known bool) {
	if offset < k.from || offset >= k.end() {
		return 0, false
	}
	return k.hashes[offset-k.from], true
}

// hashOf returns the hash of a key, which is the same on all nodes and in all versions.
// Two keys with one hash go out as if they were one, which costs time and no more.
func hashOf(key string) uint64 {
	if key == "" {
		return 0
	}
	hash := uint64(14695981039346656037) // FNV-1a
	for i := range len(key) {
		hash = (hash ^ uint64(key[i])) * 1099511628211
	}
	return max(hash, 1)
}

// takeKeyed is take for a group with an ordering key. It looks at new events as far as
// their keys are known. The spans are in the order of offsets, as those of other groups
// are, so that a lease can be given back from one offset on.
func (s *groupState) takeKeyed(now time.Time, group *core.Group, head core.Offset, limit int, known keys) []span {
	spans, lost := s.takeDue(now, group, limit)
	if room := limit - sizeOf(spans); lost || room <= 0 {
		return spans
	}
	busy := s.busy(spans)
	spans = s.takeQueued(spans, busy, limit)
	spans = s.takeKnown(spans, busy, min(head, known.end()), limit, known)
	slices.SortStableFunc(spans, func(a, b span) int { return cmp.Compare(a.From, b.From) })
	return spans
}

// blind reports whether a take stopped because it did not know the next event's key.
func (s *groupState) blind(group *core.Group, head core.Offset, known keys) bool {
	if group.OrderingKey == "" || s.Next >= head || len(s.Waiting) >= maxWaiting {
		return false
	}
	_, seen := known.of(s.Next)
	return !seen
}

// busy returns the keys of which an event is on its way, or about to be.
func (s *groupState) busy(taken []span) map[uint64]struct{} {
	keys := map[uint64]struct{}{}
	note := func(part span) {
		if part.Key != 0 {
			keys[part.Key] = struct{}{}
		}
	}
	for i := range s.Leases {
		for _, part := range s.Leases[i].Spans {
			note(part)
		}
	}
	for i := range s.Waiting {
		note(s.Waiting[i].span)
	}
	for _, part := range taken {
		note(part)
	}
	return keys
}

// takeQueued adds the first event of each queue whose key is free, the oldest first.
func (s *groupState) takeQueued(spans []span, busy map[uint64]struct{}, limit int) []span {
	var free []*queue
	for i := range s.Queues {
		if _, is := busy[s.Queues[i].Key]; !is {
			free = append(free, &s.Queues[i])
		}
	}
	slices.SortFunc(free, func(a, b *queue) int { return cmp.Compare(a.first(), b.first()) })
	for _, q := range free[:min(len(free), limit-sizeOf(spans))] {
		offset := q.pop()
		spans = append(spans, span{From: offset, To: offset + 1, Attempts: 1, Key: q.Key})
		busy[q.Key] = struct{}{}
	}
	s.dropEmpty()
	return spans
}

// takeKnown adds events that the group has not looked at before, up to, not including,
// end, and passes over those whose keys are busy.
func (s *groupState) takeKnown(spans []span, busy map[uint64]struct{}, end core.Offset, limit int, known keys) []span {
	if len(s.Waiting) >= maxWaiting {
		return spans
	}
	queues := maxQueued - s.queued()
	for room := limit - sizeOf(spans); room > 0 && s.Next < end; s.Next++ {
		key, seen := known.of(s.Next)
		if !seen {
			break
		}
		if _, is := busy[key]; is {
			if !s.pass(key, s.Next, &queues) {
				break
			}
			continue
		}
		room--
		if last := len(spans) - 1; key == 0 && last >= 0 && spans[last].grows(s.Next) {
			spans[last].To++
			continue
		}
		spans = append(spans, span{From: s.Next, To: s.Next + 1, Attempts: 1, Key: key})
		if key != 0 {
			busy[key] = struct{}{}
		}
	}
	return spans
}

// grows reports whether a new event without a key can join the span.
func (s span) grows(offset core.Offset) bool {
	return s.ofLog() && s.Key == 0 && s.To == offset && s.Attempts == 1 && s.Lost == 0
}

// takeLost hands out events that were lost with the one at i, by themselves. With a key
// they are one span each, so those with one fate come together, as many as would come of
// one span.
func (s *groupState) takeLost(i int, now time.Time, group *core.Group, limit int) []span {
	first := s.takeFrom(i, group, limit)
	spans := []span{first}
	if group.OrderingKey == "" {
		return spans
	}
	room := min(limit, first.longest(group)) - sizeOf(spans)
	s.Waiting = slices.DeleteFunc(s.Waiting, func(w waiting) bool {
		if room <= 0 || w.Key == 0 || w.Lost != first.Lost || w.Attempts+1 != first.Attempts || now.Before(w.Due) {
			return false
		}
		room--
		part := w.span
		part.Attempts++
		spans = append(spans, part)
		return true
	})
	return spans
}
