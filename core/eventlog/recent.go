package eventlog

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Recent wakes the followers of a stream when it grows, and keeps the newest
// events of followed streams in memory. So a follower at the head costs no query
// of its own. A stream that nobody follows costs nothing.
//
// It hears of new events in three ways: from this node's committer ([Recent.Committed]),
// from other nodes through the notifier, and by asking the log now and then. The
// last is the one that is certain; the others are quick.
type Recent struct {
	log core.Reader
	// notifier carries the news between nodes. It is nil when there is none: then
	// this node is alone, or finds the others' events by asking the log.
	notifier core.Notifier
	logger   *slog.Logger
	// look has shards asked by themselves. It is nil where the log is one shard.
	look *shardedLook
	// total counts commits, and what waits for one. parts has a tally for each organization
	// of what was of that one only.
	total tally
	parts sync.Map

	// mu guards streams, and of each followed its followers and idle. It is held
	// for a look into the map: every commit takes it, so nothing that waits may
	// happen under it. No method holds it together with followed.mu.
	mu      sync.RWMutex
	streams map[core.ID]*followed

	// toldMu guards told. It is apart from mu, so that commits do not wait for one
	// another's followers.
	toldMu sync.Mutex
	// told holds the streams that other nodes have yet to hear of, each once
	// however many commits it has had.
	told map[core.ID]struct{}
	// tell holds at most one signal: told is not empty, or was sent a moment ago.
	tell chan struct{}
}

// tally counts what Committed was told of, and the batches that wait for their commit.
type tally struct{ commits, waiting atomic.Int64 }

// RecheckInterval bounds how long a stream's growth on another node can go
// unnoticed when the news of it is lost.
const RecheckInterval = time.Second

// aloneInterval takes the place of [RecheckInterval] without a notifier.
const aloneInterval = 100 * time.Millisecond

// NewRecent returns the hub over a log. Run keeps it going.
func NewRecent(log core.Reader, notifier core.Notifier, logger *slog.Logger) *Recent {
	return &Recent{
		log: log, notifier: notifier, logger: logger, streams: map[core.ID]*followed{}, told: map[core.ID]struct{}{}, tell: make(chan struct{}, 1),
	}
}

// Follow begins to follow a stream. The follower must be closed.
func (r *Recent) Follow(ctx context.Context, stream core.ID) (*Follower, error) {
	r.mu.Lock()
	f := r.streams[stream]
	if f == nil {
		f = &followed{stream: stream, next: -1, changed: make(chan struct{})}
		r.streams[stream] = f
	}
	f.followers++ // under the same lock as the look-up: forget cannot come between
	r.mu.Unlock()
	// The head is asked for after the stream is in the map. An event that is
	// committed in between is heard of, and the later of the two numbers counts.
	handle := &Follower{followed: f, hub: r}
	if f.begun() {
		return handle, nil
	}
	bounds, err := r.log.Bounds(ctx, []core.ID{stream})
	if err != nil {
		handle.Close()
		return nil, err
	}
	f.begin(bounds[0].Next)
	return handle, nil
}

// lingering is how long a stream is kept after its last follower left. Consumers
// leave with every answer and come back.
const lingering = 10 * time.Second

// forget lets go of the streams that nobody follows any more. It is called once
// every interval, which it counts by instead of by a clock.
func (r *Recent) forget(interval time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for stream, f := range r.streams {
		switch {
		case f.followers > 0:
			f.idle = 0
		case f.idle >= lingering:
			delete(r.streams, stream)
			if r.look != nil {
				r.look.forget(f)
			}
		default:
			f.idle += interval
		}
	}
}

// Recall returns up to limit events from an offset up to, not including, to, out of memory.
// It reports false when not all of them are kept: the log has them then.
func (r *Recent) Recall(stream core.ID, from, to core.Offset, limit int) (events []core.Event, kept bool) {
	r.mu.RLock()
	f := r.streams[stream]
	r.mu.RUnlock()
	if f == nil {
		return nil, false
	}
	events = f.recall(from, to, limit)
	return events, len(events) > 0 && (events[len(events)-1].Offset == to-1 || len(events) == limit)
}

// Committed takes in what this node has made durable, and has other nodes told.
// The committer calls it while requests wait for their answer, so it only copies;
// a gap is fetched by a goroutine of its own.
func (r *Recent) Committed(batches []core.Batch) {
	r.count(batches)
	for i := range batches {
		if len(batches[i].Entries) == 0 {
			continue
		}
		r.mu.RLock()
		f := r.streams[batches[i].Stream]
		r.mu.RUnlock()
		if f != nil && f.add(&batches[i]) {
			go r.fetch(f)
		}
	}
	r.spread(batches)
}

// count counts a commit.
func (r *Recent) count(batches []core.Batch) {
	r.total.commits.Add(1)
	for i := range batches {
		if batches[i].Org != batches[0].Org {
			return
		}
	}
	if len(batches) == 0 {
		return
	}
	r.part(batches[0].Org).commits.Add(1)
}

// part returns the tally of one organization.
func (r *Recent) part(org core.ID) *tally {
	mine, known := r.parts.Load(org)
	if !known {
		mine, _ = r.parts.LoadOrStore(org, new(tally))
	}
	return mine.(*tally)
}

// Waiting is told how many more, or fewer, batches of an organization wait for their
// commit. The committer calls it for each, so it only counts.
func (r *Recent) Waiting(org core.ID, more int64) {
	r.total.waiting.Add(more)
	r.part(org).waiting.Add(more)
}

// othersThan is how many commits others than an organization had a part in, and how many
// batches of theirs wait for one now. It may be off by those that are being counted.
func (r *Recent) othersThan(org core.ID) (commits, waiting int64) {
	mine, known := r.parts.Load(org)
	if !known {
		return r.total.commits.Load(), r.total.waiting.Load()
	}
	part := mine.(*tally)
	return r.total.commits.Load() - part.commits.Load(), r.total.waiting.Load() - part.waiting.Load()
}

// spread has the other nodes told, by the goroutine of telling. Commits that come
// while it is at work are told together.
func (r *Recent) spread(batches []core.Batch) {
	if r.notifier == nil {
		return
	}
	r.toldMu.Lock()
	for i := range batches {
		r.told[batches[i].Stream] = struct{}{}
	}
	r.toldMu.Unlock()
	select {
	case r.tell <- struct{}{}:
	default:
	}
}

// fetch reads the events between next and known until there are none. The caller
// was told by add or reach that it is the one to do so. Where there are many, only
// the newest are read.
func (r *Recent) fetch(f *followed) {
	for {
		from, known, turn := f.missing()
		events, err := r.log.Read(context.Background(), f.stream, core.Scan{From: from, To: known, Limit: recentEvents, Bytes: recentBytes})
		if err != nil {
			r.logger.Warn("could not read the newest events; followers will get them later", "stream_id", f.stream, "error", err)
		}
		if f.fetched(from, turn, events, err != nil) {
			return
		}
	}
}

// Run exchanges news with the other nodes, and asks the log at intervals, until
// ctx ends.
func (r *Recent) Run(ctx context.Context) {
	interval := aloneInterval
	var listening sync.WaitGroup
	if r.notifier != nil {
		interval = RecheckInterval
		listening.Go(func() { r.notifier.Listen(ctx, func(stream core.ID) { r.heard(ctx, stream) }) })
		listening.Go(func() { r.telling(ctx) })
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			listening.Wait()
			if r.look != nil {
				r.look.asking.Wait()
			}
			return
		case <-tick.C:
			r.forget(interval)
			r.ask(ctx, r.all(), false)
		}
	}
}

// telling sends what spread gathers.
func (r *Recent) telling(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.tell:
		}
		// The set is copied, because Notify may take long and commits must not wait.
		r.toldMu.Lock()
		streams := make([]core.ID, 0, len(r.told))
		for stream := range r.told {
			streams = append(streams, stream)
		}
		clear(r.told)
		r.toldMu.Unlock()
		if len(streams) == 0 {
			continue // the signal came with streams that the round before has sent
		}
		if err := r.notifier.Notify(ctx, streams); err != nil && ctx.Err() == nil {
			r.logger.Warn("could not tell other nodes of new events; they will find them a little later", "error", err)
		}
	}
}

// heard takes in the news that a stream has grown on another node. The news does
// not say how far, so the log is asked.
func (r *Recent) heard(ctx context.Context, stream core.ID) {
	r.mu.RLock()
	f := r.streams[stream]
	r.mu.RUnlock()
	if f != nil {
		r.ask(ctx, []*followed{f}, true)
	}
}

// all returns the followed streams.
func (r *Recent) all() []*followed {
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := make([]*followed, 0, len(r.streams))
	for _, f := range r.streams {
		all = append(all, f)
	}
	return all
}

// recheckTimeout bounds a question to the log about followed streams.
const recheckTimeout = 10 * time.Second

// recheck asks the log how far streams reach, all with one question, and fetches
// what is new. It takes as long as the log does. Of streams that cannot be asked about, others hear nothing.
func (r *Recent) recheck(ctx context.Context, all []*followed) {
	if len(all) == 0 {
		return
	}
	ids, before := make([]core.ID, len(all)), make([]core.Offset, len(all))
	for i, f := range all {
		ids[i], before[i] = f.stream, f.reached()
	}
	asking, cancel := context.WithTimeout(ctx, recheckTimeout)
	defer cancel()
	bounds, err := r.log.Bounds(asking, ids)
	if err != nil && ctx.Err() == nil {
		r.logger.Warn("could not ask the log for new events; it will be asked again", "error", err)
	}
	known, unknown := core.KnownBounds(bounds, err)
	for i, f := range all {
		if unknown(i) {
			f.doubt()
		} else if f.reach(known[i].Next, before[i]) {
			r.fetch(f)
		}
	}
}
