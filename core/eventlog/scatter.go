package eventlog

import (
	"context"
	"errors"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// A stream may be moved to another shard while its requests wait in the lane of the one
// before. The store refuses a group of two shards, which happens once to the group that
// is under way when the move ends, and to what is in the queue behind it.

// scatter commits a group whose streams turned out to be on several shards, the requests
// of one shard after those of another. The requests of a stream keep their order.
func (l *lane) scatter(group []*pending) {
	parts := map[int][]*pending{}
	for _, p := range group {
		shard, err := l.shardOf(p)
		if err != nil {
			answerAll([]*pending{p}, core.StoreFailed(err))
			continue
		}
		parts[shard] = append(parts[shard], p)
	}
	for _, part := range parts {
		if len(part) == len(group) { // it would be refused again
			answerAll(part, core.Unavailable(nil, time.Second, "a stream is being moved to another shard and nothing was stored; try again"))
			return
		}
		l.commit(part)
	}
}

// isFenced reports whether a stream of an append is being moved, or was.
func isFenced(err error) bool {
	_, is := errors.AsType[*core.FencedError](err)
	return is
}

// leaveOut commits a group without the stream that has made the store refuse all of it,
// and then that stream alone, so that a move is felt by nobody else.
func (l *lane) leaveOut(group []*pending, stream core.ID) {
	var own, others []*pending
	for _, p := range group {
		if p.batch.Stream == stream {
			own = append(own, p)
		} else {
			others = append(others, p)
		}
	}
	if len(own) == 0 || len(others) == 0 { // the store contradicts itself
		answerAll(group, core.Unavailable(nil, time.Second, "a stream is being moved to another shard and nothing was stored; try again"))
		return
	}
	l.commit(others)
	l.commit(own)
}

// shardOf looks for as long as any step of a commit may take, because the request itself
// may have left.
func (l *lane) shardOf(p *pending) (int, error) {
	if l.options.Shards == nil {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.ctx), l.options.ResolveFor)
	defer cancel()
	return l.options.Shards.ShardOf(ctx, p.batch.Stream)
}
