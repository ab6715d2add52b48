package storetest

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// The concurrent tests, the race for a key and the histories use both handles
// as well.
var sharing = []guarantee{
	{"what one appended the other sees and goes on from", secondAppends},
	{"the clock is one", secondClock},
	{"an engine that tells the time tells all the same", secondTime},
	{"idempotency keys are one", secondKeys},
	{"what one trims is gone for the other", secondTrims},
	{"closing one leaves the other", secondCloses},
}

// turn makes s use the other handle.
func turn(s *suite, handles []core.Storage) {
	if s.storage == handles[0] {
		s.storage = handles[1]
	} else {
		s.storage = handles[0]
	}
}

func secondAppends(s *suite) {
	handles := s.handles()
	a, b := s.newStream(), s.newStream()
	var want []core.Event
	for range 6 {
		want = append(want, s.append(batch(a, s.entries(2)))...)
		s.append(batch(b, s.entries(1)))
		turn(s, handles)
		s.gapless(want, 0)
		s.same(s.everything(a), want)
		s.hasBounds(a, 0, core.Offset(len(want)), s.at)
		s.at = s.at.Add(10 * time.Hour)
		s.offsetAt(a, s.at, core.Offset(len(want)))
	}
	for range 3 { // several in a row, so that the other's memory is stale
		want = append(want, s.append(batch(a, s.entries(1)))...)
	}
	turn(s, handles)
	want = append(want, s.append(batch(b, s.entries(1)), batch(a, s.entries(1)))[1])
	s.gapless(want, 0)
	s.same(s.everything(a), want)
	s.check(len(s.everything(b)) == 7, "both streams must go on where the other handle was")
}

func secondClock(s *suite) {
	handles := s.handles()
	stream := s.newStream()
	s.append(batch(stream, s.entries(1)))
	turn(s, handles)
	s.at = s.at.Add(time.Hour)
	later := s.at
	s.append(batch(stream, s.entries(1)))
	turn(s, handles)
	s.at = later.Add(-time.Minute)
	notBefore := s.refused(batch(stream, s.entries(1)), batch(s.newStream(), s.entries(1)))
	s.check(notBefore.Equal(later), "ClockError.Last must be the time of the other's event, %v, got %v", later, notBefore)
	s.check(len(s.everything(stream)) == 2, "a refused append must store nothing")
	s.at = later
	s.append(batch(stream, s.entries(1)))
	s.hasBounds(stream, 0, 3, later)
}

func secondKeys(s *suite) {
	handles := s.handles()
	stream := s.newStream()
	s.append(batch(stream, s.entries(1)))
	turn(s, handles)
	s.append(batch(stream, s.entries(1)))
	for _, key := range []string{"k", "l"} {
		first := s.append(batch(stream, s.keyed(key, `1`)))[0]
		turn(s, handles)
		same := s.keyed(key, `1`)
		mixed := slices.Concat(s.entries(1), same)
		s.append(batch(stream, mixed))
		s.isDuplicate(mixed[1], first)
		other := s.keyed(key, `2`)
		s.append(batch(stream, other))
		s.check(other[0].Outcome == core.Mismatch, "the other handle's key with another fingerprint must be a Mismatch, got outcome %d", other[0].Outcome)
	}
	s.gapless(s.everything(stream), 0)
	s.check(s.bounds(stream).Next == 6, "every key must store one event: 6, got %d", s.bounds(stream).Next)
}

func secondTrims(s *suite) {
	handles := s.handles()
	stream := s.newStream()
	want := s.week(stream)
	turn(s, handles)
	s.same(s.everything(stream), want) // both have looked at what is about to go
	turn(s, handles)
	s.same(s.everything(stream), want)
	for _, before := range []time.Time{want[9].ReceivedAt, want[18].ReceivedAt, s.at.Add(2 * day)} {
		s.trim(stream, before)
		bounds := s.bounds(stream)
		turn(s, handles)
		s.hasBounds(stream, bounds.First, bounds.Next, bounds.Last)
		s.same(s.everything(stream), want[bounds.First:])
		s.same(s.readAll(org, core.AllScan{Limit: all}), want[bounds.First:])
		s.offsetAt(stream, start, bounds.First)
		s.offsetAt(stream, want[20].ReceivedAt, max(20, bounds.First))
	}
	s.at = s.at.Add(2 * day)
	more := s.append(batch(stream, s.entries(1)))
	turn(s, handles)
	more = append(more, s.append(batch(stream, s.entries(1)))...)
	s.gapless(more, 21)
	s.same(s.everything(stream), more)
}

func secondCloses(s *suite) {
	handles := s.handles()
	stream := s.newStream()
	want := s.append(batch(stream, s.entries(1)))
	turn(s, handles)
	want = append(want, s.append(batch(stream, s.entries(1)))...)
	s.must(s.storage.Close(), "Close")
	turn(s, handles)
	want = append(want, s.append(batch(stream, s.entries(1)))...)
	s.same(s.everything(stream), want)
	if err := s.storage.Check(context.Background()); !errors.Is(err, core.ErrRelaxedDurability) {
		s.must(err, "Check")
	}
}

// secondTime asks both handles by turns. The time that they tell does not go back, or
// is zero at both.
func secondTime(s *suite) {
	var last time.Time
	for i, handle := range append(s.handles(), s.storage) {
		keeper, tells := handle.(core.Timekeeper)
		if !tells {
			return
		}
		now, err := keeper.Time(context.Background())
		s.must(err, "Time")
		s.check(!now.Before(last) && (i == 0 || now.IsZero() == last.IsZero()), "Time must be that of one clock: %s after %s", now, last)
		last = now
	}
}
