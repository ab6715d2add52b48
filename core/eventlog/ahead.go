package eventlog

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// A stream may hold an event that is ahead of the clock: by a little, because nodes
// know the database's clock to a few milliseconds only, or by an hour, because a node
// of an earlier version had a wrong clock. The times of a stream never decrease, so
// its next events get the time of that one until the clock has caught up.
//
// A little is taken over by the whole lane. More must not spread: such a stream is
// appended by itself, in transactions that no other stream shares. Only where a shard has
// one clock for all of its streams there is no way but to follow that.

// errApart says that some stream of a group turned out to be ahead, so that the
// group is to be split.
var errApart = errors.New("a stream of the group is ahead of the clock")

// time returns the time for a part of a group as apart makes them: stream is the
// only one of it, or none of it is ahead.
func (l *lane) time(stream core.ID) time.Time {
	at := l.options.Now.Stamp()
	if l.floor.After(at) && l.near(l.floor, at) {
		at = l.floor
	}
	l.floor = at
	if l.shardAt.After(at) {
		at = l.shardAt
	}
	if last := l.ahead[stream]; last.After(at) {
		return last
	}
	return at
}

// near reports whether a time is so little ahead that the whole lane may take it over.
func (l *lane) near(last, now time.Time) bool { return last.Sub(now) <= ClockTolerance }

// apart splits a group into parts that each may have one time: the requests of each
// stream that is ahead, and all others. The requests of a stream keep their order.
func (l *lane) apart(group []*pending) [][]*pending {
	var others []*pending
	alone := map[core.ID][]*pending{}
	now := l.options.Now.Stamp()
	for _, p := range group {
		stream := p.batch.Stream
		if last, ok := l.ahead[stream]; ok && !l.near(last, now) {
			alone[stream] = append(alone[stream], p)
			continue
		}
		delete(l.ahead, stream) // the clock has caught up
		others = append(others, p)
	}
	var parts [][]*pending
	if len(others) > 0 {
		parts = append(parts, others)
	}
	for _, part := range alone {
		parts = append(parts, part)
	}
	return parts
}

// catchUp notes that one of the batches' streams holds an event received at last,
// which is later than the time that the batches got. It returns errApart when the
// others must not get that time.
func (l *lane) catchUp(ctx context.Context, batches []core.Batch, last time.Time) error {
	now := l.options.Now.Stamp()
	streams := streamsOf(batches)
	switch {
	case l.near(last, now):
		l.floor = last
		return nil
	case len(streams) == 1:
		l.runAhead(streams[0], last)
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, l.options.ResolveFor)
	defer cancel()
	bounds, err := l.log.Bounds(ctx, streams)
	if err != nil {
		return l.failed(ctx, err)
	}
	for i, stream := range streams {
		if !l.near(bounds[i].Last, now) {
			l.runAhead(stream, bounds[i].Last)
			err = errApart
		}
	}
	if err != nil {
		return err
	}
	if l.options.Shards == nil { // the store contradicts itself
		return core.Unavailable(nil, time.Second, "a stream is ahead of the clock; try again")
	}
	l.followShard(last)
	return nil
}

// followShard notes that another stream of the shard is ahead, and the shard's clock with
// it.
func (l *lane) followShard(last time.Time) {
	if !l.shardAt.After(l.options.Now.Stamp()) {
		l.options.Logger.Warn("a shard's newest event is ahead of the clock; the next ones get its time until the clock has caught up", "newest", last)
	}
	l.shardAt = last
}

// runAhead remembers that a stream is ahead of the clock.
func (l *lane) runAhead(stream core.ID, last time.Time) {
	if l.ahead == nil {
		l.ahead = map[core.ID]time.Time{}
	}
	if _, known := l.ahead[stream]; !known {
		l.options.Logger.Warn("a stream holds events that are ahead of the clock; the next ones get the time of the newest until the clock has caught up",
			"stream_id", stream, "newest", last)
	}
	l.ahead[stream] = last
}

// streamsOf returns the streams of batches, each once.
func streamsOf(batches []core.Batch) (streams []core.ID) {
	for i := range batches {
		if !slices.Contains(streams, batches[i].Stream) {
			streams = append(streams, batches[i].Stream)
		}
	}
	return streams
}
