package storetest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

func sortedPositions(p []core.Position) []core.Position {
	slices.SortFunc(p, func(a, b core.Position) int {
		return cmp.Or(a.ReceivedAt.Compare(b.ReceivedAt), bytes.Compare(a.Stream[:], b.Stream[:]), cmp.Compare(a.Offset, b.Offset))
	})
	return p
}

// model is what the log should be.
type model struct {
	events map[core.ID][]core.Event
	first  map[core.ID]core.Offset
	keys   map[core.ID]map[string]core.Event
}

const historySteps = 250

// history runs random operations against the storage and a model.
func history(s *suite) {
	seed := s.features.Seed
	if seed == 0 {
		seed = rand.Uint64()
	}
	s.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	streams := []core.ID{newStream(), newStream(), newStream()}
	m := &model{events: map[core.ID][]core.Event{}, first: map[core.ID]core.Offset{}, keys: map[core.ID]map[string]core.Event{}}
	for step := range historySteps {
		stream := streams[random.IntN(len(streams))]
		switch choice := random.IntN(20); {
		case choice < 10:
			s.randomAppend(m, random, streams)
		case choice < 17:
			s.randomRead(m, random, stream)
		case choice < 18:
			s.at = s.at.Add(time.Duration(random.Int64N(int64(day)))).Truncate(time.Microsecond)
		case choice < 19:
			s.randomTrim(m, random, stream)
		case s.features.Reopen != nil && step%3 == 0:
			s.storage = s.features.Reopen(s.T, s.storage)
			last := s.storage
			s.Cleanup(func() { _ = last.Close() })
		}
		s.check(!s.Failed(), "step %d of the history with seed %d", step, seed)
	}
	for _, stream := range streams {
		s.compare(m, stream, core.Scan{Limit: 1 << 20})
	}
}

func (s *suite) randomAppend(m *model, random *rand.Rand, streams []core.ID) {
	s.at = s.at.Add(time.Duration(random.IntN(3)) * time.Second)
	var batches []core.Batch
	used := map[string]bool{}
	for range 1 + random.IntN(3) {
		stream := streams[random.IntN(len(streams))]
		entries := s.entries(1 + random.IntN(4))
		for i := range entries {
			key := fmt.Sprint("key-", random.IntN(12))
			if random.IntN(3) == 0 && !used[stream.String()+key] {
				used[stream.String()+key] = true
				entries[i] = s.keyed(key, fmt.Sprint(random.IntN(2)))[0]
			}
		}
		batches = append(batches, batch(stream, entries))
	}
	s.append(batches...)
	for _, b := range batches {
		for i := range b.Entries {
			s.expect(m, b.Stream, &b.Entries[i])
		}
	}
}

// expect applies an entry to the model and compares the outcomes.
func (s *suite) expect(m *model, stream core.ID, entry *core.Entry) {
	if known, ok := m.keys[stream][entry.IdempotencyKey]; ok && entry.IdempotencyKey != "" {
		if !bytes.Equal(known.Payload, entry.Payload) {
			s.check(entry.Outcome == core.Mismatch, "key %s: a Mismatch, not %d", entry.IdempotencyKey, entry.Outcome)
			return
		}
		s.check(entry.Outcome == core.Duplicate && entry.ID == known.ID && entry.Offset == known.Offset,
			"key %s: a Duplicate of offset %d, not %d at %d", entry.IdempotencyKey, known.Offset, entry.Outcome, entry.Offset)
		return
	}
	next := m.first[stream] + core.Offset(len(m.events[stream]))
	s.check(entry.Outcome == core.Stored && entry.Offset == next, "stored at %d, not %d (outcome %d)", next, entry.Offset, entry.Outcome)
	event := entry.Event
	event.Stream = stream
	m.events[stream] = append(m.events[stream], event)
	if entry.IdempotencyKey != "" {
		if m.keys[stream] == nil {
			m.keys[stream] = map[string]core.Event{}
		}
		m.keys[stream][entry.IdempotencyKey] = event
	}
}

func (s *suite) randomRead(m *model, random *rand.Rand, stream core.ID) {
	end := int64(m.first[stream]) + int64(len(m.events[stream])) + 3
	scan := core.Scan{From: core.Offset(random.Int64N(end)), Limit: 1 + random.IntN(20), Backward: random.IntN(2) == 0}
	if random.IntN(2) == 0 {
		scan.To = scan.From + core.Offset(random.Int64N(10)) + 1
	}
	s.compare(m, stream, scan)
	bounds := s.bounds(stream)
	s.check(bounds.First == m.first[stream] && bounds.Next == m.first[stream]+core.Offset(len(m.events[stream])), "Bounds %+v, the model has %d and %d events", bounds, m.first[stream], len(m.events[stream]))
}

func (s *suite) compare(m *model, stream core.ID, scan core.Scan) {
	s.Helper()
	var want []core.Event
	for _, event := range m.events[stream] {
		if event.Offset >= scan.From && (scan.To == 0 || event.Offset < scan.To) {
			want = append(want, event)
		}
	}
	if scan.Backward {
		slices.Reverse(want)
	}
	want = want[:min(len(want), scan.Limit)]
	got := s.read(stream, scan)
	s.check(len(got) == len(want), "Read %+v answers %d events, the model %d", scan, len(got), len(want))
	for i := range want {
		s.same(got[i], want[i])
	}
}

// randomTrim trims and follows the storage in what period it chose, within
// what the contract allows.
func (s *suite) randomTrim(m *model, random *rand.Rand, stream core.ID) {
	before := s.at.Add(-time.Duration(random.Int64N(int64(2 * day))))
	s.no(s.storage.Trim(context.Background(), stream, before), "Trim")
	first := s.bounds(stream).First
	for len(m.events[stream]) > 0 && m.events[stream][0].Offset < first {
		gone := m.events[stream][0]
		s.check(gone.ReceivedAt.Before(before), "Trim removed an event received at %v, not before %v", gone.ReceivedAt, before)
		m.events[stream] = m.events[stream][1:]
		if gone.IdempotencyKey != "" && m.keys[stream][gone.IdempotencyKey].Offset == gone.Offset {
			delete(m.keys[stream], gone.IdempotencyKey)
		}
	}
	m.first[stream] = first
	if len(m.events[stream]) > 0 {
		oldest := m.events[stream][0]
		s.check(!oldest.ReceivedAt.Before(before.Add(-day)), "Trim before %v left an event received at %v", before, oldest.ReceivedAt)
	}
}
