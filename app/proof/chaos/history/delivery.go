package history

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"
)

// The rules of deliveries that a [Violation] names; its Stream is the group.
const (
	RuleNotHandled   = "event neither handled nor a dead letter"
	RuleLetterLost   = "dead letter lost"
	RuleLetterWrong  = "dead letter of an event that does not fail"
	RuleLetterTwice  = "two dead letters of one event"
	RuleNotReplayed  = "dead letter not replayed"
	RuleLag          = "lag without end"
	RuleWentBack     = "committed offset went back"
	RuleCommitted    = "committed before it was handled"
	RuleHandledEarly = "handled before what precedes it"
	RuleTwoLeases    = "under two live leases"
	RuleSettledAgain = "handed out after it was settled"
	RuleStale        = "a call with a lease that had ended moved something"
	RuleLeaseTaken   = "a live lease was refused"
)

// Outcome is what a consumer was told about a call.
type Outcome string

// The outcomes of a call.
const (
	Accepted Outcome = "accepted"
	Rejected Outcome = "rejected" // the lease is not held any more
	Unclear  Outcome = "unclear"  // a broken connection or a 5xx: it may have taken effect
)

// OutcomeOf is the outcome of a call that ended with err; lost says that the
// error is about the lease.
func OutcomeOf(err error, lost bool) Outcome {
	switch {
	case err == nil:
		return Accepted
	case lost:
		return Rejected
	}
	return Unclear
}

// Delivery is one record of what happened between a group and its consumers,
// with the field of the one thing that happened. At is when its answer was
// there, by the clock that the servers have, too.
type Delivery struct {
	Group     string    `json:"group"`
	At        time.Time `json:"at"`
	Handled   *Handled  `json:"handled,omitempty"`
	Leased    *Leased   `json:"leased,omitempty"`
	Extended  *Extended `json:"extended,omitempty"`
	Settled   *Settled  `json:"settled,omitempty"`
	Committed *int64    `json:"committed,omitempty"`
	// Appended are the offsets of acknowledged events. They are all groups'.
	Appended []int64 `json:"appended,omitempty"`
}

// Handled is a handler that was run for an event.
type Handled struct {
	Offset int64 `json:"offset"`
	OK     bool  `json:"ok"`
}

// Leased is the answer to a poll.
type Leased struct {
	Lease string `json:"lease"`
	// Asked is when the consumer asked, by the clock of the record, where that is known.
	Asked time.Time `json:"asked,omitzero"`
	// Granted is when the server made the lease: its end less the visibility.
	Granted time.Time `json:"granted"`
	Expires time.Time `json:"expires"`
	Offsets []int64   `json:"offsets"`
}

// Extended is a call that asked for more time.
type Extended struct {
	Lease   string    `json:"lease"`
	Sent    time.Time `json:"sent"`
	Expires time.Time `json:"expires,omitzero"`
	Outcome Outcome   `json:"outcome"`
}

// Settled is a call that ended a lease for some of its events.
type Settled struct {
	Lease   string    `json:"lease"`
	Sent    time.Time `json:"sent"`
	Offsets []int64   `json:"offsets"`
	// Done events must never come again; the others were given back or refused.
	Done    bool    `json:"done"`
	Outcome Outcome `json:"outcome"`
}

// Ending is what was found when all was over.
type Ending struct {
	Group   string
	Ordered bool
	// End is the next offset of the stream, Lag the group's lag.
	End, Lag int64
	// Failing are the events that are handled by nobody, Letters the dead
	// letters, Replayed those that had to be handed out again.
	Failing, Letters, Replayed []int64
}

// DeliveryRecorder writes deliveries as JSON lines, each with one Write. It is
// safe for concurrent use.
type DeliveryRecorder struct {
	mu  sync.Mutex
	w   io.Writer
	err error
}

// NewDeliveryRecorder returns a recorder of one history.
func NewDeliveryRecorder(w io.Writer) *DeliveryRecorder { return &DeliveryRecorder{w: w} }

// Record writes a record. Without a time, it is of now.
func (r *DeliveryRecorder) Record(d Delivery) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if d.At.IsZero() {
		d.At = time.Now()
	}
	text, err := json.Marshal(d)
	if err == nil {
		_, err = r.w.Write(append(text, '\n'))
	}
	r.err = errors.Join(r.err, err)
}

// Err returns the failed writes: after one the record is useless.
func (r *DeliveryRecorder) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// LoadDeliveries reads what recorders wrote, each of another process, and
// returns it in the order of time.
func LoadDeliveries(records ...io.Reader) (all []Delivery, err error) {
	for _, record := range records {
		lines := json.NewDecoder(record)
		for {
			var d Delivery
			err := lines.Decode(&d)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("history: delivery %d: %w", len(all)+1, err)
			}
			all = append(all, d)
		}
	}
	slices.SortStableFunc(all, func(a, b Delivery) int { return a.At.Compare(b.At) })
	return all, nil
}

// CheckDeliveries returns what in a history does not fit one group's ending:
// each event of the log, and each acknowledged one, was handled with success or
// is a dead letter, a lease was its consumer's alone until it ended, what was
// committed stayed so, and an ordered group kept the order.
func CheckDeliveries(all []Delivery, end Ending) []Violation {
	c := &deliveryChecker{
		end: end, failing: setOf(end.Failing), tried: map[int64]bool{}, handled: map[int64]bool{},
		leases: map[string]*held{}, done: map[int64]time.Time{}, offsets: map[int64][]stay{}, committed: -1,
	}
	for _, d := range all {
		c.appended = append(c.appended, d.Appended...)
		if d.Group == end.Group {
			c.add(d)
		}
	}
	c.complete()
	c.deadLetters()
	c.stays()
	slices.SortStableFunc(c.found, func(a, b Violation) int {
		return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Rule, b.Rule))
	})
	return c.found
}

type deliveryChecker struct {
	end       Ending
	appended  []int64
	failing   map[int64]bool
	tried     map[int64]bool // a handler was run
	handled   map[int64]bool // with success
	highest   int64          // the highest offset among the handled ones
	committed int64
	leases    map[string]*held
	done      map[int64]time.Time // when it was acknowledged that nobody needs the event again
	offsets   map[int64][]stay
	found     []Violation
}

// held is a lease as its consumer knows it.
type held struct {
	Leased
	ends map[int64]time.Time // when a call may have ended it for an event
	// unclear: a call with the lease has an outcome that is not known.
	unclear bool
	// spent: a call may have settled some of it.
	spent bool
}

// stay is the time for which an event was a consumer's, of which the end is
// not part.
type stay struct {
	lease    string
	from, to time.Time
}

func (c *deliveryChecker) report(rule string, offset int64, format string, args ...any) {
	c.found = append(c.found, Violation{rule, c.end.Group, offset, fmt.Sprintf(format, args...)})
}

func (c *deliveryChecker) add(d Delivery) {
	switch {
	case d.Handled != nil:
		c.handle(*d.Handled)
	case d.Committed != nil:
		c.commit(*d.Committed)
	case d.Leased != nil:
		c.leases[d.Leased.Lease] = &held{Leased: *d.Leased, ends: map[int64]time.Time{}}
	case d.Extended != nil:
		c.extend(*d.Extended, d.At)
	case d.Settled != nil:
		c.settle(*d.Settled, d.At)
	}
}

// handle takes in that a handler was run.
func (c *deliveryChecker) handle(h Handled) {
	c.tried[h.Offset] = true
	if !h.OK || c.handled[h.Offset] {
		return
	}
	if c.end.Ordered && len(c.handled) > 0 && h.Offset < c.highest {
		c.report(RuleHandledEarly, h.Offset, "handled first after offset %d", c.highest)
	}
	c.handled[h.Offset] = true
	c.highest = max(c.highest, h.Offset)
}

// commit takes in an observation of the committed offset.
func (c *deliveryChecker) commit(to int64) {
	if to < c.committed {
		c.report(RuleWentBack, to, "it was %d", c.committed)
	}
	for offset := c.committed + 1; offset <= to; offset++ {
		if !c.handled[offset] && !c.failing[offset] {
			c.report(RuleCommitted, offset, "%d was committed", to)
		}
	}
	c.committed = max(c.committed, to)
}

func (c *deliveryChecker) extend(e Extended, at time.Time) {
	l := c.leases[e.Lease]
	if l == nil {
		return
	}
	switch e.Outcome {
	case Unclear:
		l.unclear = true
	case Rejected:
		c.rejected(l, at)
	case Accepted:
		c.accepted(l, e.Sent)
		l.Expires = e.Expires
	}
}

func (c *deliveryChecker) settle(s Settled, at time.Time) {
	l := c.leases[s.Lease]
	if l == nil {
		return
	}
	if s.Outcome == Rejected {
		c.rejected(l, at)
		return
	}
	if s.Outcome == Accepted {
		c.accepted(l, s.Sent)
	}
	l.unclear = l.unclear || s.Outcome == Unclear
	l.spent = true
	for _, offset := range s.Offsets {
		if _, known := l.ends[offset]; !known {
			l.ends[offset] = s.Sent
		}
		if _, known := c.done[offset]; s.Done && s.Outcome == Accepted && !known {
			c.done[offset] = at
		}
	}
}

// accepted checks that a lease was alive when a call that needs it was sent.
func (c *deliveryChecker) accepted(l *held, sent time.Time) {
	if !l.unclear && !sent.Before(l.Expires) {
		c.report(RuleStale, l.Offsets[0], "lease %s ended %s before the call", l.Lease, sent.Sub(l.Expires))
	}
}

// rejected checks that a lease was over when a call was told so.
func (c *deliveryChecker) rejected(l *held, answered time.Time) {
	if !l.unclear && !l.spent && answered.Before(l.Expires) {
		c.report(RuleLeaseTaken, l.Offsets[0], "lease %s had %s left", l.Lease, l.Expires.Sub(answered))
	}
}

// complete checks that nothing was left out.
func (c *deliveryChecker) complete() {
	letters := setOf(c.end.Letters)
	wanted := setOf(c.appended)
	for offset := range c.end.End {
		wanted[offset] = true
	}
	for offset := range wanted {
		if !c.handled[offset] && !letters[offset] && !c.failing[offset] {
			c.report(RuleNotHandled, offset, "the stream ends at %d", c.end.End)
		}
	}
	if c.end.Lag != 0 {
		c.report(RuleLag, c.end.End, "%d at the end", c.end.Lag)
	}
}

// deadLetters checks that they are those of the failing events.
func (c *deliveryChecker) deadLetters() {
	seen := map[int64]bool{}
	for _, offset := range c.end.Letters {
		switch {
		case seen[offset]:
			c.report(RuleLetterTwice, offset, "")
		case !c.failing[offset]:
			c.report(RuleLetterWrong, offset, "handled with success: %t", c.handled[offset])
		}
		seen[offset] = true
	}
	for _, offset := range c.end.Failing {
		if !seen[offset] {
			c.report(RuleLetterLost, offset, "tried: %t", c.tried[offset])
		}
	}
	for _, offset := range c.end.Replayed {
		if !c.tried[offset] {
			c.report(RuleNotReplayed, offset, "")
		}
	}
}

const (
	// precision is that of the ends of leases, and of what is derived from them.
	precision = time.Millisecond
	// clocks is how far the clock of a server, which goes by the database's, may be from that
	// of the record on a busy machine.
	clocks = 100 * time.Millisecond
)

// stays checks that an event is one consumer's at a time, and nobody's once it
// is settled.
func (c *deliveryChecker) stays() {
	for _, id := range slices.Sorted(maps.Keys(c.leases)) {
		l := c.leases[id]
		for _, offset := range l.Offsets {
			until := l.Expires
			if end, ended := l.ends[offset]; ended && end.Before(until) {
				until = end.Truncate(precision)
			}
			c.offsets[offset] = append(c.offsets[offset], stay{id, l.Granted, until})
			if done, settled := c.done[offset]; settled && (l.Asked.After(done) || l.Granted.After(done.Add(clocks))) {
				c.report(RuleSettledAgain, offset, "lease %s came %s later", id, l.Granted.Sub(done))
			}
		}
	}
	for offset, all := range c.offsets {
		slices.SortStableFunc(all, func(a, b stay) int { return a.from.Compare(b.from) })
		for i, later := range all {
			for _, earlier := range all[:i] {
				if later.from.Before(earlier.to) && earlier.from.Before(later.to) {
					c.report(RuleTwoLeases, offset, "lease %s came %s before lease %s ended",
						later.lease, earlier.to.Sub(later.from), earlier.lease)
				}
			}
		}
	}
}

func setOf(offsets []int64) map[int64]bool {
	set := make(map[int64]bool, len(offsets))
	for _, offset := range offsets {
		set[offset] = true
	}
	return set
}
