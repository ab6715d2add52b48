package storetest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var histories = []guarantee{
	{"random histories agree with the model", history},
}

// historySteps makes a history long enough for its streams to be trimmed and written
// again, and short enough to be run for every change.
const historySteps = 400

// run is a random history: a storage and the model that it must agree with.
type run struct {
	*suite
	random  *rand.Rand
	model   *model
	streams []core.ID
	handles []core.Storage
	// doing is the current step, for the message of a failure.
	doing string
}

// history does random things to the storage and to the model, through every
// handle the adapter allows, and compares every answer. It looks for what the other
// tests do not think of: combinations.
func history(s *suite) {
	seed := s.features.Seed
	if seed == 0 {
		seed = rand.Uint64()
	}
	// Signed bytes or text would sort these ids otherwise than bytes do.
	streams := []core.ID{{0: 0x01}, {0: 0x7f}, {0: 0xff}}
	r := &run{suite: s, random: rand.New(rand.NewPCG(seed, 1)), model: newModel(streams), streams: streams, handles: s.handles()}
	step := 0
	s.Cleanup(func() {
		if s.Failed() {
			s.Logf("step %d of the history was %s; Features.Seed %d repeats it", step, r.doing, seed)
		}
	})
	for ; step < historySteps; step++ {
		s.storage = r.handles[r.random.IntN(len(r.handles))]
		r.step()
	}
	for _, storage := range r.handles {
		s.storage = storage
		r.compare()
	}
}

// step does one random thing. Appends are frequent, because everything else is about
// what they leave.
func (r *run) step() {
	switch choice := r.random.IntN(100); {
	case choice < 40:
		r.append()
	case choice < 60:
		r.read()
	case choice < 70:
		r.readAll()
	case choice < 78:
		r.offsetAt()
	case choice < 86:
		r.trim()
	case choice < 90 && r.features.Tiered:
		r.handOver()
	case choice < 96:
		r.at = r.at.Add(time.Duration(r.random.Int64N(int64(day)))).Truncate(time.Microsecond)
	case r.features.Reopen != nil && choice < 98:
		r.reopenAll()
	default:
		r.compare()
	}
}

func (r *run) stream() core.ID { return r.streams[r.random.IntN(len(r.streams))] }

func (r *run) says(format string, args ...any) { r.doing = fmt.Sprintf(format, args...) }

// append appends at a time that is often equal to the last one, and sometimes before
// it, as by a node whose clock is behind.
func (r *run) append() {
	r.at = r.at.Add([]time.Duration{0, time.Microsecond, time.Second}[r.random.IntN(3)])
	now := r.at
	defer func() { r.at = now }()
	if r.random.IntN(10) == 0 {
		r.at = r.at.Add(-time.Duration(1+r.random.Int64N(3)) * time.Second)
	}
	batches := r.batches()
	r.says("Append at %v: %d batches", r.at, len(batches))
	if r.model.behind(r.at, batches) {
		r.refused(batches...)
		return
	}
	r.suite.append(batches...)
	for _, b := range batches {
		for i := range b.Entries {
			r.agree(&b.Entries[i], &b)
		}
	}
}

// batches makes up a call: one to three batches of one shard, some for the same stream. Keys come
// again between calls, but not within one, which core does not do either.
func (r *run) batches() []core.Batch {
	var batches []core.Batch
	used := map[string]bool{}
	var first core.ID
	for i := range 1 + r.random.IntN(3) {
		stream := r.stream()
		if i == 0 {
			first = stream
		} else if r.features.Shards != nil && r.shardOf(stream) != r.shardOf(first) {
			continue
		}
		entries := r.kinds(1 + r.random.IntN(4))
		for i := range entries {
			key := fmt.Sprint("key-", r.random.IntN(12))
			if r.random.IntN(3) == 0 && !used[stream.String()+key] {
				used[stream.String()+key] = true
				entries[i] = r.keyed(key, fmt.Sprint(r.random.IntN(2)))[0]
			}
		}
		b := batch(stream, entries)
		if r.random.IntN(4) == 0 {
			b.KeysSince = r.at.Add(-time.Duration(r.random.Int64N(int64(2 * day))))
		}
		batches = append(batches, b)
	}
	return batches
}

// agree applies an appended entry to the model and compares the outcomes.
func (r *run) agree(entry *core.Entry, b *core.Batch) {
	r.Helper()
	outcome, event := r.model.streams[b.Stream].append(r.at, b.KeysSince, *entry)
	r.check(entry.Outcome == outcome, "an entry with key %q, window since %v: the outcome must be %d, got %d", entry.IdempotencyKey, b.KeysSince, outcome, entry.Outcome)
	switch outcome {
	case core.Stored:
		r.check(entry.Offset == event.Offset, "an entry must be stored at %d, got %d", event.Offset, entry.Offset)
	case core.Duplicate:
		r.isDuplicate(*entry, event)
	}
}

func (r *run) filter() core.Filter {
	var filter core.Filter
	if r.random.IntN(4) == 0 {
		filter.Type = fmt.Sprintf("type-%d", r.random.IntN(2))
	}
	if r.random.IntN(4) == 0 {
		filter.Subject = fmt.Sprintf("subject-%d", r.random.IntN(5))
	}
	if r.random.IntN(6) == 0 {
		filter.Source = fmt.Sprintf("source-%d", r.random.IntN(3))
	}
	return filter
}

func (r *run) read() {
	stream := r.stream()
	of := r.model.streams[stream]
	scan := core.Scan{
		From: core.Offset(r.random.Int64N(int64(of.next) + 3)), Limit: 1 + r.random.IntN(20),
		Backward: r.random.IntN(2) == 0, Filter: r.filter(),
	}
	if r.random.IntN(2) == 0 {
		scan.To = scan.From + core.Offset(r.random.Int64N(30)) + 1
	}
	if events := of.events; len(events) > 0 && r.random.IntN(6) == 0 {
		scan.Filter = core.Filter{ID: events[r.random.IntN(len(events))].ID}
	}
	if r.random.IntN(4) == 0 {
		scan.Bytes = 1 + r.random.IntN(200)
	}
	r.says("Read %v %+v", stream, scan)
	r.same(r.suite.read(stream, scan), of.read(scan))
}

func (r *run) readAll() {
	scan := core.AllScan{Limit: 1 + r.random.IntN(40), Backward: r.random.IntN(2) == 0}
	if r.random.IntN(4) == 0 {
		scan.Bytes = 1 + r.random.IntN(400)
	}
	for _, end := range []*core.Position{&scan.After, &scan.Before} {
		if of := r.model.streams[r.stream()]; len(of.events) > 0 && r.random.IntN(2) == 0 {
			*end = position(&of.events[r.random.IntN(len(of.events))])
			end.Offset += core.Offset(r.random.IntN(2))
		}
	}
	r.says("ReadAll %+v", scan)
	r.same(r.suite.readAll(org, scan), r.model.readAll(scan))
}

func (r *run) someTime() time.Time {
	return r.at.Add(-time.Duration(r.random.Int64N(int64(3 * day)))).Add(time.Minute)
}

func (r *run) offsetAt() {
	stream, at := r.stream(), r.someTime()
	if events := r.model.streams[stream].events; len(events) > 0 && r.random.IntN(2) == 0 {
		at = events[r.random.IntN(len(events))].ReceivedAt
	}
	r.says("OffsetAt %v %v", stream, at)
	r.suite.offsetAt(stream, at, r.model.streams[stream].offsetAt(at))
}

// trim lets the model follow the storage, which chooses its periods itself. It checks
// that the choice is within the contract.
func (r *run) trim() {
	stream, before := r.stream(), r.someTime()
	of := r.model.streams[stream]
	r.says("Trim %v before %v", stream, before)
	r.suite.trim(stream, before)
	first := r.bounds(stream).First
	r.check(first >= of.first() && first <= of.next, "Trim must move First forward, up to Next: from %d, got %d", of.first(), first)
	for i := range of.events {
		removed := of.events[i].Offset < first
		r.check(!removed || of.events[i].ReceivedAt.Before(before), "Trim before %v must keep the event received at %v", before, of.events[i].ReceivedAt)
		r.check(removed || !of.events[i].ReceivedAt.Add(day).Before(before), "Trim before %v must remove the event received at %v", before, of.events[i].ReceivedAt)
	}
	of.trim(first)
}

// handOver moves what is old into the archive. All is as before to a reader, and the
// model forgets the keys of what has left the store.
func (r *run) handOver() {
	stream, before := r.stream(), r.someTime().Add(day)
	of := r.model.streams[stream]
	r.says("HandOver %v before %v", stream, before)
	done := r.suite.handOver(stream, before)
	of.forget(done.Kept)
	r.hasBounds(stream, of.first(), of.next, of.last)
}

// reopenAll closes every handle and opens the data again.
func (r *run) reopenAll() {
	r.says("closing and opening again")
	for _, other := range r.handles[1:] {
		r.must(other.Close(), "Close")
	}
	r.storage = r.handles[0]
	r.reopen()
	r.handles = r.suite.handles()
}

// compare compares everything that the storage holds with the model.
func (r *run) compare() {
	r.says("comparing everything")
	for _, stream := range r.streams {
		of := r.model.streams[stream]
		r.hasBounds(stream, of.first(), of.next, of.last)
		r.same(r.everything(stream), of.events)
	}
	r.same(r.suite.readAll(org, core.AllScan{Limit: all}), r.model.readAll(core.AllScan{Limit: all}))
}
