package memory_test

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// homeOf says on which of two shards a stream is, and onShard makes one for a shard.
func homeOf(stream core.ID) int { return int(stream[15] & 1) }

func onShard(shard int) (stream core.ID) {
	_, _ = rand.Read(stream[:])
	stream[15] = stream[15]&^1 | byte(shard)
	return stream
}

// Shards implements [core.Sharded]. Only faults about shards make use of it.
func (f *faulty) Shards() int { return 2 }

// ShardOf implements [core.Sharded].
func (f *faulty) ShardOf(_ context.Context, stream core.ID) (int, error) {
	leave, err := f.enter()
	if err != nil {
		return 0, err
	}
	defer leave()
	return f.shardOf(stream), nil
}

const (
	overTwo   = "shards/an append over two shards is refused and stores nothing"
	home      = "shards/the home of a stream stays the same"
	ownClocks = "shards/each shard has a clock of its own"
	oneOrder  = "shards/reading all has one order over all shards"
)

var shardFaults = []fault{
	{"stores over two shards", overTwo, "must be refused with an error that wraps core.ErrManyShards", func(*faulty) {}},
	{"stores on the first shard before it refuses", overTwo, "events must be read", func(f *faulty) {
		f.append = onOneShard(f, func(ctx context.Context, at time.Time, batches []core.Batch) error {
			_ = f.shared.Append(ctx, at, batches[:1])
			return core.ErrManyShards
		})
	}},
	{"is not sure of what it refuses", overTwo, "must be refused with an error that wraps core.ErrManyShards", func(f *faulty) {
		f.append = onOneShard(f, func(context.Context, time.Time, []core.Batch) error {
			return errors.Join(core.ErrManyShards, core.ErrUnknownOutcome)
		})
	}},
	{"moves what was written to", home, "must stay shard", func(f *faulty) {
		f.shardOf = func(stream core.ID) int {
			if f.boundsOf(stream).Next > 0 {
				return 0
			}
			return homeOf(stream)
		}
	}},
	{"has shards that are not there", home, "a home must be one of", func(f *faulty) {
		f.shardOf = func(stream core.ID) int { return int(stream[15] & 3) }
	}},
	{"has one clock for all shards", ownClocks, "Append: unexpected error", func(f *faulty) {
		var last time.Time
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			if at.Before(last) {
				return &core.ClockError{Last: last}
			}
			last = at
			return f.shared.Append(ctx, at, batches)
		}
	}},
	{"tells the wrong time of a shard", ownClocks, "refused with a *core.ClockError of", func(f *faulty) {
		last := map[int]time.Time{}
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			home := homeOf(batches[0].Stream)
			if at.Before(last[home]) {
				return &core.ClockError{Last: last[home].Add(-time.Second)}
			}
			last[home] = at
			return f.shared.Append(ctx, at, batches)
		}
	}},
	{"reads one shard after the other", oneOrder, "ReadAll", func(f *faulty) {
		f.readAll = func(ctx context.Context, org core.ID, scan core.AllScan) ([]core.Event, error) {
			events, err := f.shared.ReadAll(ctx, org, scan)
			slices.SortStableFunc(events, func(a, b core.Event) int { return homeOf(a.Stream) - homeOf(b.Stream) })
			return events, err
		}
	}},
	{"reads a page of each shard and leaves out the rest", oneOrder, "ReadAll", func(f *faulty) {
		f.readAll = func(ctx context.Context, org core.ID, scan core.AllScan) ([]core.Event, error) {
			events, err := f.shared.ReadAll(ctx, org, scan)
			count := map[int]int{}
			return slices.DeleteFunc(events, func(e core.Event) bool {
				count[homeOf(e.Stream)]++
				return count[homeOf(e.Stream)] > max(1, scan.Limit/2)
			}), err
		}
	}},
	{"answers for one shard first", "shards/bounds are those of the streams, wherever they are", "must answer for all streams in their order", func(f *faulty) {
		f.bounds = func(stream core.ID, bounds core.Bounds) core.Bounds {
			if homeOf(stream) == 1 {
				return core.Bounds{}
			}
			return bounds
		}
	}},
}

// onOneShard appends what is of one shard.
func onOneShard(
	f *faulty, otherwise func(context.Context, time.Time, []core.Batch) error,
) func(context.Context, time.Time, []core.Batch) error {
	return func(ctx context.Context, at time.Time, batches []core.Batch) error {
		for i := range batches {
			if homeOf(batches[i].Stream) != homeOf(batches[0].Stream) {
				return otherwise(ctx, at, batches)
			}
		}
		return f.shared.Append(ctx, at, batches)
	}
}
