package history

import (
	"cmp"
	"fmt"
	"slices"
)

// The rules that a [Violation] names.
const (
	RuleMissing          = "acknowledged event missing"
	RuleMisplaced        = "acknowledged at another offset or id"
	RuleStoredTwice      = "stored twice"
	RuleOffsets          = "gap or disorder in offsets"
	RuleAltered          = "stored otherwise than sent"
	RuleRefusedStored    = "refused but stored"
	RuleOutOfOrder       = "stored before what preceded it"
	RuleHalfBatch        = "half a batch"
	RuleIDReused         = "id reused"
	RuleNeverSent        = "stored but never sent"
	RuleFollowerChanged  = "follower saw an offset change"
	RuleFollowerOrder    = "follower saw events out of order"
	RuleFollowerSkipped  = "follower skipped an event"
	RuleFollowerDiverged = "follower saw what the log does not hold"
)

// Violation is a broken promise.
type Violation struct {
	Rule   string
	Stream string
	Offset int64 // in the log where there is one, else as acknowledged or seen
	Detail string
}

func (v Violation) String() string {
	return fmt.Sprintf("%s: %s at offset %d: %s", v.Rule, v.Stream, v.Offset, v.Detail)
}

// Check compares a history with the final log of each stream, as read from
// offset 0 in the order of reading, and returns what does not fit, by stream
// and offset. Streams without a log are empty ones.
//
// An event must lie behind everything that was acknowledged or read before it
// was first sent, by whomever, and, unless another call sent it too, behind the
// events before it in its call.
//
// The time it takes is proportional to the history and the log.
func Check(h *History, log map[string][]Stored) []Violation {
	c := &checker{history: h, logs: map[string]*streamLog{}, places: make([][]int, len(h.events))}
	c.index(log)
	c.reclaim()
	for _, e := range h.events {
		c.receipts(e)
		c.surplus(e)
	}
	c.sharedKeys()
	c.contents()
	c.order()
	c.halves()
	for _, f := range h.followers {
		c.follower(f)
	}
	slices.SortFunc(c.violations, func(a, b Violation) int {
		return cmp.Or(cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Offset, b.Offset),
			cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Detail, b.Detail))
	})
	return c.violations
}

type checker struct {
	history    *History
	logs       map[string]*streamLog
	places     [][]int  // by event.n: where it is in its stream's log
	markers    *markers // made when an altered payload is found
	violations []Violation
}

func (c *checker) report(rule, stream string, offset int64, format string, args ...any) {
	c.violations = append(c.violations, Violation{rule, stream, offset, fmt.Sprintf(format, args...)})
}

// receipts checks that an acknowledged event is where its receipts say.
func (c *checker) receipts(e *event) {
	log := c.logs[e.stream]
	for _, s := range e.sends {
		receipt, ok := s.receipt()
		if !ok {
			continue
		}
		if len(c.places[e.n]) == 0 {
			c.report(RuleMissing, e.stream, receipt.Offset, "marker %q, id %s, call %d", e.marker, receipt.ID, s.call.op)
			return
		}
		i := slices.IndexFunc(c.places[e.n], func(i int) bool { return log.holds(i, receipt.Offset, receipt.ID) })
		if i < 0 {
			at := log.stored[c.places[e.n][0]]
			c.report(RuleMisplaced, e.stream, at.Offset, "marker %q has id %s; call %d was told offset %d, id %s",
				e.marker, at.ID, s.call.op, receipt.Offset, receipt.ID)
			continue
		}
		place := c.places[e.n][i]
		if e.key == "" && !receipt.Duplicate && log.claimed[place] {
			c.report(RuleMissing, e.stream, receipt.Offset, "marker %q has no key, was acknowledged again by call %d and stored once",
				e.marker, s.call.op)
		}
		log.claimed[place] = true
	}
}

// surplus reports an event that is in the log more often than it may be. What a
// receipt names is the last to be blamed.
func (c *checker) surplus(e *event) {
	places := c.places[e.n]
	capacity := e.capacity()
	if len(places) <= capacity {
		return
	}
	log := c.logs[e.stream]
	if capacity == 0 {
		for _, i := range places {
			c.report(RuleRefusedStored, e.stream, log.stored[i].Offset, "marker %q", e.marker)
		}
		return
	}
	blamed := slices.Clone(places)
	slices.SortStableFunc(blamed, func(a, b int) int { return log.blame(a) - log.blame(b) })
	for _, i := range blamed[capacity:] {
		c.report(RuleStoredTwice, e.stream, log.stored[i].Offset, "marker %q, key %q, also at offset %d",
			e.marker, e.key, log.stored[blamed[0]].Offset)
	}
}

// sharedKeys reports keys that let events with several markers in.
func (c *checker) sharedKeys() {
	first := map[streamKey]*event{}
	for _, e := range c.history.events {
		if !e.sharesKey || len(c.places[e.n]) == 0 || e.capacity() == 0 {
			continue
		}
		key := streamKey{e.stream, e.key}
		other := first[key]
		if other == nil {
			first[key] = e
			continue
		}
		c.report(RuleStoredTwice, e.stream, c.offset(e), "markers %q and %q have the key %q", other.marker, e.marker, e.key)
	}
}

// offset is where an event that the log holds is first.
func (c *checker) offset(e *event) int64 { return c.logs[e.stream].stored[c.places[e.n][0]].Offset }

// contents checks that what is stored was sent, and sent so.
func (c *checker) contents() {
	for _, log := range c.logs {
		for i, stored := range log.stored {
			switch e := log.owner[i]; {
			case e == nil:
				c.report(RuleNeverSent, log.name, stored.Offset, "id %s, payload %q", stored.ID, clip(stored.Payload, 0))
			case stored.Payload != e.payload:
				c.report(RuleAltered, log.name, stored.Offset, "marker %q, %s", e.marker, difference(e.payload, stored.Payload))
			case stored.Key != "" && stored.Key != e.key:
				c.report(RuleAltered, log.name, stored.Offset, "marker %q was sent with key %q, stored with %q", e.marker, e.key, stored.Key)
			}
		}
	}
}

// difference shows where two payloads part.
func difference(sent, stored string) string {
	at := 0
	for at < min(len(sent), len(stored)) && sent[at] == stored[at] {
		at++
	}
	return fmt.Sprintf("from byte %d: sent %q, stored %q", at, clip(sent, at), clip(stored, at))
}

// clip returns as much of a payload as a person reads, from a byte on.
func clip(payload string, from int) string {
	const readable = 120
	return payload[from:min(len(payload), from+readable)]
}

// halves reports calls of unknown outcome that stored some of their events and
// not the others. A retried event is explained by any call that may have stored
// it as a whole.
func (c *checker) halves() {
	explained := make([]bool, len(c.history.events))
	for _, made := range c.history.calls {
		if made.outcome == unknown && c.stored(made) < len(made.events) {
			continue
		}
		for i, e := range made.events {
			explained[e.n] = explained[e.n] || !(send{made, i}).refused()
		}
	}
	for _, made := range c.history.calls {
		if made.outcome == unknown {
			c.half(made, explained)
		}
	}
}

// half reports a call that alone can have stored one of its events.
func (c *checker) half(made *call, explained []bool) {
	for _, e := range made.events {
		if explained[e.n] || len(c.places[e.n]) == 0 {
			continue
		}
		c.report(RuleHalfBatch, e.stream, c.offset(e), "%d of the %d events of call %d are stored",
			c.stored(made), len(made.events), made.op)
		for _, other := range made.events {
			explained[other.n] = true
		}
		return
	}
}

// stored counts the events of a call that the log holds.
func (c *checker) stored(made *call) int {
	n := 0
	for _, e := range made.events {
		if len(c.places[e.n]) > 0 {
			n++
		}
	}
	return n
}
