package storetest

import (
	"context"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var trimming = []guarantee{
	{"no event received at or after the time is removed", trimKeeps},
	{"all of a period that ended before the time is removed", trimRemoves},
	{"offsets of what remains do not change", trimOffsets},
	{"removed offsets are never given again", trimAll},
	{"an earlier time is refused even when nothing is left", trimClock},
	{"other streams keep their events", trimOthers},
	{"calling again changes nothing", trimAgain},
	{"appends and reads go on meanwhile", trimMeanwhile},
}

// week appends three events a day to a stream, an hour after the other, for
// seven days, and returns them.
func (s *suite) week(stream core.ID) []core.Event {
	var events []core.Event
	for range 7 {
		for range 3 {
			events = append(events, s.append(batch(stream, s.entries(1)))...)
			s.at = s.at.Add(time.Hour)
		}
		s.at = s.at.Add(day - 3*time.Hour)
	}
	return events
}

// trimTimes are times of and around a stream's events, in order.
func trimTimes(events []core.Event) []time.Time {
	times := []time.Time{{}, start.Add(-day)}
	for i := range events {
		at := events[i].ReceivedAt
		times = append(times, at, at.Add(time.Microsecond))
		if i%3 == 2 {
			midnight := at.Truncate(day).Add(day)
			times = append(times, midnight, midnight.Add(time.Microsecond))
		}
	}
	return times
}

func trimKeeps(s *suite) {
	stream := s.newStream()
	want := s.week(stream)
	for _, before := range trimTimes(want) {
		s.trim(stream, before)
		first := s.bounds(stream).First
		for i := range want[:first] {
			s.check(want[i].ReceivedAt.Before(before), "Trim before %v must keep the event received at %v", before, want[i].ReceivedAt)
		}
		s.same(s.everything(stream), want[first:])
	}
}

// trimRemoves knows of the adapter's periods only that they are a day at most. So an
// event that is more than a day older than the time lies in a period that has ended.
func trimRemoves(s *suite) {
	stream := s.newStream()
	want := s.week(stream)
	for _, before := range trimTimes(want) {
		s.trim(stream, before)
		for _, event := range s.everything(stream) {
			s.check(!event.ReceivedAt.Add(day).Before(before), "Trim before %v must remove the event received at %v: a period is a day at most",
				before, event.ReceivedAt)
		}
	}
	s.check(s.bounds(stream).First > 0, "Trim must remove something of a week")
}

func trimOffsets(s *suite) {
	stream := s.newStream()
	want := s.week(stream)
	last := want[len(want)-1].ReceivedAt
	s.trim(stream, last.Add(-2*day))
	first := s.bounds(stream).First
	s.check(first > 0, "Trim must remove something of a week")
	s.hasBounds(stream, first, 21, last)
	s.same(s.everything(stream), want[first:])
	s.same(s.read(stream, core.Scan{From: 1, To: first + 2, Limit: all}), want[first:first+2])
	s.same(s.read(stream, core.Scan{From: first + 1, Limit: 2}), want[first+1:first+3])
	s.check(len(s.read(stream, core.Scan{To: first, Limit: all})) == 0, "a range before First must be empty")
	s.same(s.read(stream, core.Scan{Backward: true, Limit: all}), reversed(want[first:]))
	s.check(len(s.read(stream, core.Scan{Limit: 1, Filter: core.Filter{ID: want[0].ID}})) == 0, "a removed event must not be found by its id")
	s.same(s.readAll(org, core.AllScan{Limit: all}), want[first:])
}

func trimAll(s *suite) {
	stream := s.newStream()
	s.append(batch(stream, s.entries(4)))
	for next := core.Offset(4); next < 7; next++ {
		last := s.at
		s.trim(stream, s.at.Add(3*day))
		s.hasBounds(stream, next, next, last)
		s.check(len(s.everything(stream)) == 0 && len(s.readAll(org, core.AllScan{Limit: all})) == 0, "nothing must be left")
		if next%2 == 0 {
			s.at = s.at.Add(3 * day)
		}
		later := s.append(batch(stream, s.entries(1)))
		s.check(later[0].Offset == next, "removed offsets must never be given again: the next event must be at %d, got %d", next, later[0].Offset)
		s.hasBounds(stream, next, next+1, s.at)
		s.same(s.everything(stream), later)
	}
}

func trimClock(s *suite) {
	stream := s.newStream()
	s.append(batch(stream, s.entries(1)))
	last := s.at
	s.trim(stream, s.at.Add(3*day))
	s.at = last.Add(-time.Second)
	notBefore := s.refused(batch(stream, s.entries(1)))
	s.check(notBefore.Equal(last), "ClockError.Last must be the time of the newest event ever stored, %v, got %v", last, notBefore)
}

func trimOthers(s *suite) {
	stream, neighbour := s.newStream(), s.newStream()
	var mine, other []core.Event
	for range 5 {
		mine = append(mine, s.append(batch(stream, s.entries(3)))...)
		other = append(other, s.append(batch(neighbour, s.entries(2)))...)
		s.at = s.at.Add(day)
	}
	s.trim(stream, s.at.Add(2*day))
	s.same(s.everything(neighbour), other)
	s.same(s.readAll(org, core.AllScan{Limit: all}), other)
	s.hasBounds(stream, 15, 15, mine[14].ReceivedAt)
	s.trim(neighbour, s.at.Add(-2*day))
	first := s.bounds(neighbour).First
	s.check(first > 0, "Trim must remove the first days of the second stream too")
	s.same(s.readAll(org, core.AllScan{Limit: all}), other[first:])
	more := s.append(batch(neighbour, s.entries(1)), batch(stream, s.entries(1)))
	s.check(more[0].Offset == 10 && more[1].Offset == 15, "appends must go on at 10 and 15, got %v", offsets(more))
}

func trimAgain(s *suite) {
	stream := s.newStream()
	want := s.week(stream)
	before := want[14].ReceivedAt
	s.trim(stream, before)
	bounds := s.bounds(stream)
	for _, again := range []time.Time{before, before.Add(-day), start.Add(-100 * day), {}} {
		s.trim(stream, again)
		s.hasBounds(stream, bounds.First, bounds.Next, bounds.Last)
		s.same(s.everything(stream), want[bounds.First:])
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = s.storage.Trim(ctx, stream, s.at.Add(2*day)) // interrupted, at whatever point
	left := s.bounds(stream)
	s.same(s.everything(stream), want[left.First:])
	s.trim(stream, s.at.Add(2*day))
	s.hasBounds(stream, 21, 21, bounds.Last)
}

// trimMeanwhile trims day after day while events of the last day are appended
// and read, and once more after that.
func trimMeanwhile(s *suite) {
	stream := s.newStream()
	next := core.Offset(len(s.week(stream)))
	last := next
	trimmed := make(chan error, 1)
	go func() {
		var err error
		for before := start; err == nil && before.Before(s.at); before = before.Add(8 * time.Hour) {
			err = s.storage.Trim(context.Background(), stream, before)
		}
		trimmed <- err
	}()
	for done := false; !done; {
		select {
		case err := <-trimmed:
			s.must(err, "Trim")
			done = true
		default:
		}
		stored := s.append(batch(stream, s.entries(2)))
		s.gapless(stored, next)
		s.same(s.read(stream, core.Scan{From: next, Limit: all}), stored)
		s.offsetAt(stream, s.at, last)
		next += 2
	}
	s.gapless(s.read(stream, core.Scan{From: last, Limit: all}), last)
	s.check(s.bounds(stream).Next == next, "appends must go on while Trim runs: Next must be %d, got %d", next, s.bounds(stream).Next)
}
