package storetest

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var sharded = []guarantee{
	{"an append over two shards is refused and stores nothing", overTwoShards},
	{"the home of a stream stays the same", homeStays},
	{"each shard has a clock of its own", clockPerShard},
	{"reading all has one order over all shards", allOverShards},
	{"bounds are those of the streams, wherever they are", boundsOverShards},
}

// shardOf is the home of a stream.
func (s *suite) shardOf(stream core.ID) int {
	s.Helper()
	storage, ok := s.storage.(core.Sharded)
	s.check(ok, "a storage with Features.Shards must be a core.Sharded")
	shard, err := storage.ShardOf(context.Background(), stream)
	s.must(err, "ShardOf")
	s.check(shard >= 0 && shard < storage.Shards(), "a home must be one of %d shards, got %d", storage.Shards(), shard)
	return shard
}

// perShard makes so many streams on each shard.
func (s *suite) perShard(n int) (streams []core.ID) {
	for shard := range core.ShardsOf(s.storage) {
		for range n {
			streams = append(streams, s.features.Shards(shard))
		}
	}
	return streams
}

func overTwoShards(s *suite) {
	if core.ShardsOf(s.storage) == 1 {
		return
	}
	for _, order := range [][]int{{0, 1}, {1, 0}, {0, 0, 1}} {
		here, there := s.newStream(), s.elsewhere()
		want := s.append(batch(here, s.entries(1)))
		var batches []core.Batch
		for _, which := range order {
			batches = append(batches, batch([]core.ID{here, there}[which], s.keyed(newID(s.at).String(), `1`)))
		}
		err := s.storage.Append(context.Background(), s.at, batches)
		s.check(errors.Is(err, core.ErrManyShards) && !errors.Is(err, core.ErrUnknownOutcome),
			"an append over two shards must be refused with an error that wraps core.ErrManyShards, got %v", err)
		s.same(s.everything(here), want)
		s.check(s.bounds(there) == core.Bounds{}, "a refused append must store nothing on any shard, but a stream now has %+v", s.bounds(there))
		for _, b := range batches { // nor remember a key
			s.append(b)
			s.check(b.Entries[0].Outcome == core.Stored, "a refused append must not remember its idempotency keys, got outcome %d", b.Entries[0].Outcome)
		}
	}
}

func homeStays(s *suite) {
	homes := map[core.ID]int{}
	for shard := range core.ShardsOf(s.storage) {
		for range 5 {
			stream := s.features.Shards(shard)
			homes[stream] = shard
		}
	}
	for _, stream := range []core.ID{{}, {0: 1}, {0: 0xff, 15: 3}} {
		homes[stream] = s.shardOf(stream)
	}
	stay := func() {
		for stream, home := range homes {
			s.check(s.shardOf(stream) == home, "the home of %s must stay shard %d, got %d", stream, home, s.shardOf(stream))
		}
	}
	stay()
	for stream := range homes {
		s.append(batch(stream, s.entries(1)))
	}
	for _, s.storage = range s.handles() {
		stay()
	}
	if s.features.Reopen != nil && s.features.Second == nil {
		s.reopen()
		stay()
	}
}

// clockPerShard appends late to one shard and early to another. Within a shard the clock
// may be one for all of its streams, or each stream's.
func clockPerShard(s *suite) {
	here, beside, there := s.newStream(), s.newStream(), s.elsewhere()
	late := s.at.Add(time.Hour)
	early := s.at
	if core.ShardsOf(s.storage) > 1 {
		s.at = late
		s.append(batch(here, s.entries(1)))
		s.at = early
		want := s.append(batch(there, s.entries(2)))
		s.same(s.everything(there), want)
	}
	s.at = late
	s.append(batch(here, s.entries(1)))
	entries := s.keyed("k", `1`)
	err := s.storage.Append(context.Background(), early, []core.Batch{batch(beside, entries)})
	if err == nil {
		return
	}
	var behind *core.ClockError
	s.check(errors.As(err, &behind) && behind.Last.Equal(late), "an append before the clock of its shard is taken, or refused with a *core.ClockError of %v, got %v", late, err)
	s.check(s.bounds(beside) == core.Bounds{}, "a refused append must store nothing, but the stream has %+v", s.bounds(beside))
	s.append(batch(beside, s.keyed("k", `1`)))
}

// allOverShards appends to all shards by turns, some of it at one time, and reads it by
// pages that end within what a shard has.
func allOverShards(s *suite) {
	streams := s.perShard(2)
	var want []core.Event
	for round := range 12 {
		var batches []core.Batch
		for i, stream := range streams {
			if (round+i)%3 != 0 {
				batches = append(batches, batch(stream, s.entries(2)))
			}
		}
		want = append(want, s.append(batches...)...)
		if round%3 == 2 {
			s.at = s.at.Add([]time.Duration{time.Microsecond, time.Hour, 2 * day}[round/3%3])
		}
	}
	sortEvents(want)
	for _, limit := range []int{1, 3, 7, all} {
		for _, backward := range []bool{false, true} {
			s.pages(want, core.AllScan{Limit: limit, Backward: backward})
			s.pages(want, core.AllScan{Limit: all, Bytes: 10 * limit, Backward: backward})
		}
	}
	for i := 0; i+9 < len(want); i += 5 {
		scan := core.AllScan{After: position(&want[i]), Before: position(&want[i+9]), Limit: all}
		s.sameOrder(s.readAll(org, scan), want[i+1:i+9], scan)
		scan.Backward, scan.Limit = true, 4
		s.sameOrder(s.readAll(org, scan), reversed(want[i+5:i+9]), scan)
	}
}

// pages reads everything by the pages of a scan.
func (s *suite) pages(want []core.Event, scan core.AllScan) {
	s.Helper()
	if scan.Backward {
		want = reversed(want)
	}
	for at := 0; at < len(want); {
		got := s.readAll(org, scan)
		end := at + len(page(want[at:], false, scan.Limit, scan.Bytes))
		s.sameOrder(got, want[at:end], scan)
		last := position(&want[end-1])
		if scan.Backward {
			scan.Before = last
		} else {
			scan.After = last
		}
		at = end
	}
	s.check(len(s.readAll(org, scan)) == 0, "nothing must be left behind the last page")
}

func boundsOverShards(s *suite) {
	streams := s.perShard(3)
	want := make([]core.Bounds, 0, len(streams))
	for i, stream := range streams {
		if i%3 == 2 { // never written to
			want = append(want, core.Bounds{})
			continue
		}
		s.append(batch(stream, s.entries(i+1)))
		want = append(want, core.Bounds{Next: core.Offset(i + 1), Last: s.at})
		s.at = s.at.Add(time.Second)
	}
	for range streams {
		got, err := s.storage.Bounds(context.Background(), streams)
		s.must(err, "Bounds")
		s.check(slices.Equal(got, want), "Bounds must answer for all streams in their order: %+v, got %+v", want, got)
		streams, want = append(streams[1:], streams[0]), append(want[1:], want[0])
	}
}
