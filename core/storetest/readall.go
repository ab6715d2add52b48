package storetest

import (
	"bytes"
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var readingAll = []guarantee{
	{"events are ordered by time, stream and offset", allOrdered},
	{"reading goes on from any event, both ends exclusive", allPositions},
	{"reading goes on from places where no event is", allBetween},
	{"pages of any size put together are the whole", allPages},
	{"an answer ends with the event that fills its bytes", allBytes},
	{"an organization sees its own events only", allIsolated},
}

// comparePositions is the order over all streams.
func comparePositions(a, b core.Position) int {
	return cmp.Or(a.ReceivedAt.Compare(b.ReceivedAt), bytes.Compare(a.Stream[:], b.Stream[:]), cmp.Compare(a.Offset, b.Offset))
}

func position(event *core.Event) core.Position {
	return core.Position{ReceivedAt: event.ReceivedAt, Stream: event.Stream, Offset: event.Offset}
}

func positions(events []core.Event) []core.Position {
	var list []core.Position
	for i := range events {
		list = append(list, position(&events[i]))
	}
	return list
}

func sortEvents(events []core.Event) {
	slices.SortFunc(events, func(a, b core.Event) int { return comparePositions(position(&a), position(&b)) })
}

// scattered appends to four streams at mixed times, some of them equal, and
// returns the events in the order over all streams. The streams' first bytes
// are such that signed bytes and text would sort them otherwise.
func scattered(s *suite) []core.Event {
	streams := []core.ID{{0: 0x7f, 15: 1}, {0: 0x80}, {0: 0x7f}, {0: 0xff}}
	var events []core.Event
	for round := range 6 {
		var batches []core.Batch
		for i, stream := range streams {
			if (round+i)%3 != 0 {
				batches = append(batches, batch(stream, s.entries(2)))
			}
		}
		events = append(events, s.append(batches...)...)
		if round%2 == 1 {
			s.at = s.at.Add([]time.Duration{time.Microsecond, 9 * time.Hour, 2 * day}[round/2])
		}
	}
	sortEvents(events)
	return events
}

func (s *suite) readAll(of core.ID, scan core.AllScan) []core.Event {
	s.Helper()
	events, err := s.storage.ReadAll(context.Background(), of, scan)
	s.must(err, "ReadAll")
	return events
}

// sameOrder checks a page of ReadAll.
func (s *suite) sameOrder(got, want []core.Event, scan core.AllScan) {
	s.Helper()
	g, w := positions(got), positions(want)
	s.check(slices.Equal(g, w), "ReadAll %+v must answer by time, then stream, then offset\n%v\ngot\n%v", scan, w, g)
}

func reversed(events []core.Event) []core.Event {
	turned := slices.Clone(events)
	slices.Reverse(turned)
	return turned
}

func allOrdered(s *suite) {
	want := scattered(s)
	forward, backward := core.AllScan{Limit: all}, core.AllScan{Limit: all, Backward: true}
	s.sameOrder(s.readAll(org, forward), want, forward)
	s.sameOrder(s.readAll(org, backward), reversed(want), backward)
	s.same(s.readAll(org, forward), want)
}

func allPositions(s *suite) {
	want := scattered(s)
	for i := range want {
		here := position(&want[i])
		after, before := core.AllScan{After: here, Limit: all}, core.AllScan{Before: here, Limit: all}
		s.sameOrder(s.readAll(org, after), want[i+1:], after)
		s.sameOrder(s.readAll(org, before), want[:i], before)
		after.Backward, before.Backward, before.Limit = true, true, 3
		s.sameOrder(s.readAll(org, after), reversed(want[i+1:]), after)
		s.sameOrder(s.readAll(org, before), reversed(want[max(0, i-3):i]), before)
	}
	between := core.AllScan{After: position(&want[2]), Before: position(&want[7]), Limit: all}
	s.sameOrder(s.readAll(org, between), want[3:7], between)
	between.Backward, between.Limit = true, 2
	s.sameOrder(s.readAll(org, between), reversed(want[5:7]), between)
}

func allBetween(s *suite) {
	want := scattered(s)
	highest := core.ID(bytes.Repeat([]byte{0xff}, len(core.ID{})))
	places := []core.Position{
		{ReceivedAt: time.Date(0, 12, 31, 23, 59, 59, 999_999_000, time.UTC), Stream: highest, Offset: math.MaxInt64},
		{ReceivedAt: time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)},
		{ReceivedAt: start.Add(time.Minute), Stream: s.newStream(), Offset: 1},
	}
	for i := 0; i < len(want); i += 5 {
		at := want[i].ReceivedAt
		places = append(places,
			core.Position{ReceivedAt: at}, // before every event of that time
			core.Position{ReceivedAt: at.Add(-time.Microsecond), Stream: highest, Offset: math.MaxInt64},
			core.Position{ReceivedAt: at, Stream: want[i].Stream, Offset: 1 << 40},
			core.Position{ReceivedAt: at, Stream: core.ID{0: 0x80, 15: 1}})
	}
	for _, place := range places {
		after, before := core.AllScan{After: place, Limit: all}, core.AllScan{Before: place, Limit: all}
		var front, rest []core.Event
		for i := range want {
			switch c := comparePositions(position(&want[i]), place); {
			case c < 0:
				front = append(front, want[i])
			case c > 0:
				rest = append(rest, want[i])
			}
		}
		s.sameOrder(s.readAll(org, after), rest, after)
		s.sameOrder(s.readAll(org, before), front, before)
	}
}

func allPages(s *suite) {
	want := scattered(s)
	for _, size := range []int{1, 2, 3, 7, len(want)} {
		for _, backward := range []bool{false, true} {
			scan := core.AllScan{Limit: size, Backward: backward}
			var got []core.Event
			for page := s.readAll(org, scan); len(page) > 0; page = s.readAll(org, scan) {
				s.check(len(page) <= size, "a page of at most %d events holds %d", size, len(page))
				got = append(got, page...)
				s.check(len(got) <= len(want), "pages of %d repeat events", size)
				scan.After, scan.Before = position(&page[len(page)-1]), core.Position{}
				if backward {
					scan.After, scan.Before = scan.Before, scan.After
				}
			}
			whole := want
			if backward {
				whole = reversed(want)
			}
			s.sameOrder(got, whole, scan)
		}
	}
}

func allBytes(s *suite) {
	var want []core.Event
	for range 3 {
		for _, b := range [][]core.Entry{s.sized(), s.sized()} {
			want = append(want, s.append(batch(s.newStream(), b))...)
		}
		s.at = s.at.Add(day)
	}
	sortEvents(want)
	for _, backward := range []bool{false, true} {
		for _, size := range byteLimits {
			scan := core.AllScan{Limit: all, Bytes: size, Backward: backward}
			s.sameOrder(s.readAll(org, scan), page(want, backward, all, size), scan)
		}
	}
	scan := core.AllScan{Limit: 2, Bytes: 1000}
	s.sameOrder(s.readAll(org, scan), want[:2], scan)
}

func allIsolated(s *suite) {
	orgs := []core.ID{org, {0: 1, 15: 2}, {0: 0xff}}
	want := map[core.ID][]core.Event{}
	for range 3 {
		var batches []core.Batch
		for _, of := range orgs { // all in one call, at one time
			b := batch(core.ID{0: of[15] + 1, 1: of[0]}, s.entries(2))
			b.Org = of
			batches = append(batches, b)
		}
		s.append(batches...)
		for _, b := range batches {
			want[b.Org] = append(want[b.Org], s.stored([]core.Batch{b})...)
		}
		s.at = s.at.Add(20 * time.Hour)
	}
	for _, of := range orgs {
		s.same(s.readAll(of, core.AllScan{Limit: all}), want[of])
	}
	s.check(len(s.readAll(s.newStream(), core.AllScan{Limit: all})) == 0, "an organization without streams must see no event")
}
