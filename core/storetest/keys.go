package storetest

import (
	"context"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

func duplicate(s *suite) {
	stream := newStream()
	first := s.keyed("k", `{"a":1}`)
	s.append(batch(stream, s.entries(2)), batch(stream, first))
	s.at = s.at.Add(3 * time.Second)
	mixed := append(append(s.entries(1), s.keyed("k", `{"a":1}`)...), s.entries(1)...)
	s.append(batch(stream, mixed))
	got := mixed[1]
	s.check(got.Outcome == core.Duplicate, "a known key with the same fingerprint is a Duplicate, not %d", got.Outcome)
	s.check(got.ID == first[0].ID && got.Offset == 2 && got.ReceivedAt == first[0].ReceivedAt,
		"a duplicate is answered with the first event: %v@%d, not %v@2", got.ID, got.Offset, first[0].ID)
	s.check(mixed[0].Offset == 3 && mixed[2].Offset == 4, "a duplicate takes no offset: its neighbours are at %d and %d", mixed[0].Offset, mixed[2].Offset)
	events := s.read(stream, core.Scan{})
	s.check(len(events) == 5, "a duplicate stores nothing: %d events instead of 5", len(events))
	s.gaplessFrom(events, 0)
	only := s.keyed("k", `{"a":1}`)
	s.append(batch(stream, only))
	s.check(only[0].Outcome == core.Duplicate && only[0].Offset == 2, "an append of nothing but a duplicate answers it")
}

func mismatch(s *suite) {
	stream := newStream()
	s.append(batch(stream, s.keyed("k", `{"a":1}`)))
	other := append(s.keyed("k", `{"a":2}`), s.entries(1)...)
	s.append(batch(stream, other))
	s.check(other[0].Outcome == core.Mismatch, "a known key with another fingerprint is a Mismatch, not %d", other[0].Outcome)
	events := s.read(stream, core.Scan{})
	s.check(len(events) == 2 && string(events[0].Payload) == `{"a":1}`, "a mismatch stores nothing and changes nothing")
	s.check(other[1].Offset == 1, "a mismatch takes no offset")
}

func keysPerStream(s *suite) {
	a, b := newStream(), newStream()
	s.append(batch(a, s.keyed("k", `1`)))
	other := s.keyed("k", `1`)
	s.append(batch(b, other))
	s.check(other[0].Outcome == core.Stored && s.bounds(b).Next == 1, "a key of one stream means nothing to another")
}

func keyWindow(s *suite) {
	stream := newStream()
	s.append(batch(stream, s.keyed("k", `1`)))
	first := s.at
	s.at = first.Add(time.Hour)
	inside := core.Batch{Org: org, Stream: stream, Entries: s.keyed("k", `1`), KeysSince: first}
	s.append(inside)
	s.check(inside.Entries[0].Outcome == core.Duplicate, "a key received at KeysSince is still known")
	outside := core.Batch{Org: org, Stream: stream, Entries: s.keyed("k", `2`), KeysSince: first.Add(time.Microsecond)}
	s.append(outside)
	s.check(outside.Entries[0].Outcome == core.Stored && outside.Entries[0].Offset == 1, "a key received before KeysSince was never seen")
	again := s.keyed("k", `2`)
	s.append(batch(stream, again))
	s.check(again[0].Outcome == core.Duplicate && again[0].Offset == 1, "a key belongs to its newest event, at 1, not %d", again[0].Offset)
}

func keyRace(s *suite) {
	handles := []core.Storage{s.storage}
	if s.features.Second != nil {
		other := s.features.Second(s.T, s.storage)
		defer other.Close() //nolint:errcheck // the test is over
		handles = append(handles, other)
	}
	stream := newStream()
	const racers = 12
	raced := make([]core.Entry, racers)
	var all sync.WaitGroup
	for i := range raced {
		entry := s.keyed("k", `1`)
		all.Go(func() {
			if err := handles[i%len(handles)].Append(context.Background(), s.at, []core.Batch{batch(stream, entry)}); err != nil {
				s.Errorf("Append: %v", err)
			}
			raced[i] = entry[0]
		})
	}
	all.Wait()
	stored := 0
	for i := range raced {
		if raced[i].Outcome == core.Stored {
			stored++
		}
		s.check(raced[i].Offset == 0 && raced[i].ID == raced[0].ID, "all racers get one event: %v@%d and %v@%d", raced[0].ID, raced[0].Offset, raced[i].ID, raced[i].Offset)
	}
	s.check(stored == 1 && s.bounds(stream).Next == 1, "of %d racers with one key %d were stored", racers, stored)
}

func trimKeys(s *suite) {
	stream := newStream()
	s.append(batch(stream, s.keyed("old", `1`)))
	s.at = s.at.Add(3 * day)
	s.append(batch(stream, s.keyed("new", `1`)))
	s.no(s.storage.Trim(context.Background(), stream, s.at), "Trim")
	again := append(s.keyed("old", `1`), s.keyed("new", `1`)...)
	s.append(batch(stream, again))
	s.check(again[0].Outcome == core.Stored && again[0].Offset == 2, "the key of a removed event was never seen")
	s.check(again[1].Outcome == core.Duplicate && again[1].Offset == 1, "the key of a kept event is still known")
}
