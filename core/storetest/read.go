package storetest

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var reading = []guarantee{
	{"ranges, order and limit", ranges},
	{"a filter matches by equality in every field", filters},
	{"a limit counts the events that match", filterLimit},
	{"an answer ends with the event that fills its bytes", readBytes},
	{"a stream never written to is empty", unknownStream},
	{"bounds follow the order of the streams", boundsOrder},
	{"the answer belongs to the caller", outputOwned},
	{"a call cut at any moment answers all or fails", cutReads},
	{"work for one organization sees and removes nothing of another one", secondWall},
}

func ranges(s *suite) {
	stream := s.newStream()
	for range 3 { // several days, so that a range spans an adapter's periods
		s.append(batch(stream, s.entries(4)))
		s.at = s.at.Add(day)
	}
	for _, test := range []struct {
		scan core.Scan
		want []core.Offset
	}{
		{core.Scan{Limit: 100}, []core.Offset{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
		{core.Scan{Limit: 12}, []core.Offset{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
		{core.Scan{Limit: 1}, []core.Offset{0}},
		{core.Scan{From: 3, Limit: 4}, []core.Offset{3, 4, 5, 6}},
		{core.Scan{From: 3, To: 5, Limit: 4}, []core.Offset{3, 4}},
		{core.Scan{From: 3, To: 9, Limit: 2}, []core.Offset{3, 4}},
		{core.Scan{To: 8, Limit: 100}, []core.Offset{0, 1, 2, 3, 4, 5, 6, 7}},
		{core.Scan{From: 10, To: 40, Limit: 100}, []core.Offset{10, 11}},
		{core.Scan{From: 11, Limit: 1}, []core.Offset{11}},
		{core.Scan{From: 12, Limit: 1}, nil},
		{core.Scan{From: 1 << 40, Limit: 1}, nil},
		{core.Scan{From: math.MaxInt64, Limit: 1}, nil},
		{core.Scan{To: math.MaxInt64, Limit: 2}, []core.Offset{0, 1}},
		{core.Scan{From: 5, To: 5, Limit: 1}, nil},
		{core.Scan{From: 7, To: 3, Limit: 1}, nil},
		{core.Scan{From: 7, To: 3, Backward: true, Limit: 1}, nil},
		{core.Scan{Backward: true, Limit: 3}, []core.Offset{11, 10, 9}},
		{core.Scan{Backward: true, Limit: 100}, []core.Offset{11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0}},
		{core.Scan{From: 2, To: 9, Backward: true, Limit: 100}, []core.Offset{8, 7, 6, 5, 4, 3, 2}},
		{core.Scan{From: 2, To: 4, Backward: true, Limit: 1}, []core.Offset{3}},
		{core.Scan{From: 9, To: 100, Backward: true, Limit: 2}, []core.Offset{11, 10}},
		{core.Scan{From: 20, Backward: true, Limit: 1}, nil},
	} {
		got := offsets(s.read(stream, test.scan))
		s.check(slices.Equal(got, test.want), "Read %+v must answer the offsets %v, got %v", test.scan, test.want, got)
	}
}

// kinds makes n entries whose types repeat every 2, sources every 3 and
// subjects every 5.
func (s *suite) kinds(n int) []core.Entry {
	entries := s.entries(n)
	for i := range entries {
		entries[i].Type = fmt.Sprintf("type-%d", i%2)
		entries[i].Source = fmt.Sprintf("source-%d", i%3)
		entries[i].Subject = fmt.Sprintf("subject-%d", i%5)
	}
	return entries
}

// matches says what a filter means, apart from core.Filter.Matches, which adapters use.
func matches(f core.Filter, event *core.Event) bool {
	return (f.ID.IsZero() || f.ID == event.ID) && (f.Type == "" || f.Type == event.Type) &&
		(f.Source == "" || f.Source == event.Source) && (f.Subject == "" || f.Subject == event.Subject)
}

func filters(s *suite) {
	stream := s.newStream()
	entries := s.kinds(60)
	entries[59].Subject, entries[58].Type = "", "TYPE-0"
	s.append(batch(stream, entries[:30]))
	s.at = s.at.Add(day)
	for i := 30; i < 60; i++ {
		entries[i].ID = newID(s.at)
	}
	s.append(batch(stream, entries[30:]))
	for _, filter := range []core.Filter{
		{},
		{Type: "type-1"},
		{Type: "type-0"},
		{Source: "source-2"},
		{Subject: "subject-4"},
		{Type: "type-1", Source: "source-2"},
		{Type: "type-1", Subject: "subject-3"},
		{Source: "source-1", Subject: "subject-3"},
		{Type: "type-0", Source: "source-0", Subject: "subject-0"},
		{ID: entries[7].ID},
		{ID: entries[42].ID},
		{ID: entries[42].ID, Type: "type-0", Source: "source-0", Subject: "subject-2"},
		{ID: entries[42].ID, Type: "type-1"},
		{ID: newID(s.at)},
		{ID: newID(s.at.Add(-1000 * day))},
		{ID: newID(s.at.Add(1000 * day))},
		{ID: core.ID{15: 1}},
		{Type: "type"},
		{Type: "type-%"},
		{Type: "Type-1"},
		{Type: "type-1 "},
		{Source: "' or 1=1 --"},
	} {
		for _, backward := range []bool{false, true} {
			for _, scan := range []core.Scan{{}, {From: 13}, {To: 43}, {From: 20, To: 50}} {
				scan.Filter, scan.Backward, scan.Limit = filter, backward, 100
				var want []core.Offset
				for i := range entries {
					offset := core.Offset(i)
					if matches(filter, &entries[i].Event) && offset >= scan.From && (scan.To == 0 || offset < scan.To) {
						want = append(want, offset)
					}
				}
				if backward {
					slices.Reverse(want)
				}
				got := offsets(s.read(stream, scan))
				s.check(slices.Equal(got, want), "Read %+v must answer the offsets %v, got %v", scan, want, got)
			}
		}
	}
}

func filterLimit(s *suite) {
	stream := s.newStream()
	s.append(batch(stream, s.kinds(40)))
	s.at = s.at.Add(2 * day)
	s.append(batch(stream, s.kinds(40)))
	for _, test := range []struct {
		scan core.Scan
		want []core.Offset
	}{
		{core.Scan{Filter: core.Filter{Subject: "subject-4"}, Limit: 2}, []core.Offset{4, 9}},
		{core.Scan{Filter: core.Filter{Subject: "subject-4"}, From: 38, Limit: 3}, []core.Offset{39, 44, 49}},
		{core.Scan{Filter: core.Filter{Subject: "subject-4"}, Backward: true, Limit: 2}, []core.Offset{79, 74}},
		{core.Scan{Filter: core.Filter{Type: "type-0"}, To: 41, Backward: true, Limit: 2}, []core.Offset{40, 38}},
		{core.Scan{Filter: core.Filter{Type: "type-1", Source: "source-0"}, Limit: 1}, []core.Offset{3}},
	} {
		got := offsets(s.read(stream, test.scan))
		s.check(slices.Equal(got, test.want), "Read %+v must answer the first events that match, %v, got %v", test.scan, test.want, got)
	}
}

// sized makes entries whose sizes differ, with and without a context.
func (s *suite) sized() []core.Entry {
	entries := s.kinds(9)
	for i := range entries {
		entries[i].Payload = fmt.Appendf(nil, "%q", strings.Repeat("x", 10*i))
		if i%2 == 0 {
			entries[i].Context = []byte(`{"trace_id":"0123456789"}`)
		}
	}
	return entries
}

var byteLimits = []int{1, 26, 27, 28, 38, 39, 40, 100, 101, 250, 500, 10_000, 1 << 30}

func readBytes(s *suite) {
	stream := s.newStream()
	want := s.append(batch(stream, s.sized()))
	s.at = s.at.Add(day)
	want = append(want, s.append(batch(stream, s.sized()))...)
	of := &modelStream{events: want}
	for _, size := range byteLimits {
		for _, scan := range []core.Scan{
			{Limit: all},
			{Limit: 4},
			{Limit: all, Backward: true},
			{From: 3, To: 12, Limit: all},
			{Limit: all, Filter: core.Filter{Type: "type-1"}},
			{Limit: all, Filter: core.Filter{Source: "source-2"}, Backward: true},
		} {
			scan.Bytes = size
			got, expected := offsets(s.read(stream, scan)), offsets(of.read(scan))
			s.check(slices.Equal(got, expected), "Read %+v must end with the event that brings the sum of the sizes to Bytes or above: %v, got %v", scan, expected, got)
		}
	}
}

func unknownStream(s *suite) {
	s.append(batch(s.newStream(), s.entries(2)))
	never := s.newStream()
	s.check(len(s.everything(never)) == 0, "a stream never written to must be empty")
	s.check(len(s.read(never, core.Scan{From: 9, Backward: true, Limit: 1})) == 0, "a stream never written to must be empty")
	s.check(s.bounds(never) == core.Bounds{}, "a stream never written to must have zero bounds, got %+v", s.bounds(never))
	at, err := s.storage.OffsetAt(context.Background(), never, s.at)
	s.check(err == nil && at == 0, "OffsetAt of a stream never written to must be 0, got %d, %v", at, err)
	s.trim(never, s.at)
	s.check(s.bounds(never) == core.Bounds{}, "Trim of a stream never written to must change nothing, got %+v", s.bounds(never))
}

func boundsOrder(s *suite) {
	a, b, never := s.newStream(), s.newStream(), s.newStream()
	s.append(batch(a, s.entries(1)))
	s.at = s.at.Add(time.Second)
	s.append(batch(b, s.entries(2)))
	inA, inB := core.Bounds{Next: 1, Last: start}, core.Bounds{Next: 2, Last: s.at}
	for _, test := range []struct {
		streams []core.ID
		want    []core.Bounds
	}{
		{nil, nil},
		{[]core.ID{a, b}, []core.Bounds{inA, inB}},
		{[]core.ID{b, never, a}, []core.Bounds{inB, {}, inA}},
		{[]core.ID{never}, []core.Bounds{{}}},
		{[]core.ID{a, b, a}, []core.Bounds{inA, inB, inA}},
	} {
		got, err := s.storage.Bounds(context.Background(), test.streams)
		s.must(err, "Bounds")
		s.check(slices.Equal(got, test.want), "Bounds must follow the order of the streams: %+v, got %+v", test.want, got)
	}
}

func outputOwned(s *suite) {
	stream := s.newStream()
	entries := s.entries(3)
	for i := range entries {
		entries[i].Context = []byte(`{"trace_id":"x"}`)
	}
	want := s.append(batch(stream, entries))
	readAll := func() []core.Event {
		events, err := s.storage.ReadAll(context.Background(), org, core.AllScan{Limit: all})
		s.must(err, "ReadAll")
		return events
	}
	for _, read := range []func() []core.Event{func() []core.Event { return s.everything(stream) }, readAll} {
		got := read()
		for _, text := range [][]byte{got[0].Payload, got[0].Context} {
			_ = append(text, "overrun by the caller"...)
			clear(text)
		}
		s.same(got[1:], want[1:])
		clear(got)
		s.same(read(), want)
	}
}

// cutReads looks for answers that end where the context did.
func cutReads(s *suite) {
	stream, ctx := s.newStream(), context.Background()
	s.append(batch(stream, s.entries(600)))
	s.at = s.at.Add(day)
	s.append(batch(stream, s.entries(600)))
	for round := range 30 {
		ctx, cancel := context.WithTimeout(ctx, time.Duration(round*round)*10*time.Microsecond)
		events, err := s.storage.Read(ctx, stream, core.Scan{Limit: all})
		s.check(err != nil || len(events) == 1200, "Read must answer all 1200 events or fail when its context ends, got %d", len(events))
		events, err = s.storage.ReadAll(ctx, org, core.AllScan{Limit: all})
		s.check(err != nil || len(events) == 1200, "ReadAll must answer all 1200 events or fail when its context ends, got %d", len(events))
		bounds, err := s.storage.Bounds(ctx, []core.ID{stream})
		s.check(err != nil || bounds[0].Next == 1200, "Bounds must be right or fail when its context ends, got %+v", bounds)
		offset, err := s.storage.OffsetAt(ctx, stream, s.at)
		s.check(err != nil || offset == 600, "OffsetAt must be right or fail when its context ends: 600, got %d", offset)
		cancel()
	}
	s.check(len(s.everything(stream)) == 1200, "a call whose context ended must leave the storage usable")
}

// secondWall asks on behalf of one organization for what another one has, as a use case
// would that has mistaken a stream. What was asked for on behalf of others before is no
// way around.
func secondWall(s *suite) {
	theirs, other := s.newStream(), s.newStream()
	want := s.week(theirs)
	s.append(batch(other, s.entries(1)))
	me, owner := core.ContextWithOrganization(context.Background(), core.ID{0: 2, 15: 2}), core.ContextWithOrganization(context.Background(), org)
	for range 2 {
		for _, scan := range []core.Scan{{Limit: all}, {Limit: all, Backward: true}, {From: 3, To: 9, Limit: 2}, {Limit: 1, Filter: core.Filter{ID: want[5].ID}}} {
			events, err := s.storage.Read(me, theirs, scan)
			s.check(len(events) == 0, "Read for another organization must see nothing of the stream, got %d events, %v", len(events), err)
			events, err = s.storage.Read(owner, theirs, scan)
			s.must(err, "Read")
			s.check(len(events) > 0, "Read for the stream's organization must see it")
		}
		events, err := s.storage.ReadAll(me, org, core.AllScan{Limit: all})
		s.check(len(events) == 0, "ReadAll for another organization must see nothing, got %d events, %v", len(events), err)
		bounds, err := s.storage.Bounds(me, []core.ID{theirs, other})
		s.must(err, "Bounds")
		s.check(bounds[0] == core.Bounds{} && bounds[1] == core.Bounds{}, "Bounds for another organization must be zero, got %+v", bounds)
		at, err := s.storage.OffsetAt(me, theirs, want[20].ReceivedAt)
		s.check(at == 0, "OffsetAt for another organization must be 0, got %d, %v", at, err)
		_ = s.storage.Trim(me, theirs, want[18].ReceivedAt) // refused, or without effect
		s.same(s.everything(theirs), want)
	}
	events, err := s.storage.ReadAll(owner, org, core.AllScan{Limit: all})
	s.must(err, "ReadAll")
	s.check(len(events) == len(want)+1, "ReadAll for the organization must see its events, got %d", len(events))
	bounds, err := s.storage.Bounds(owner, []core.ID{theirs})
	s.must(err, "Bounds")
	s.check(bounds[0] == s.bounds(theirs), "Bounds for the stream's organization must be the stream's, got %+v", bounds)
	at, err := s.storage.OffsetAt(owner, theirs, want[4].ReceivedAt)
	s.must(err, "OffsetAt")
	s.check(at == 4, "OffsetAt for the stream's organization must find the event at 4, got %d", at)
}
