package deliver

import (
	"cmp"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// waiting is a span that goes out again once Due has come.
type waiting struct {
	span
	Due time.Time `json:"due"`
}

// maxWaiting bounds the spans that wait, and with them the size of a group's progress.
// A group whose consumers refuse this much gets no new events until there is room
// again.
const maxWaiting = 20_000

// wait adds a span to those that wait, at its place in the order of offsets.
// Neighbours with the same fate become one span, so that a refused run of a thousand
// costs as much as one refused event. Times are kept in milliseconds for the same
// reason.
func (s *groupState) wait(part span, due time.Time) {
	due = due.UTC().Truncate(time.Millisecond)
	at, _ := slices.BinarySearchFunc(s.Waiting, part.From, func(w waiting, from core.Offset) int { return cmp.Compare(w.From, from) })
	if at > 0 && s.Waiting[at-1].continues(part, due) {
		s.Waiting[at-1].To = part.To
		return
	}
	s.Waiting = slices.Insert(s.Waiting, at, waiting{part, due})
}

// continues reports whether part begins where w ends and shares its fate.
func (w *waiting) continues(part span, due time.Time) bool {
	return w.ofLog() && part.ofLog() && w.Key|part.Key == 0 && w.To == part.From && w.Attempts == part.Attempts && w.Lost == part.Lost && w.Due.Equal(due)
}

// waitOn puts back the rest of a waiting span whose beginning was taken. The rest may
// belong elsewhere: a dead letter can wait at an offset within the span, and the rest
// begins behind it.
func (s *groupState) waitOn(rest waiting) {
	if rest.From < rest.To {
		s.wait(rest.span, rest.Due)
	}
}

// ended is the fate of a span whose attempt is over and was no success.
type ended struct {
	span
	outcome core.AttemptOutcome
	reason  string
	at      time.Time
	// park says that the span is to become dead letters. The state has let it go
	// already.
	park bool
}

// fail ends an attempt at a span. The span waits to go out again, for delay or, when
// delay is negative, for the group's backoff; when that was its last attempt, it is to
// be parked instead.
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

// untake gives back the offsets of a lease from one offset on, as if they had never
// gone out: the attempt does not count.
func (s *groupState) untake(i int, from core.Offset, now time.Time) {
	for _, part := range s.Leases[i].cut(from, maxOffset) {
		part.Attempts--
		s.wait(part, now)
	}
}

// maxOffset is beyond every offset.
const maxOffset = core.Offset(1<<63 - 1)

// replay lets a dead letter go out again. It has had no attempts: somebody has decided
// that it deserves all of them again.
func (s *groupState) replay(letter *core.DeadLetter, now time.Time) {
	s.wait(span{From: letter.Event.Offset, To: letter.Event.Offset + 1, Letter: letter.ID}, now)
}

// wake returns the next time at which something that is not due now will be, and zero
// when nothing will. A poll that found nothing sleeps until then.
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
