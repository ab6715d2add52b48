package eventlog_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// shardedLog is a log in memory whose streams are on two shards by their first byte. Its
// appends are seen, and held up where a shard has a hold.
type shardedLog struct {
	core.EventLog
	hold map[int]chan struct{}
	// clock makes a shard refuse what is earlier, whatever the stream.
	clock map[int]time.Time

	mu    sync.Mutex
	homes map[core.ID]int
	seen  [][]core.ID
}

func newShardedLog(t *testing.T) *shardedLog {
	return &shardedLog{EventLog: coretest.OpenLog(t), homes: map[core.ID]int{{1}: 0, {2}: 0, {3}: 1, {4}: 1, {5}: 0}}
}

func (l *shardedLog) Shards() int { return 2 }

func (l *shardedLog) ShardOf(_ context.Context, stream core.ID) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	home, known := l.homes[stream]
	if !known {
		return 0, core.Unavailable(nil, time.Second, "nobody knows")
	}
	return home, nil
}

func (l *shardedLog) Append(ctx context.Context, at time.Time, batches []core.Batch) error {
	home, _ := l.ShardOf(ctx, batches[0].Stream)
	var streams []core.ID
	for _, batch := range batches {
		if other, _ := l.ShardOf(ctx, batch.Stream); other != home {
			return core.ErrManyShards
		}
		streams = append(streams, batch.Stream)
	}
	if hold := l.hold[home]; hold != nil {
		<-hold
	}
	if last := l.clock[home]; at.Before(last) {
		return &core.ClockError{Last: last}
	}
	l.mu.Lock()
	l.seen = append(l.seen, streams)
	l.mu.Unlock()
	return l.EventLog.Append(ctx, at, batches)
}

func (l *shardedLog) committer(limits core.GroupLimits) *eventlog.Committer {
	return eventlog.NewCommitter(l, eventlog.CommitOptions{Shards: l, Limits: limits, Logger: slog.New(slog.DiscardHandler)})
}

// commit commits an event to each of the streams, one behind the other, and returns how
// to wait for the answers.
func commit(t *testing.T, c *eventlog.Committer, streams ...byte) (wait func() []error) {
	t.Helper()
	errs := make([]error, len(streams))
	var all sync.WaitGroup
	for i, stream := range streams {
		batch := batchFor(stream)
		all.Go(func() { errs[i] = c.Commit(t.Context(), &batch) })
		synctest.Wait()
	}
	return func() []error { all.Wait(); return errs }
}

// A shard that does not answer holds up none of the others, and no group is of two.
func TestAShardThatHangsHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := newShardedLog(t)
		log.hold = map[int]chan struct{}{0: make(chan struct{})}
		c := log.committer(core.GroupLimits{})
		defer c.Close()
		hung := commit(t, c, 1, 2)
		require.Equal(t, []error{nil, nil}, commit(t, c, 3, 4)())
		require.Equal(t, core.CodeUnavailable, core.CodeOf(commit(t, c, 7)()[0]), "a stream whose home nobody knows is refused")
		close(log.hold[0])
		require.Equal(t, []error{nil, nil}, hung())
	})
}

// A stream that moves while its requests wait parts from the others of its lane.
func TestAGroupOfStreamsThatWereMovedApartIsScattered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := newShardedLog(t)
		log.hold = map[int]chan struct{}{0: make(chan struct{})}
		c := log.committer(core.GroupLimits{})
		defer c.Close()
		first := commit(t, c, 1)
		rest := commit(t, c, 1, 2, 1)
		log.mu.Lock()
		log.homes[core.ID{2}] = 1
		log.mu.Unlock()
		close(log.hold[0])
		require.Equal(t, []error{nil}, first())
		require.Equal(t, []error{nil, nil, nil}, rest())
		require.ElementsMatch(t, [][]core.ID{{{1}}, {{1}, {1}}, {{2}}}, log.seen)
	})
}

// A stream that is fenced is refused, and none of those that share its group.
func TestAFencedStreamHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := newShardedLog(t)
		require.NoError(t, log.EventLog.(core.Movable).Fence(t.Context(), core.ID{9}, core.ID{2}, 1))
		log.hold = map[int]chan struct{}{0: make(chan struct{})}
		c := log.committer(core.GroupLimits{})
		defer c.Close()
		first, rest := commit(t, c, 1), commit(t, c, 1, 2, 5, 2)
		close(log.hold[0])
		require.Equal(t, []error{nil}, first())
		var codes []core.Code
		for _, err := range rest() {
			codes = append(codes, core.CodeOf(err))
		}
		require.Equal(t, []core.Code{"", core.CodeUnavailable, "", core.CodeUnavailable}, codes)
	})
}

// A group keeps to what the log takes at once, events with keys counted by themselves.
func TestGroupsKeepToTheLimitsOfTheLog(t *testing.T) {
	t.Parallel()
	for what, limits := range map[string]core.GroupLimits{"events": {Events: 2}, "bytes": {Bytes: 1100}, "keyed": {Keyed: 2}} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				log := newShardedLog(t)
				log.hold = map[int]chan struct{}{0: make(chan struct{})}
				c := log.committer(limits)
				defer c.Close()
				var all sync.WaitGroup
				for i := range 6 {
					batch := batchFor(1)
					batch.Entries[0].IdempotencyKey = string(rune('a' + i))
					all.Go(func() {
						if err := c.Commit(t.Context(), &batch); err != nil {
							t.Error(err)
						}
					})
					synctest.Wait()
				}
				close(log.hold[0])
				all.Wait()
				require.Equal(t, [][]core.ID{{{1}}, {{1}, {1}}, {{1}, {1}}, {{1}}}, log.seen)
			})
		})
	}
}

// A shard may keep one clock for all of its streams, and that may be ahead by a stream
// that a group does not even name. The shard goes on by its own clock, the other by the
// time as it is.
func TestAShardsClockIsFollowed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := newShardedLog(t)
		ahead := time.Now().UTC().Add(time.Hour)
		log.clock = map[int]time.Time{0: ahead}
		log.hold = map[int]chan struct{}{0: make(chan struct{})}
		c := log.committer(core.GroupLimits{})
		defer c.Close()
		waiting, both := commit(t, c, 1), commit(t, c, 2, 5)
		require.Equal(t, []error{nil}, commit(t, c, 3)())
		close(log.hold[0])
		require.Equal(t, []error{nil}, waiting())
		require.Equal(t, []error{nil, nil}, both())
		for stream, at := range map[byte]time.Time{1: ahead, 2: ahead, 5: ahead, 3: time.Now().UTC()} {
			bounds, err := log.Bounds(t.Context(), []core.ID{{stream}})
			require.NoError(t, err)
			require.Equal(t, at, bounds[0].Last, "stream %d", stream)
		}
	})
}
