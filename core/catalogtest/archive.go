package catalogtest

import (
	"context"
	"reflect"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var archives = []guarantee{
	{"a segment comes back as it was added", addedSegment},
	{"a segment is added once", segmentOnce},
	{"segments are listed by offsets, times and organizations", listedSegments},
	{"segments come in order, and backward", orderedSegments},
	{"a stream's segments are summed up", summedSegments},
	{"dropped segments are out of sight until they are forgotten", droppedSegments},
}

// segment makes up a segment of a stream with ten offsets for each number.
func newSegment(stream core.Stream, n int) core.Segment {
	return core.Segment{
		Org: stream.Org, Stream: stream.ID, First: core.Offset(10 * n), Next: core.Offset(10*n + 10),
		FirstAt: start.Add(time.Duration(n) * time.Hour), LastAt: start.Add(time.Duration(n)*time.Hour + 50*time.Minute),
		Bytes: 5 << 40, ObjectBytes: 6 << 30, Object: "org=1/stream=2/date=2026-03-01/3.ndjson.gz", SHA256: "abc",
	}
}

// archived makes a stream with so many segments, which it adds in no order.
func (s *suite) archived(org core.ID, n int) (core.Stream, []core.Segment) {
	s.Helper()
	stream, segments := s.created(org, newID(start).String()+"s"), make([]core.Segment, n)
	for i := range segments {
		at := (i + n/2) % n
		segments[at] = newSegment(stream, at)
		s.must(s.catalog.AddSegment(context.Background(), segments[at]), "AddSegment")
	}
	return stream, segments
}

// hasSegments checks what is listed.
func (s *suite) hasSegments(scan core.SegmentScan, want ...core.Segment) {
	s.Helper()
	if scan.Limit == 0 {
		scan.Limit = everything
	}
	got, err := s.catalog.Segments(context.Background(), scan)
	s.must(err, "Segments")
	s.check(len(got) == len(want) && (len(want) == 0 || reflect.DeepEqual(got, want)), "Segments of %+v must be\n%v\nis\n%v", scan, want, got)
}

func addedSegment(s *suite) {
	stream, segments := s.archived(s.organization(), 1)
	s.hasSegments(core.SegmentScan{Stream: stream.ID}, segments...)
	s.hasSegments(core.SegmentScan{Stream: newID(start)})
	elsewhere := newSegment(stream, 1)
	elsewhere.FirstAt = elsewhere.FirstAt.In(time.FixedZone("elsewhere", 3600)).Add(time.Nanosecond)
	s.must(s.catalog.AddSegment(context.Background(), elsewhere), "AddSegment")
	s.hasSegments(core.SegmentScan{Stream: stream.ID, From: 10}, newSegment(stream, 1))
}

func segmentOnce(s *suite) {
	stream, segments := s.archived(s.organization(), 2)
	s.must(s.catalog.AddSegment(context.Background(), segments[0]), "AddSegment again")
	other := segments[0]
	other.Next--
	s.refused(s.catalog.AddSegment(context.Background(), other), core.CodeConflict, "AddSegment of another segment at the same offset")
	s.hasSegments(core.SegmentScan{Stream: stream.ID}, segments...)
}

func listedSegments(s *suite) {
	org := s.organization()
	stream, a := s.archived(org, 4)
	other, b := s.archived(org, 1)
	foreign, c := s.archived(s.organization(), 1)
	s.hasSegments(core.SegmentScan{Stream: other.ID}, b...)
	s.hasSegments(core.SegmentScan{Stream: foreign.ID, Org: foreign.Org}, c...)
	s.hasSegments(core.SegmentScan{Stream: foreign.ID, Org: org})
	s.hasSegments(core.SegmentScan{Stream: stream.ID, From: 19, To: 31}, a[1:]...)
	s.hasSegments(core.SegmentScan{Stream: stream.ID, From: 20, To: 30}, a[2])
	s.hasSegments(core.SegmentScan{Stream: stream.ID, After: a[1].LastAt, Before: a[2].FirstAt}, a[1:3]...)
	s.hasSegments(core.SegmentScan{Stream: stream.ID, After: a[1].LastAt.Add(time.Microsecond), Before: a[3].FirstAt.Add(-time.Microsecond)}, a[2])
	s.hasSegments(core.SegmentScan{Stream: stream.ID, Limit: 2}, a[:2]...)
	s.hasSegments(core.SegmentScan{Org: org, After: a[1].FirstAt}, a[1:]...)
}

func orderedSegments(s *suite) {
	org := s.organization()
	first, a := s.archived(org, 2)
	second, b := s.archived(org, 2)
	if first.ID.String() > second.ID.String() {
		a, b = b, a
	}
	s.hasSegments(core.SegmentScan{Org: org}, a[0], b[0], a[1], b[1])
	s.hasSegments(core.SegmentScan{Org: org, Backward: true, Limit: 3}, b[1], a[1], b[0])
	long := newSegment(first, 2)
	long.FirstAt, long.LastAt = start.Add(-time.Hour), start.Add(48*time.Hour)
	s.must(s.catalog.AddSegment(context.Background(), long), "AddSegment")
	s.hasSegments(core.SegmentScan{Org: org, Limit: 1}, long)
	s.hasSegments(core.SegmentScan{Org: org, Limit: 1, Backward: true}, long)
}

func (s *suite) hasArchived(stream core.ID, want core.Archived) {
	s.Helper()
	got, err := s.catalog.Archived(context.Background(), []core.ID{newID(start), stream})
	s.must(err, "Archived")
	s.check(len(got) == 2 && got[0] == core.Archived{} && got[1] == want, "Archived must be nothing and %+v, is %+v", want, got)
}

func summedSegments(s *suite) {
	stream, segments := s.archived(s.organization(), 3)
	s.archived(stream.Org, 1)
	s.hasArchived(stream.ID, core.Archived{
		First: 0, Next: 30, Events: 30, Objects: 3, Bytes: 15 << 40, ObjectBytes: 18 << 30, OldestAt: segments[0].FirstAt, NewestAt: segments[2].LastAt,
	})
}

func droppedSegments(s *suite) {
	ctx := context.Background()
	stream, segments := s.archived(s.organization(), 3)
	other, others := s.archived(stream.Org, 1)
	s.must(s.catalog.DropSegments(ctx, stream.ID, segments[0].LastAt, 30), "DropSegments")
	s.hasSegments(core.SegmentScan{Stream: stream.ID}, segments...)
	for range 2 {
		s.must(s.catalog.DropSegments(ctx, stream.ID, segments[2].LastAt.Add(time.Hour), 29), "DropSegments")
		s.hasSegments(core.SegmentScan{Stream: stream.ID}, segments[2])
		s.hasSegments(core.SegmentScan{Stream: stream.ID, Dropped: true}, segments[:2]...)
		s.hasSegments(core.SegmentScan{Stream: other.ID}, others...)
	}
	s.hasArchived(stream.ID, core.Archived{
		First: 20, Next: 30, Events: 10, Objects: 1, Bytes: 5 << 40, ObjectBytes: 6 << 30, OldestAt: segments[2].FirstAt, NewestAt: segments[2].LastAt,
	})
	for _, first := range []core.Offset{0, 0, 20, 7} {
		s.must(s.catalog.ForgetSegment(ctx, stream.ID, first), "ForgetSegment")
	}
	s.hasSegments(core.SegmentScan{Stream: stream.ID, Dropped: true}, segments[1])
	s.hasSegments(core.SegmentScan{Stream: stream.ID}, segments[2])
}
