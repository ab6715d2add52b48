package storetest

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/eventflow-go/eventflow/core"
)

var concurrency = []guarantee{
	{"a reader that follows by offset misses nothing and sees nothing late", follow},
	{"what Append acknowledged the next Read sees", readYourAppend},
}

// The load of the concurrent tests. perRead is no multiple of perBatch, so that
// answers end inside of batches.
const (
	writers  = 8
	rounds   = 8
	perBatch = 3
	perRead  = 7
)

// follow lets several goroutines append to three streams, through every handle
// the adapter allows, while others follow the streams by offset. It finds the fault
// that gapless offsets are easiest to get wrong by: an offset that is given early
// and becomes visible late, after a reader has passed it.
func follow(s *suite) {
	handles := s.handles()
	streams := s.newStreams(3)
	total := core.Offset(writers * rounds * perBatch)
	acknowledged := make([][]core.Entry, writers)
	var writing, reading sync.WaitGroup
	for w := range writers {
		writing.Go(func() { acknowledged[w] = s.write(handles[w%len(handles)], streams, w) })
	}
	var written atomic.Bool
	followed := make([][]core.Event, 2*len(streams))
	for i := range followed {
		reading.Go(func() { followed[i] = s.follow(handles[i%len(handles)], streams[i%len(streams)], total, &written) })
	}
	writing.Wait()
	written.Store(true)
	reading.Wait()
	if s.Failed() {
		return
	}
	for i, stream := range streams {
		final := s.everything(stream)
		s.check(len(final) == int(total), "%d events were acknowledged, %d are in the log", total, len(final))
		s.gapless(final, 0)
		for j := i; j < len(followed); j += len(streams) {
			for k := range final {
				s.check(followed[j][k].ID == final[k].ID, "a reader saw event %v at %d, and %v is there now", followed[j][k].ID, k, final[k].ID)
			}
		}
		s.acknowledgedOnce(final, stream, acknowledged)
	}
}

// write appends to all streams in every call and returns what was acknowledged. Each
// writer names the streams in another order. An adapter that locks them in the order
// of the call then runs into a deadlock.
func (s *suite) write(storage core.Storage, streams []core.ID, number int) []core.Entry {
	own := &suite{T: s.T, at: s.at, count: number << 20}
	order := slices.Concat(streams[number%len(streams):], streams[:number%len(streams)])
	if number%2 == 1 {
		slices.Reverse(order)
	}
	var acknowledged []core.Entry
	for range rounds {
		var batches []core.Batch
		for _, stream := range order {
			batches = append(batches, batch(stream, own.entries(perBatch)))
		}
		if err := storage.Append(context.Background(), own.at, batches); err != nil {
			s.Errorf("Append: unexpected error: %v", err)
			return acknowledged
		}
		for _, b := range batches {
			acknowledged = append(acknowledged, b.Entries...)
		}
	}
	return acknowledged
}

// follow reads a stream by offset until it has seen everything, and checks
// that it meets every offset once, in order.
func (s *suite) follow(storage core.Storage, stream core.ID, total core.Offset, written *atomic.Bool) []core.Event {
	var seen []core.Event
	for next := core.Offset(0); next < total && !s.Failed(); next = core.Offset(len(seen)) {
		// Looked at before the read: an event that is missing afterwards is lost, and
		// not merely late.
		atEnd := written.Load()
		events, err := storage.Read(context.Background(), stream, core.Scan{From: next, Limit: perRead})
		if err != nil || atEnd && len(events) == 0 {
			s.Errorf("a reader must see every acknowledged event, got none at offset %d of %d, error %v", next, total, err)
			return seen
		}
		for i := range events {
			if events[i].Offset != next+core.Offset(i) {
				s.Errorf("a reader that has seen every event below %d must see %d next, got %d: an event became visible late, or never",
					next+core.Offset(i), next+core.Offset(i), events[i].Offset)
				return seen
			}
		}
		seen = append(seen, events...)
	}
	return seen
}

// acknowledgedOnce checks that each acknowledged entry of a stream is in the
// log at the offset that was told, and each writer's in the order it sent.
func (s *suite) acknowledgedOnce(final []core.Event, stream core.ID, acknowledged [][]core.Entry) {
	s.Helper()
	count := 0
	for _, ofWriter := range acknowledged {
		last := core.Offset(-1)
		for i := range ofWriter {
			entry := &ofWriter[i]
			if entry.Stream != stream {
				continue
			}
			s.check(entry.Offset >= 0 && entry.Offset < core.Offset(len(final)) && final[entry.Offset].ID == entry.ID,
				"an event acknowledged at %d is not there", entry.Offset)
			s.check(entry.Offset > last, "the events of one writer must keep their order: %d follows %d", entry.Offset, last)
			last = entry.Offset
			count++
		}
	}
	s.check(count == len(final), "the log holds %d events, %d were acknowledged", len(final), count)
}

// readYourAppend looks by every handle for each event as soon as it is
// acknowledged. A handle that reads from a memory of its own fails here.
func readYourAppend(s *suite) {
	handles := s.handles()
	stream := s.newStream()
	var everyone sync.WaitGroup
	for w := range writers {
		own := &suite{T: s.T, at: s.at, count: w << 20}
		everyone.Go(func() {
			for range rounds {
				entries := own.entries(1)
				if err := handles[w%len(handles)].Append(context.Background(), own.at, []core.Batch{batch(stream, entries)}); err != nil {
					s.Errorf("Append: unexpected error: %v", err)
					return
				}
				for _, storage := range handles {
					s.sees(storage, stream, &entries[0])
				}
			}
		})
	}
	everyone.Wait()
}

// sees checks that every way of reading shows an acknowledged event.
func (s *suite) sees(storage core.Storage, stream core.ID, entry *core.Entry) {
	ctx := context.Background()
	events, err := storage.Read(ctx, stream, core.Scan{From: entry.Offset, Limit: 1})
	if err != nil || len(events) != 1 || events[0].ID != entry.ID {
		s.Errorf("Read must see the event whose Append returned before, at %d, got offsets %v, error %v", entry.Offset, offsets(events), err)
	}
	bounds, err := storage.Bounds(ctx, []core.ID{stream})
	if err != nil || len(bounds) != 1 || bounds[0].Next <= entry.Offset || bounds[0].Last.IsZero() {
		s.Errorf("Bounds must count the event whose Append returned before, at %d, got %+v, error %v", entry.Offset, bounds, err)
	}
	before := core.Position{ReceivedAt: start, Stream: stream, Offset: entry.Offset - 1}
	events, err = storage.ReadAll(ctx, org, core.AllScan{After: before, Limit: 1})
	if err != nil || len(events) != 1 || events[0].ID != entry.ID {
		s.Errorf("ReadAll must see the event whose Append returned before, at %d, got offsets %v, error %v", entry.Offset, offsets(events), err)
	}
}
