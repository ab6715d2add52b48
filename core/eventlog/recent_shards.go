package eventlog

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// shardedLook has each shard of a log asked for news by itself, so that one that hangs keeps
// nobody waiting but the followers of its own streams.
type shardedLook struct {
	shards core.Sharded
	// asking are the questions that are under way.
	asking sync.WaitGroup

	// mu guards what follows. It is not held while somebody is asked.
	mu sync.Mutex
	// busy holds the shards that are being asked, each with the streams of which there was
	// news meanwhile: they are asked about once more.
	busy map[int]map[*followed]struct{}
	// seats are where streams were found to be. They need not be true: a stream that has
	// moved is asked about beside those of another shard, and the log knows better.
	seats map[*followed]seat
}

type seat struct {
	shard int
	at    time.Time
}

// seatFor is how long a stream is taken to be where it was found: moves are rare.
const seatFor = time.Minute

// ByShard has each shard of the log asked for news by itself. It is called before anything else;
// nil, or one shard, changes nothing.
func (r *Recent) ByShard(shards core.Sharded) {
	if shards != nil && shards.Shards() > 1 {
		r.look = &shardedLook{shards: shards, busy: map[int]map[*followed]struct{}{}, seats: map[*followed]seat{}}
	}
}

// ask asks the log how far streams reach, and fetches what is new. Where it has several shards
// it waits for none of them: those that are still being asked are left alone, or are asked
// once more about streams of which there is news.
func (r *Recent) ask(ctx context.Context, all []*followed, news bool) {
	if r.look == nil {
		r.recheck(ctx, all)
		return
	}
	for shard, some := range r.look.parts(ctx, all) {
		if r.look.begin(shard, some, news) {
			r.look.asking.Go(func() {
				for len(some) > 0 && ctx.Err() == nil {
					r.recheck(ctx, some)
					some = r.look.next(shard)
				}
			})
		}
	}
}

// parts groups streams by their shards. One whose shard nobody can tell is a part of shard -1.
func (l *shardedLook) parts(ctx context.Context, all []*followed) map[int][]*followed {
	parts := map[int][]*followed{}
	for _, f := range all {
		shard := l.shardOf(ctx, f)
		parts[shard] = append(parts[shard], f)
	}
	return parts
}

func (l *shardedLook) shardOf(ctx context.Context, f *followed) int {
	l.mu.Lock()
	known, ok := l.seats[f]
	l.mu.Unlock()
	if ok && time.Since(known.at) < seatFor {
		return known.shard
	}
	shard, err := l.shards.ShardOf(ctx, f.stream)
	if err != nil {
		return -1
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seats[f] = seat{shard, time.Now()}
	return shard
}

// forget lets go of a stream that nobody follows any more.
func (l *shardedLook) forget(f *followed) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.seats, f)
}

// begin reports whether the caller is to ask a shard. Where that is being asked, it is asked
// once more about streams of which there is news.
func (l *shardedLook) begin(shard int, some []*followed, news bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	later, busy := l.busy[shard]
	if !busy {
		l.busy[shard] = map[*followed]struct{}{}
		return true
	}
	if news {
		for _, f := range some {
			later[f] = struct{}{}
		}
	}
	return false
}

// next returns the streams that a shard is to be asked about once more. Without any it is
// not being asked from now on.
func (l *shardedLook) next(shard int) []*followed {
	l.mu.Lock()
	defer l.mu.Unlock()
	some := slices.Collect(maps.Keys(l.busy[shard]))
	if clear(l.busy[shard]); len(some) == 0 {
		delete(l.busy, shard)
	}
	return some
}
