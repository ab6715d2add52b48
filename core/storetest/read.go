package storetest

import (
	"context"
	"fmt"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

func ranges(s *suite) {
	stream := newStream()
	for range 3 { // several days, so that a range spans an adapter's periods
		s.append(batch(stream, s.entries(4)))
		s.at = s.at.Add(day)
	}
	for _, test := range []struct {
		scan core.Scan
		want []core.Offset
	}{
		{core.Scan{Limit: 100}, []core.Offset{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
		{core.Scan{From: 3, Limit: 4}, []core.Offset{3, 4, 5, 6}},
		{core.Scan{From: 3, To: 5, Limit: 4}, []core.Offset{3, 4}},
		{core.Scan{To: 8, Limit: 100}, []core.Offset{0, 1, 2, 3, 4, 5, 6, 7}},
		{core.Scan{From: 10, To: 40, Limit: 100}, []core.Offset{10, 11}},
		{core.Scan{From: 12, Limit: 1}, nil},
		{core.Scan{From: 1 << 40, Limit: 1}, nil},
		{core.Scan{From: 5, To: 5, Limit: 1}, nil},
		{core.Scan{Backward: true, Limit: 3}, []core.Offset{11, 10, 9}},
		{core.Scan{From: 2, To: 9, Backward: true, Limit: 100}, []core.Offset{8, 7, 6, 5, 4, 3, 2}},
		{core.Scan{From: 2, To: 4, Backward: true, Limit: 1}, []core.Offset{3}},
		{core.Scan{From: 20, Backward: true, Limit: 1}, nil},
	} {
		var got []core.Offset
		for _, event := range s.read(stream, test.scan) {
			got = append(got, event.Offset)
		}
		s.check(fmt.Sprint(got) == fmt.Sprint(test.want), "Read %+v answers %v, not %v", test.scan, got, test.want)
	}
}

func bounded(s *suite) {
	stream := newStream()
	for range 2 {
		entries := s.entries(6)
		for i := range entries {
			entries[i].Payload = fmt.Appendf(nil, `"%0100d"`, i)
			entries[i].Context = []byte(`{"trace_id":"x"}`)
		}
		s.append(batch(stream, entries))
		s.at = s.at.Add(day)
	}
	size := len(`"`)*2 + 100 + len(`{"trace_id":"x"}`)
	for _, test := range []struct{ bytes, want int }{{1, 1}, {size, 1}, {size + 1, 2}, {8 * size, 8}, {100 * size, 12}, {0, 12}} {
		for _, backward := range []bool{false, true} {
			got := s.read(stream, core.Scan{Bytes: test.bytes, Backward: backward})
			s.check(len(got) == test.want, "an answer of %d bytes ends after %d events of %d bytes, not %d", test.bytes, test.want, size, len(got))
			all := s.readAll(org, core.AllScan{Limit: 1000, Bytes: test.bytes, Backward: backward})
			s.check(len(all) == test.want, "the same over all streams: %d, not %d", test.want, len(all))
		}
	}
}

func filters(s *suite) {
	stream := newStream()
	entries := s.entries(60)
	for i := range entries {
		entries[i].Type = fmt.Sprintf("type-%d", i%2)
		entries[i].Source = fmt.Sprintf("source-%d", i%3)
		entries[i].Subject = fmt.Sprintf("subject-%d", i%5)
	}
	s.append(batch(stream, entries[:30]))
	s.at = s.at.Add(day)
	s.append(batch(stream, entries[30:]))
	for _, test := range []struct {
		filter core.Filter
		every  int
		first  int
	}{
		{core.Filter{Type: "type-1"}, 2, 1},
		{core.Filter{Source: "source-2"}, 3, 2},
		{core.Filter{Subject: "subject-4"}, 5, 4},
		{core.Filter{Type: "type-0", Source: "source-0", Subject: "subject-0"}, 30, 0},
		{core.Filter{ID: entries[42].ID}, 60, 42},
		{core.Filter{ID: entries[42].ID, Type: "type-0"}, 60, 42},
		{core.Filter{ID: entries[42].ID, Type: "type-1"}, 60, 60},
		{core.Filter{Type: "type"}, 60, 60},
		{core.Filter{Type: "' or 1=1 --"}, 60, 60},
	} {
		var want []core.Offset
		for i := test.first; i < 60; i += test.every {
			want = append(want, core.Offset(i))
		}
		want = want[:min(len(want), 7)]
		var got []core.Offset
		for _, event := range s.read(stream, core.Scan{Limit: 7, Filter: test.filter}) {
			got = append(got, event.Offset)
		}
		s.check(fmt.Sprint(got) == fmt.Sprint(want), "Read with %+v answers the first matches %v, not %v", test.filter, want, got)
	}
	back := s.read(stream, core.Scan{Backward: true, Limit: 2, Filter: core.Filter{Type: "type-0"}})
	s.check(len(back) == 2 && back[0].Offset == 58 && back[1].Offset == 56, "backward with a filter answers the last matches")
}

func unknownStream(s *suite) {
	s.check(len(s.read(newStream(), core.Scan{})) == 0, "a stream never written to is empty")
	s.check(s.bounds(newStream()) == core.Bounds{}, "a stream never written to has zero bounds")
	at, err := s.storage.OffsetAt(context.Background(), newStream(), s.at)
	s.check(err == nil && at == 0, "OffsetAt of a stream never written to is 0: %d, %v", at, err)
	s.no(s.storage.Trim(context.Background(), newStream(), s.at), "Trim of a stream never written to")
	written := newStream()
	s.append(batch(written, s.entries(1)))
	bounds, err := s.storage.Bounds(context.Background(), []core.ID{newStream(), written, newStream()})
	s.no(err, "Bounds")
	s.check(len(bounds) == 3 && bounds[0].Next == 0 && bounds[1].Next == 1 && bounds[2].Next == 0, "Bounds follow the order of the streams: %v", bounds)
}

func outputOwned(s *suite) {
	stream := newStream()
	s.append(batch(stream, s.entries(2)))
	got := s.read(stream, core.Scan{})
	want := string(got[1].Payload)
	for i := range got[0].Payload {
		got[0].Payload[i] = 'x'
	}
	_ = append(got[0].Payload, "overrun"...)
	s.check(string(got[1].Payload) == want, "the events of a page share no memory that a caller could overrun")
	again := s.read(stream, core.Scan{})
	s.check(again[0].Payload[0] == '{', "what a caller does to a page does not reach the log")
}

// scattered appends events of three streams at mixed times and returns them in
// the order over all streams.
func scattered(s *suite) []core.Position {
	streams := []core.ID{{1}, {2}, {3}}
	next := map[core.ID]core.Offset{}
	var want []core.Position
	for round := range 6 {
		var batches []core.Batch
		for i, stream := range streams {
			if (round+i)%3 == 0 {
				continue
			}
			batches = append(batches, batch(stream, s.entries(2)))
			for range 2 {
				want = append(want, core.Position{ReceivedAt: s.at, Stream: stream, Offset: next[stream]})
				next[stream]++
			}
		}
		s.append(batches...)
		if round%2 == 1 {
			s.at = s.at.Add(9 * time.Hour)
		}
	}
	return sortedPositions(want)
}

func (s *suite) readAll(of core.ID, scan core.AllScan) (positions []core.Position) {
	s.Helper()
	events, err := s.storage.ReadAll(context.Background(), of, scan)
	s.no(err, "ReadAll")
	for _, event := range events {
		positions = append(positions, core.Position{ReceivedAt: event.ReceivedAt, Stream: event.Stream, Offset: event.Offset})
	}
	return positions
}

func allOrdered(s *suite) {
	want := scattered(s)
	s.check(fmt.Sprint(s.readAll(org, core.AllScan{Limit: 1000})) == fmt.Sprint(want), "ReadAll is ordered by time, then stream, then offset")
	back := s.readAll(org, core.AllScan{Limit: 1000, Backward: true})
	s.check(len(back) == len(want), "backward there are %d, forward %d", len(back), len(want))
	for i := range back {
		s.check(back[i] == want[len(want)-1-i], "backward is the reverse of forward")
	}
}

func allPositions(s *suite) {
	want := scattered(s)
	for i := range want {
		rest := s.readAll(org, core.AllScan{After: want[i], Limit: 1000})
		s.check(fmt.Sprint(rest) == fmt.Sprint(want[i+1:]), "after position %d come the %d behind it, not %d", i, len(want)-i-1, len(rest))
		front := s.readAll(org, core.AllScan{Before: want[i], Limit: 3, Backward: true})
		s.check(len(front) == min(i, 3), "before position %d come %d, not %d", i, min(i, 3), len(front))
		for j := range front {
			s.check(front[j] == want[i-1-j], "before position %d comes %v, not %v", i, want[i-1-j], front[j])
		}
	}
	between := s.readAll(org, core.AllScan{After: want[2], Before: want[7], Limit: 1000})
	s.check(fmt.Sprint(between) == fmt.Sprint(want[3:7]), "both ends are exclusive")
}

func allIsolated(s *suite) {
	s.append(batch(core.ID{1}, s.entries(2)))
	other := core.ID{9}
	s.append(core.Batch{Org: other, Stream: core.ID{2}, Entries: s.entries(3)})
	s.check(len(s.readAll(org, core.AllScan{Limit: 100})) == 2 && len(s.readAll(other, core.AllScan{Limit: 100})) == 3 &&
		len(s.readAll(core.ID{7}, core.AllScan{Limit: 100})) == 0, "an organization sees its own events only")
}

func offsetAt(s *suite) {
	stream := newStream()
	var times []time.Time
	for i := range 9 {
		s.append(batch(stream, s.entries(3)))
		times = append(times, s.at)
		s.at = s.at.Add([]time.Duration{time.Microsecond, time.Second, 2 * day}[i%3])
	}
	at := func(when time.Time) core.Offset {
		offset, err := s.storage.OffsetAt(context.Background(), stream, when)
		s.no(err, "OffsetAt")
		return offset
	}
	for i, when := range times {
		first := core.Offset(3 * i)
		s.check(at(when) == first, "the first event at %v is at %d, not %d", when, first, at(when))
		s.check(at(when.Add(time.Nanosecond)) == first+3, "the first event after %v is at %d, not %d", when, first+3, at(when.Add(time.Nanosecond)))
	}
	s.check(at(times[0].Add(-day)) == 0 && at(times[8].Add(day)) == 27 && at(time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)) == 0, "times before the first and after the last event")
	s.no(s.storage.Trim(context.Background(), stream, times[6]), "Trim")
	first := s.bounds(stream).First
	s.check(at(times[0]) == first, "of times before what is retained, the first retained offset %d, not %d", first, at(times[0]))
}
