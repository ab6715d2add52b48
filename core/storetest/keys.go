package storetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var keys = []guarantee{
	{"a known key with the same payload answers with the first event", duplicate},
	{"a known key with another payload stores nothing", mismatch},
	{"a refused entry takes no offset from its neighbours", refusedNeighbours},
	{"an append that stores nothing moves no bound", nothingStored},
	{"keys differ when their bytes do", keyBytes},
	{"keys belong to one stream", keysPerStream},
	{"keys received before the window are free to be taken over", keyWindow},
	{"one call may hold a thousand known and a thousand new keys", manyKeys},
	{"keys go with the events that Trim removes", trimKeys},
	{"a key taken over outlives its first event", takenOver},
	{"a race for one key stores one event", keyRace},
	{"the keys that are remembered are shown, by a storage that shows them", shownKeys},
}

// isDuplicate checks that an entry was answered with the first event.
func (s *suite) isDuplicate(entry core.Entry, first core.Event) {
	s.Helper()
	s.check(entry.Outcome == core.Duplicate, "a known key with the same fingerprint must be a Duplicate, got outcome %d", entry.Outcome)
	s.check(entry.ID == first.ID && entry.Offset == first.Offset, "a duplicate must be answered with the ID and Offset of the first event, %v at %d, got %v at %d",
		first.ID, first.Offset, entry.ID, entry.Offset)
	s.check(entry.ReceivedAt == first.ReceivedAt, "a duplicate must be answered with the ReceivedAt of the first event, %v, got %v", first.ReceivedAt, entry.ReceivedAt)
}

func duplicate(s *suite) {
	stream := s.newStream()
	s.append(batch(stream, s.entries(2)))
	first := s.append(batch(stream, s.keyed("k", `{"a":1}`)))[0]
	for range 3 {
		s.at = s.at.Add(30 * time.Hour)
		again := s.keyed("k", `{"a":1}`)
		s.append(batch(stream, again))
		s.isDuplicate(again[0], first)
	}
	events := s.everything(stream)
	s.check(len(events) == 3, "a duplicate must store nothing: 3 events, got %d", len(events))
	s.sameEvent(events[2], first)
}

func mismatch(s *suite) {
	stream := s.newStream()
	first := s.append(batch(stream, s.keyed("k", `{"a":1}`)))
	for range 2 {
		s.at = s.at.Add(time.Second)
		other := s.keyed("k", `{"a":2}`)
		s.append(batch(stream, other))
		s.check(other[0].Outcome == core.Mismatch, "a known key with another fingerprint must be a Mismatch, got outcome %d", other[0].Outcome)
		s.same(s.everything(stream), first)
	}
	same := s.keyed("k", `{"a":1}`)
	s.append(batch(stream, same))
	s.isDuplicate(same[0], first[0])
}

func refusedNeighbours(s *suite) {
	stream := s.newStream()
	want := s.append(batch(stream, slices.Concat(s.keyed("k", `1`), s.keyed("l", `1`))))
	mixed := slices.Concat(s.keyed("k", `1`), s.entries(1), s.keyed("l", `2`), s.keyed("new", `1`), s.keyed("o", `1`), s.entries(2))
	more := slices.Concat(s.keyed("p", `1`), s.entries(1))
	want = append(want, s.append(batch(stream, mixed), batch(stream, more))...)
	s.check(mixed[0].Outcome == core.Duplicate && mixed[2].Outcome == core.Mismatch, "the known keys of the call must be a Duplicate and a Mismatch, got outcomes %d and %d",
		mixed[0].Outcome, mixed[2].Outcome)
	s.check(len(want) == 9, "the other entries of the call must be stored, but %d of 7 are", len(want)-2)
	s.gapless(want, 0)
	s.same(s.everything(stream), want)
}

func nothingStored(s *suite) {
	stream, other := s.newStream(), s.elsewhere()
	first := s.append(batch(stream, s.keyed("k", `1`)))
	s.at = s.at.Add(time.Hour)
	s.append(batch(stream, s.keyed("k", `1`)), batch(other, s.entries(1)))
	s.hasBounds(stream, 0, 1, first[0].ReceivedAt)
	s.append(batch(stream, s.keyed("k", `2`)))
	s.hasBounds(stream, 0, 1, first[0].ReceivedAt)
	s.at = first[0].ReceivedAt
	s.append(batch(stream, s.entries(1)))
	s.hasBounds(stream, 0, 2, s.at)
}

func keyBytes(s *suite) {
	stream := s.newStream()
	different := append([]string{"k", "K", "k ", " k", "kk", "\u00e4", "a\u0308", "\u212a"}, awkward...)
	for range 2 {
		var entries []core.Entry
		for _, key := range different {
			entries = append(entries, s.keyed(key, `1`)...)
		}
		s.append(batch(stream, entries))
		for i := range entries {
			s.check(entries[i].Offset == core.Offset(i), "the keys %+q differ, each must have an event of its own: key %d has the one at %d", different, i, entries[i].Offset)
		}
	}
	s.check(s.bounds(stream).Next == core.Offset(len(different)), "every key must store one event")
}

func keysPerStream(s *suite) {
	a, b, c := s.newStream(), s.newStream(), s.newStream()
	s.append(batch(a, s.keyed("k", `1`)))
	same, another, third := s.keyed("k", `1`), s.keyed("k", `2`), s.keyed("k", `3`)
	s.append(batch(b, same))
	s.append(batch(c, another), batch(a, s.keyed("l", `1`)), batch(b, s.keyed("l", `1`)))
	s.check(same[0].Outcome == core.Stored && another[0].Outcome == core.Stored, "a key of one stream must mean nothing to another, got outcomes %d and %d",
		same[0].Outcome, another[0].Outcome)
	s.append(batch(c, third))
	s.check(third[0].Outcome == core.Mismatch, "each stream must know its own keys, got outcome %d", third[0].Outcome)
	s.check(s.bounds(a).Next == 2 && s.bounds(b).Next == 2 && s.bounds(c).Next == 1, "every stream must hold its own events")
}

func (s *suite) appendWithin(window time.Time, stream core.ID, entries []core.Entry) {
	s.Helper()
	b := batch(stream, entries)
	b.KeysSince = window
	s.append(b)
}

func keyWindow(s *suite) {
	stream := s.newStream()
	first := s.append(batch(stream, s.keyed("k", `1`)))[0]
	s.at = s.at.Add(time.Hour)
	inside := s.keyed("k", `1`)
	s.appendWithin(first.ReceivedAt, stream, inside)
	s.isDuplicate(inside[0], first)
	for i, payload := range []string{`1`, `2`} { // the fingerprint does not matter
		s.at = s.at.Add(time.Hour)
		outside := s.keyed("k", payload)
		s.appendWithin(s.at.Add(-time.Hour+time.Microsecond), stream, outside)
		s.check(outside[0].Outcome == core.Stored && outside[0].Offset == core.Offset(i+1),
			"a key received before KeysSince must count as never seen: stored at %d, got outcome %d at %d", i+1, outside[0].Outcome, outside[0].Offset)
		again := s.keyed("k", payload)
		s.append(batch(stream, again))
		s.isDuplicate(again[0], s.read(stream, core.Scan{From: core.Offset(i + 1), Limit: 1})[0])
	}
	old := s.keyed("k", `1`)
	s.append(batch(stream, old))
	s.check(old[0].Outcome == core.Mismatch, "the new event must have taken the key over: the first one's payload is now a Mismatch, got outcome %d", old[0].Outcome)
}

func manyKeys(s *suite) {
	stream := s.newStream()
	half := func(from int) (entries []core.Entry) {
		for i := range 1000 {
			entries = append(entries, s.keyed(fmt.Sprint("key-", from+i), `1`)...)
		}
		return entries
	}
	first := s.append(batch(stream, half(0)))
	s.append(batch(stream, slices.Concat(half(0), half(1000))), batch(s.newStream(), half(0)))
	mixed := slices.Concat(half(1000), half(0))
	slices.SortFunc(mixed, func(a, b core.Entry) int { return cmp.Compare(a.IdempotencyKey, b.IdempotencyKey) })
	s.append(batch(stream, mixed))
	slices.SortFunc(mixed, func(a, b core.Entry) int { return cmp.Compare(a.Offset, b.Offset) })
	for i := range mixed {
		key := fmt.Sprint("key-", i)
		s.check(mixed[i].Outcome == core.Duplicate && mixed[i].Offset == core.Offset(i) && mixed[i].IdempotencyKey == key,
			"%s must be a Duplicate of the event at %d, got %s with outcome %d at %d", key, i, mixed[i].IdempotencyKey, mixed[i].Outcome, mixed[i].Offset)
	}
	s.same(s.read(stream, core.Scan{Limit: 1000}), first)
	s.check(s.bounds(stream).Next == 2000, "2000 keys must have stored 2000 events, got %d", s.bounds(stream).Next)
}

func trimKeys(s *suite) {
	stream, neighbour := s.newStream(), s.newStream()
	s.append(batch(stream, s.keyed("old", `1`)), batch(neighbour, s.keyed("old", `1`)))
	s.at = s.at.Add(3 * day)
	kept := s.append(batch(stream, s.keyed("new", `1`)))[0]
	s.trim(stream, s.at)
	gone, known, others := s.keyed("old", `2`), s.keyed("new", `1`), s.keyed("old", `1`)
	s.append(batch(stream, slices.Concat(gone, known)), batch(neighbour, others))
	again := slices.Concat(s.keyed("old", `2`), s.keyed("new", `1`))
	s.append(batch(stream, again), batch(neighbour, others))
	s.check(again[0].Outcome == core.Duplicate && again[0].Offset == 2,
		"the key of an event that was trimmed must be forgotten: a new event takes it at 2, got outcome %d at %d", again[0].Outcome, again[0].Offset)
	s.isDuplicate(again[1], kept)
	s.check(others[0].Outcome == core.Duplicate, "Trim must leave the keys of other streams alone, got outcome %d", others[0].Outcome)
}

func takenOver(s *suite) {
	stream := s.newStream()
	s.append(batch(stream, s.keyed("k", `1`)))
	s.at = s.at.Add(3 * day)
	over := s.keyed("k", `1`)
	s.appendWithin(s.at.Add(-day), stream, over)
	s.check(over[0].Outcome == core.Stored, "a key received before KeysSince must count as never seen, got outcome %d", over[0].Outcome)
	s.trim(stream, s.at.Add(-day))
	s.hasBounds(stream, 1, 2, s.at)
	again := s.keyed("k", `1`)
	s.append(batch(stream, again))
	s.check(again[0].Outcome == core.Duplicate && again[0].Offset == 1,
		"a key that a new event took over must outlive the first event: a Duplicate of 1, got outcome %d at %d", again[0].Outcome, again[0].Offset)
}

// keyRace appends one key from many sides at once. A look before the insert, without
// a lock, stores it twice.
func keyRace(s *suite) {
	const racers, rounds = 8, 5
	handles := s.handles()
	for range rounds {
		stream := s.newStream()
		raced := make([]core.Entry, racers)
		var race sync.WaitGroup
		for i := range raced {
			entry := s.keyed("k", `1`)
			race.Go(func() {
				if err := handles[i%len(handles)].Append(context.Background(), s.at, []core.Batch{batch(stream, entry)}); err != nil {
					s.Errorf("Append: unexpected error: %v", err)
				}
				raced[i] = entry[0]
			})
		}
		race.Wait()
		stored := 0
		for i := range raced {
			if raced[i].Outcome == core.Stored {
				stored++
			}
			s.check(raced[i].Offset == 0 && raced[i].ID == raced[0].ID, "all who race for a key must be answered with one event, got %v at %d and %v at %d",
				raced[0].ID, raced[0].Offset, raced[i].ID, raced[i].Offset)
		}
		s.check(stored == 1 && s.bounds(stream).Next == 1, "of %d appends with one key 1 must store, got %d, and %d events", racers, stored, s.bounds(stream).Next)
	}
}

func shownKeys(s *suite) {
	store, ok := s.storage.(core.Rememberer)
	if !ok {
		return
	}
	stream, other := s.newStream(), s.newStream()
	entries := slices.Concat(s.keyed("a", `1`), s.entries(1), s.keyed("b", `2`), s.keyed("c", `3`))
	s.append(batch(other, s.keyed("a", `1`)), batch(stream, entries))
	shown := func(stream core.ID, from, to core.Offset) []core.Remembered {
		s.Helper()
		all, err := store.Remembered(s.Context(), stream, from, to)
		s.check(err == nil, "Remembered must succeed, got %v", err)
		return all
	}
	want := make([]core.Remembered, 0, len(entries))
	for _, i := range []int{0, 2, 3} {
		want = append(want, core.Remembered{Offset: entries[i].Offset, ID: entries[i].ID, Fingerprint: entries[i].Fingerprint})
	}
	s.check(slices.Equal(shown(stream, 0, 4), want), "all keys of the stream must be shown in order of their offsets, got %v", shown(stream, 0, 4))
	s.check(slices.Equal(shown(stream, 1, 3), want[1:2]), "the range must bound what is shown, got %v", shown(stream, 1, 3))
	s.check(len(shown(s.newStream(), 0, 4)) == 0, "a stream never written to must have no keys")
}
