package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

func check(s *suite) {
	err := s.storage.Check(context.Background())
	if s.features.Reopen != nil {
		s.no(err, "Check")
		return
	}
	s.check(errors.Is(err, core.ErrRelaxedDurability), "a storage whose data does not survive says so: %v", err)
}

func closed(s *suite) {
	s.append(batch(newStream(), s.entries(1)))
	s.no(s.storage.Close(), "Close")
	err := s.storage.Append(context.Background(), s.at, []core.Batch{batch(newStream(), s.entries(1))})
	s.check(err != nil, "Append after Close fails")
	_, err = s.storage.Read(context.Background(), newStream(), core.Scan{Limit: 1})
	s.check(err != nil, "Read after Close fails")
	s.check(s.storage.Check(context.Background()) != nil, "Check after Close fails")
}

func reopen(s *suite) {
	if s.features.Reopen == nil {
		return
	}
	stream := newStream()
	s.append(batch(stream, s.entries(3)), batch(stream, s.keyed("k", `1`)))
	s.at = s.at.Add(2 * day)
	s.append(batch(stream, s.entries(2)))
	s.no(s.storage.Trim(context.Background(), stream, s.at.Add(-day)), "Trim")
	before := s.read(stream, core.Scan{})
	bounds := s.bounds(stream)
	again := s.features.Reopen(s.T, s.storage)
	s.Cleanup(func() { _ = again.Close() })
	s.storage = again
	after := s.read(stream, core.Scan{})
	s.check(len(after) == len(before), "before there were %d events, after it %d", len(before), len(after))
	for i := range before {
		s.same(after[i], before[i])
	}
	s.check(s.bounds(stream) == bounds, "bounds before %+v, after %+v", bounds, s.bounds(stream))
	err := again.Append(context.Background(), s.at.Add(-time.Second), []core.Batch{batch(stream, s.entries(1))})
	var behind *core.ClockError
	s.check(errors.As(err, &behind), "the clock survives: %v", err)
	more := s.keyed("new", `1`)
	s.append(batch(stream, more))
	s.check(more[0].Offset == bounds.Next, "offsets go on at %d, not %d", bounds.Next, more[0].Offset)
	dup := s.keyed("new", `1`)
	s.append(batch(stream, dup))
	s.check(dup[0].Outcome == core.Duplicate, "keys are known after a restart")
}

func second(s *suite) {
	if s.features.Second == nil {
		return
	}
	other := s.features.Second(s.T, s.storage)
	s.Cleanup(func() { _ = other.Close() })
	appendFrom(s, s.storage, other)
	stream := newStream()
	s.append(batch(stream, s.entries(1)))
	s.storage, other = other, s.storage
	s.check(len(s.read(stream, core.Scan{})) == 1, "what one handle's Append returned, the other sees")
	s.append(batch(stream, s.entries(1)))
	s.storage = other
	s.append(batch(stream, s.entries(1)))
	s.gaplessFrom(s.read(stream, core.Scan{}), 0)
	s.check(s.bounds(stream).Next == 3, "both handles go on where the other was")
}
