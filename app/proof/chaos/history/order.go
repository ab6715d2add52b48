package history

import (
	"maps"
	"slices"
)

// order goes through the history once more, in the order of recording. floor is
// the highest offset of a stream that anybody is known to have seen; what is
// sent after that must come to lie above it.
func (c *checker) order() {
	floor := map[string]int64{}
	raise := func(stream string, offset int64, id string) {
		if _, ok := c.logs[stream].find(offset, id); ok {
			floor[stream] = max(floor[stream], offset+1)
		}
	}
	for _, s := range c.history.steps {
		switch {
		case s.made != nil:
			c.above(s.made, floor[s.made.stream])
		case s.acked != nil:
			for _, r := range s.acked.receipts {
				if !r.Refused {
					raise(s.acked.stream, r.Offset, r.ID)
				}
			}
		default:
			for _, seen := range s.page {
				raise(s.stream, seen.Offset, seen.ID)
			}
		}
	}
}

// above checks that the events a call was the first to send lie at floor or
// behind it, and those that no other call can have stored, in its own order.
func (c *checker) above(made *call, floor int64) {
	next := floor
	for i, e := range made.events {
		if len(c.places[e.n]) != 1 || e.first() != (send{made, i}) {
			continue
		}
		offset, alone := c.offset(e), e.chances() == 1
		if offset < floor || alone && offset < next {
			c.report(RuleOutOfOrder, e.stream, offset, "marker %q of producer %d, call %d, belongs behind offset %d",
				e.marker, made.producer, made.op, next-1)
		}
		if alone {
			next = max(next, offset+1)
		}
	}
}

// follower checks that a follower saw the events of the final log, all up to
// the last one it saw, in their order.
func (c *checker) follower(f *follower) {
	first := make(map[int64]string, len(f.seen))
	changed := map[int64]bool{}
	last := int64(-1)
	for _, s := range f.seen {
		id, again := first[s.Offset]
		switch {
		case again && id != s.ID:
			changed[s.Offset] = true
			c.report(RuleFollowerChanged, f.stream, s.Offset, "follower %d saw id %s, then id %s", f.number, id, s.ID)
		case s.Offset <= last:
			c.report(RuleFollowerOrder, f.stream, s.Offset, "follower %d saw it after offset %d", f.number, last)
		}
		if !again {
			first[s.Offset] = s.ID
		}
		last = max(last, s.Offset)
	}
	c.skipped(f, first)
	for offset, id := range first {
		if _, ok := c.logs[f.stream].find(offset, id); !ok && !changed[offset] {
			c.report(RuleFollowerDiverged, f.stream, offset, "follower %d saw id %s", f.number, id)
		}
	}
}

// skipped reports the offsets below its last one that a follower never saw.
func (c *checker) skipped(f *follower, seen map[int64]string) {
	next := int64(0)
	for _, offset := range slices.Sorted(maps.Keys(seen)) {
		if offset > next {
			c.report(RuleFollowerSkipped, f.stream, next, "follower %d went on at offset %d", f.number, offset)
		}
		next = offset + 1
	}
}
