package history

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// The rules of processors that a [Violation] names; its Stream is the processor.
const (
	RuleNotArrived   = "event that passes the filter neither arrived nor a dead letter"
	RuleArrivedWrong = "event arrived that does not pass the filter"
	RuleArrivedEarly = "arrived before what precedes it had arrived"
	RuleTwoAtOnce    = "two requests of an ordered processor at once"
	RuleArrivedAgain = "arrived again after a clean stop"
	RuleCopiedTwice  = "two copies of one event"
	RuleCopiedEarly  = "copied before what precedes it"
)

// Arrival is one request of a processor for one event, as its receiver saw it.
type Arrival struct {
	Processor string
	Offset    int64
	From, To  time.Time
	// OK says that the receiver took it, and Left that the sender did not wait for the
	// answer.
	OK, Left bool
}

// Calm is a time in which nothing was killed, and at whose end everything was stopped
// cleanly.
type Calm struct{ From, Stop time.Time }

// Processing is what a processor had to do.
type Processing struct {
	Processor string
	Ordered   bool
	// Wanted are the offsets that pass the filter, ascending, and Letters the dead
	// letters.
	Wanted, Letters []int64
	Calms           []Calm
}

// noticed is how long it may take until a receiver sees that the sender has left.
const noticed = 500 * time.Millisecond

// CheckArrivals returns what in the arrivals, in any order, does not fit what a processor
// had to do. Every wanted event arrived with success or is a dead letter, and nothing
// else arrived. What arrived in a calm did not arrive after it. In an ordered processor
// requests do not overlap, and what follows an event is the next one, or a step back that
// repeats earlier ones.
func CheckArrivals(all []Arrival, p Processing) []Violation {
	c := &arrivalChecker{Processing: p, place: map[int64]int{}, letters: setOf(p.Letters)}
	for i, offset := range p.Wanted {
		c.place[offset] = i
	}
	for _, a := range all {
		if a.Processor == p.Processor {
			c.arrivals = append(c.arrivals, a)
		}
	}
	slices.SortStableFunc(c.arrivals, func(a, b Arrival) int { return a.From.Compare(b.From) })
	c.complete()
	if p.Ordered {
		c.order()
		c.overlaps()
	}
	for _, calm := range p.Calms {
		c.again(calm)
	}
	slices.SortStableFunc(c.found, func(a, b Violation) int { return cmp.Compare(a.Offset, b.Offset) })
	return c.found
}

type arrivalChecker struct {
	Processing
	arrivals []Arrival
	place    map[int64]int // of wanted offsets among each other
	letters  map[int64]bool
	found    []Violation
}

func (c *arrivalChecker) report(rule string, offset int64, format string, args ...any) {
	c.found = append(c.found, Violation{rule, c.Processor, offset, fmt.Sprintf(format, args...)})
}

func (c *arrivalChecker) complete() {
	took, tries := map[int64]bool{}, map[int64]int{}
	for _, a := range c.arrivals {
		tries[a.Offset]++
		took[a.Offset] = took[a.Offset] || a.OK
		if _, wanted := c.place[a.Offset]; !wanted {
			c.report(RuleArrivedWrong, a.Offset, "at %s", a.From)
		}
	}
	for _, offset := range c.Wanted {
		if !took[offset] && !c.letters[offset] {
			c.report(RuleNotArrived, offset, "after %d attempts", tries[offset])
		}
	}
}

// order checks that each arrival follows its predecessor, tries it again, or goes back.
func (c *arrivalChecker) order() {
	next := 0 // the place of the event that may come at most
	for _, a := range c.arrivals {
		place, wanted := c.place[a.Offset]
		if !wanted {
			continue
		}
		for next < place && c.letters[c.Wanted[next]] {
			next++
		}
		if place > next {
			c.report(RuleArrivedEarly, a.Offset, "when %d was to come at most", c.Wanted[next])
		}
		next = place
		if a.OK {
			next++
		}
	}
}

func (c *arrivalChecker) overlaps() {
	var last Arrival
	for _, a := range c.arrivals {
		end := last.To
		if last.Left {
			end = end.Add(-noticed)
		}
		if a.From.Before(end) {
			c.report(RuleTwoAtOnce, a.Offset, "%s before the one of %d ended", end.Sub(a.From), last.Offset)
		}
		if a.To.After(last.To) {
			last = a
		}
	}
}

// again checks that what arrived in a calm did not arrive after it.
func (c *arrivalChecker) again(calm Calm) {
	done := map[int64]time.Time{}
	for _, a := range c.arrivals {
		if a.OK && a.From.After(calm.From) && a.To.Before(calm.Stop) {
			done[a.Offset] = a.To
		}
	}
	for _, a := range c.arrivals {
		if before, known := done[a.Offset]; known && a.From.After(calm.Stop) {
			c.report(RuleArrivedAgain, a.Offset, "%s after it had arrived", a.From.Sub(before))
		}
	}
}

// CheckCopies returns what in the copies that a processor made, as the offsets of their
// originals in the order of the copies, does not fit what it had to do: there is one of
// each wanted event, and of nothing else.
func CheckCopies(copies []int64, p Processing) []Violation {
	c := &arrivalChecker{Processing: p, letters: setOf(p.Letters)}
	wanted, seen, last := setOf(p.Wanted), map[int64]bool{}, int64(-1)
	for _, offset := range copies {
		switch {
		case !wanted[offset]:
			c.report(RuleArrivedWrong, offset, "as a copy")
		case seen[offset]:
			c.report(RuleCopiedTwice, offset, "")
		case p.Ordered && offset < last:
			c.report(RuleCopiedEarly, offset, "after %d", last)
		}
		seen[offset], last = true, max(last, offset)
	}
	for _, offset := range p.Wanted {
		if !seen[offset] && !c.letters[offset] {
			c.report(RuleNotArrived, offset, "as a copy")
		}
	}
	return c.found
}
