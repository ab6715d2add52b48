package eventlog

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Recent tells those who follow streams that they have grown, and keeps the
// newest events of these streams in memory, so that any number of followers at
// the head costs no query each. Streams that nobody follows cost nothing.
type Recent struct {
	log      core.Reader
	notifier core.Notifier // nil: this node is alone, or the others are found by asking
	logger   *slog.Logger

	mu      sync.RWMutex
	streams map[core.ID]*followed
	// told gathers the streams that other nodes are to hear of.
	toldMu sync.Mutex
	told   map[core.ID]struct{}
	tell   chan struct{}
}

// The bounds of what is kept of one stream.
const (
	recentEvents = 2000
	recentBytes  = 4 << 20
)

// RecheckInterval bounds how long the growth of a stream goes unnoticed when
// it happens on another node and no news of it arrives.
const RecheckInterval = time.Second

// aloneInterval is the same where there is no notifier.
const aloneInterval = 100 * time.Millisecond

// NewRecent returns the hub over a log. Run keeps it going.
func NewRecent(log core.Reader, notifier core.Notifier, logger *slog.Logger) *Recent {
	return &Recent{
		log: log, notifier: notifier, logger: logger, streams: map[core.ID]*followed{}, told: map[core.ID]struct{}{}, tell: make(chan struct{}, 1),
	}
}

// followed is a stream with followers.
type followed struct {
	stream core.ID
	// followers and idle, the seconds without any, are guarded by Recent.mu.
	followers int
	idle      time.Duration

	mu sync.Mutex
	// events are the newest ones, without a gap, up to next; known is how far the
	// stream reaches, as far as is known.
	events      []core.Event
	bytes       int
	next, known core.Offset
	fetching    bool
	// changed is closed when known grows.
	changed chan struct{}
}

// Follower is one who follows a stream, until close.
type Follower struct {
	*followed
	hub *Recent
}

// Follow begins to follow a stream.
func (r *Recent) Follow(ctx context.Context, stream core.ID) (*Follower, error) {
	r.mu.Lock()
	f := r.streams[stream]
	if f == nil {
		f = &followed{stream: stream, next: -1, changed: make(chan struct{})}
		r.streams[stream] = f
	}
	f.followers++
	r.mu.Unlock()
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

func (f *Follower) Close() {
	f.hub.mu.Lock()
	defer f.hub.mu.Unlock()
	f.followers--
}

// lingering is how long a stream is kept after its last follower left:
// consumers leave with every answer and come back.
const lingering = 10 * time.Second

// forget lets go of streams that nobody follows any more; it is called every
// interval.
func (r *Recent) forget(interval time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for stream, f := range r.streams {
		switch {
		case f.followers > 0:
			f.idle = 0
		case f.idle >= lingering:
			delete(r.streams, stream)
		default:
			f.idle += interval
		}
	}
}

func (f *followed) begun() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.next >= 0
}

func (f *followed) begin(next core.Offset) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.next < 0 {
		f.next, f.known = next, max(f.known, next)
	}
}

// Head returns how far the stream is known to reach, and what is closed when
// it reaches further.
func (f *followed) Head() (core.Offset, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.known, f.changed
}

// recall returns events from an offset on, or nothing when they are not kept.
func (f *followed) recall(from, to core.Offset, limit int) []core.Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	first := f.next - core.Offset(len(f.events))
	if from < first || from >= f.next {
		return nil
	}
	to = min(to, f.next, from+core.Offset(limit))
	return slices.Clone(f.events[from-first : to-first])
}

// Read returns up to limit events from an offset up to, not including, to:
// from memory where they are there.
func (r *Recent) Read(ctx context.Context, stream core.ID, from, to core.Offset, limit, bytes int) ([]core.Event, error) {
	r.mu.RLock()
	f := r.streams[stream]
	r.mu.RUnlock()
	if f != nil {
		if events := f.recall(from, to, limit); len(events) > 0 && (events[len(events)-1].Offset == to-1 || len(events) == limit) {
			return events, nil
		}
	}
	return r.log.Read(ctx, stream, core.Scan{From: from, To: to, Limit: limit, Bytes: bytes})
}

// Committed is told of what this node has made durable.
func (r *Recent) Committed(batches []core.Batch) {
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

// spread has the other nodes told, from another goroutine and once for many
// commits.
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

// add keeps a batch's new events. It reports whether there is a gap before
// them that the caller has to fetch.
func (f *followed) add(batch *core.Batch) (gap bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range batch.Entries {
		entry := &batch.Entries[i]
		if entry.Outcome != core.Stored || entry.Offset < f.next {
			continue
		}
		f.known = max(f.known, entry.Offset+1)
		if f.next >= 0 && entry.Offset == f.next && !f.fetching {
			f.keep(own(entry.Event, len(batch.Entries) > 1))
		}
	}
	return f.grown()
}

// own returns an event that keeps no larger buffer alive: those of a batch
// share one.
func own(event core.Event, shared bool) core.Event {
	if shared {
		event.Payload, event.Context = slices.Clone(event.Payload), slices.Clone(event.Context)
		event.Type, event.Source = strings.Clone(event.Type), strings.Clone(event.Source)
		event.Subject, event.IdempotencyKey = strings.Clone(event.Subject), strings.Clone(event.IdempotencyKey)
	}
	return event
}

// keep adds the event at next, and lets go of the oldest.
func (f *followed) keep(event core.Event) {
	f.events = append(f.events, event)
	f.next++
	f.bytes += event.Size()
	drop := 0
	for len(f.events)-drop > recentEvents || f.bytes > recentBytes && len(f.events)-drop > 1 {
		f.bytes -= f.events[drop].Size()
		drop++
	}
	if drop > recentEvents/4 || drop > 0 && f.bytes > recentBytes/2 {
		f.events = append(make([]core.Event, 0, len(f.events)-drop+recentEvents/4), f.events[drop:]...)
	} else {
		clear(f.events[:drop])
		f.events = f.events[drop:]
	}
}

// grown wakes the followers when all that is known is kept, and otherwise
// reports that somebody has to fetch it.
func (f *followed) grown() (fetch bool) {
	if f.next < 0 || f.fetching {
		return false
	}
	if f.next < f.known {
		f.fetching = true
		return true
	}
	close(f.changed)
	f.changed = make(chan struct{})
	return false
}

// reach notes that a stream is known to reach an offset.
func (f *followed) reach(next core.Offset) (fetch bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if next <= f.known {
		return false
	}
	f.known = next
	return f.grown()
}

// fetch reads what is known and not kept. Of much it keeps the newest.
func (r *Recent) fetch(f *followed) {
	for {
		from, known := f.missing()
		events, err := r.log.Read(context.Background(), f.stream, core.Scan{From: from, To: known, Limit: recentEvents, Bytes: recentBytes})
		if err != nil {
			r.logger.Warn("the newest events could not be read, followers get them later", "stream_id", f.stream, "error", err)
		}
		if f.fetched(from, events, err != nil) {
			return
		}
	}
}

// missing returns what a fetch has to read.
func (f *followed) missing() (from, known core.Offset) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known-f.next > recentEvents {
		f.next, f.events, f.bytes = f.known-recentEvents, nil, 0
	}
	return f.next, f.known
}

// fetched keeps what a fetch has read, and reports whether that was all.
func (f *followed) fetched(from core.Offset, events []core.Event, failed bool) (done bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, event := range events {
		if event.Offset != f.next { // retention was faster
			f.next, f.events, f.bytes = event.Offset, nil, 0
		}
		f.keep(event)
	}
	if !failed && len(events) == 0 && f.next == from { // all of it was removed
		f.next, f.events, f.bytes = f.known, nil, 0
	}
	if failed {
		f.fetching = false
		close(f.changed)
		f.changed = make(chan struct{})
		return true
	}
	if f.next < f.known {
		return false
	}
	f.fetching = false
	f.grown()
	return true
}

// Run tells and hears the other nodes, and asks the log now and then, until
// ctx ends.
func (r *Recent) Run(ctx context.Context) {
	interval := aloneInterval
	var listening sync.WaitGroup
	if r.notifier != nil {
		interval = RecheckInterval
		listening.Go(func() { r.notifier.Listen(ctx, r.heard) })
		listening.Go(func() { r.telling(ctx) })
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			listening.Wait()
			return
		case <-tick.C:
			r.forget(interval)
			r.recheck(ctx, r.all())
		}
	}
}

func (r *Recent) telling(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.tell:
		}
		r.toldMu.Lock()
		streams := make([]core.ID, 0, len(r.told))
		for stream := range r.told {
			streams = append(streams, stream)
		}
		clear(r.told)
		r.toldMu.Unlock()
		if len(streams) == 0 {
			continue // they were told of with those before
		}
		if err := r.notifier.Notify(ctx, streams); err != nil && ctx.Err() == nil {
			r.logger.Warn("other nodes were not told of new events, they find them a little later", "error", err)
		}
	}
}

func (r *Recent) heard(stream core.ID) {
	r.mu.RLock()
	f := r.streams[stream]
	r.mu.RUnlock()
	if f != nil {
		r.recheck(context.Background(), []*followed{f})
	}
}

func (r *Recent) all() []*followed {
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := make([]*followed, 0, len(r.streams))
	for _, f := range r.streams {
		all = append(all, f)
	}
	return all
}

// recheck asks the log how far streams reach.
func (r *Recent) recheck(ctx context.Context, all []*followed) {
	if len(all) == 0 {
		return
	}
	ids := make([]core.ID, len(all))
	for i, f := range all {
		ids[i] = f.stream
	}
	bounds, err := r.log.Bounds(ctx, ids)
	if err != nil {
		if ctx.Err() == nil {
			r.logger.Warn("the log did not say how far streams reach", "error", err)
		}
		return
	}
	for i, f := range all {
		if f.reach(bounds[i].Next) {
			r.fetch(f)
		}
	}
}
