package eventlog

import (
	"context"
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
