package storetest

import (
	"context"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var finding = []guarantee{
	{"it is the first event not before a time", offsetAt},
	{"it is the next offset when there is no such event", offsetAtEnd},
	{"it is a retained event after a trim", offsetAtTrimmed},
}

func (s *suite) offsetAt(stream core.ID, at time.Time, want core.Offset) {
	s.Helper()
	got, err := s.storage.OffsetAt(context.Background(), stream, at)
	s.must(err, "OffsetAt")
	s.check(got == want, "OffsetAt %v must be %d, got %d", at, want, got)
}

// spread appends three events at each of nine times, some of them a
// microsecond and some days apart, and returns the times.
func (s *suite) spread(stream core.ID) []time.Time {
	var times []time.Time
	for i := range 9 {
		s.append(batch(stream, s.entries(1)), batch(stream, s.entries(2)))
		times = append(times, s.at)
		s.at = s.at.Add([]time.Duration{time.Microsecond, time.Second, 2 * day}[i%3])
	}
	return times
}

func offsetAt(s *suite) {
	stream := s.newStream()
	for i, at := range s.spread(stream) {
		first := core.Offset(3 * i)
		s.offsetAt(stream, at, first)
		s.offsetAt(stream, at.Add(-time.Nanosecond), first)
		s.offsetAt(stream, at.Add(time.Nanosecond), first+3)
		s.offsetAt(stream, at.In(time.FixedZone("elsewhere", -5*3600)), first)
	}
	s.offsetAt(stream, start.Add(-day), 0)
	s.offsetAt(stream, time.Time{}, 0)
	s.offsetAt(stream, time.Date(0, 12, 31, 0, 0, 0, 0, time.UTC), 0)
	s.offsetAt(stream, time.Date(1969, 7, 20, 0, 0, 0, 999, time.UTC), 0)
}

func offsetAtEnd(s *suite) {
	stream := s.newStream()
	times := s.spread(stream)
	last := times[len(times)-1]
	for _, after := range []time.Time{last.Add(time.Microsecond), last.Add(day), time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)} {
		s.offsetAt(stream, after, 27)
	}
}

func offsetAtTrimmed(s *suite) {
	stream := s.newStream()
	times := s.spread(stream)
	s.trim(stream, times[6])
	first := s.bounds(stream).First
	s.check(first > 0, "Trim must remove what is days older than the time given")
	s.offsetAt(stream, times[0], first)
	s.offsetAt(stream, time.Time{}, first)
	s.offsetAt(stream, times[7], 21)
	s.offsetAt(stream, times[8].Add(time.Second), 27)
	s.trim(stream, times[8].Add(3*day))
	for _, at := range []time.Time{times[0], times[8], times[8].Add(day)} {
		s.offsetAt(stream, at, 27)
	}
}
