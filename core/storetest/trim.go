package storetest

import (
	"context"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

func trim(s *suite) {
	stream, neighbour := newStream(), newStream()
	var days []time.Time
	for range 5 {
		s.append(batch(stream, s.entries(3)), batch(neighbour, s.entries(2)))
		days = append(days, s.at)
		s.at = s.at.Add(day)
	}
	before := days[3].Add(time.Hour)
	for range 2 { // calling again changes nothing
		s.no(s.storage.Trim(context.Background(), stream, before), "Trim")
		events := s.read(stream, core.Scan{})
		bounds := s.bounds(stream)
		s.check(len(events) > 0 && events[0].Offset == bounds.First, "First is the oldest retained offset")
		s.gaplessFrom(events, bounds.First)
		for _, event := range events {
			s.check(!event.ReceivedAt.Before(before.Add(-2*day)), "an event of %v, a whole day before %v, was not removed", event.ReceivedAt, before)
		}
		s.check(bounds.First <= 12, "an event at or after the time given was removed: First is %d", bounds.First)
		s.check(bounds.Next == 15 && bounds.Last == days[4], "Trim does not move Next or Last: %+v", bounds)
	}
	s.check(len(s.read(neighbour, core.Scan{})) == 10, "Trim of one stream leaves the others alone")
	all := s.readAll(org, core.AllScan{Limit: 1000})
	s.check(len(all) == 10+len(s.read(stream, core.Scan{})), "ReadAll shows what is retained: %d", len(all))
	s.no(s.storage.Trim(context.Background(), neighbour, before), "Trim")
	s.append(batch(stream, s.entries(1)), batch(neighbour, s.entries(1)))
	s.check(s.bounds(stream).Next == 16 && s.bounds(neighbour).Next == 11, "appends go on after Trim")
}

func trimAll(s *suite) {
	stream := newStream()
	s.append(batch(stream, s.entries(4)))
	last := s.at
	s.no(s.storage.Trim(context.Background(), stream, s.at.Add(3*day)), "Trim")
	s.check(s.bounds(stream) == core.Bounds{First: 4, Next: 4, Last: last}, "after everything was removed: %+v", s.bounds(stream))
	s.check(len(s.read(stream, core.Scan{})) == 0, "nothing is left")
	s.at = s.at.Add(3 * day)
	later := s.entries(1)
	s.append(batch(stream, later))
	s.check(later[0].Offset == 4, "a removed offset is never given again: the next event is at 4, not %d", later[0].Offset)
	events := s.read(stream, core.Scan{})
	s.check(len(events) == 1 && events[0].Offset == 4, "reading from 0 answers what is retained: %d events", len(events))
}
