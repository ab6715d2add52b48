package eventlog_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// twoShards is a log whose streams are on the shard that the last byte of their ids names.
// Shard 1 may hang: then it answers nothing until nobody waits any more.
type twoShards struct {
	core.EventLog
	hangs atomic.Bool
	asked [2]atomic.Int64
}

func (l *twoShards) Shards() int { return 2 }

func (l *twoShards) ShardOf(_ context.Context, stream core.ID) (int, error) {
	return int(stream[15]), nil
}

func (l *twoShards) Bounds(ctx context.Context, streams []core.ID) ([]core.Bounds, error) {
	part := &core.BoundsError{Unknown: make([]bool, len(streams))}
	for i, stream := range streams {
		l.asked[stream[15]].Add(1)
		part.Unknown[i] = stream[15] == 1 && l.hangs.Load()
		if part.Unknown[i] && part.Err == nil {
			<-ctx.Done()
			part.Err = ctx.Err()
		}
	}
	bounds, err := l.EventLog.Bounds(context.WithoutCancel(ctx), streams)
	if part.Bounds = bounds; part.Err != nil {
		return nil, part
	}
	return bounds, err
}

func (l *twoShards) Read(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
	if stream[15] == 1 && l.hangs.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return l.EventLog.Read(ctx, stream, scan)
}

// put stores an event as another node would.
func (l *twoShards) put(t *testing.T, stream core.ID) {
	t.Helper()
	require.NoError(t, l.Append(t.Context(), time.Now().UTC(), []core.Batch{{Org: core.ID{1}, Stream: stream, Entries: []core.Entry{{
		Event: core.Event{Type: "made", Payload: []byte("1")},
	}}}}))
}

// A shard that hangs keeps the followers of another shard from no news that comes from other
// nodes, neither where nodes ask the log nor where they tell each other. Its own followers
// hear of theirs once it answers.
func TestAShardThatHangsDelaysNoNewsOfOthers(t *testing.T) {
	t.Parallel()
	for name, told := range map[string]bool{"by asking": false, "by a notifier": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				log, ctx := &twoShards{EventLog: coretest.OpenLog(t)}, t.Context()
				var notifier core.Notifier
				within, news := 100*time.Millisecond, make(chan core.ID)
				if told {
					notifier, within = telephone{news}, 0
				}
				r := eventlog.NewRecent(log, notifier, slog.New(slog.DiscardHandler))
				r.ByShard(log)
				known, lost := core.ID{0: 7}, core.ID{0: 7, 15: 1}
				there, err := r.Follow(ctx, known)
				require.NoError(t, err)
				defer there.Close()
				hung, err := r.Follow(ctx, lost)
				require.NoError(t, err)
				defer hung.Close()
				go r.Run(ctx)
				tell := func(stream core.ID) {
					if told {
						go func() { news <- stream }()
					}
				}
				log.hangs.Store(true)
				time.Sleep(eventlog.RecheckInterval + time.Millisecond) // it is being asked
				tell(lost)
				time.Sleep(time.Millisecond)
				asked := log.asked[1].Load()
				for range 20 {
					head, _ := there.Head()
					began := time.Now()
					log.put(t, known)
					tell(known)
					require.LessOrEqual(t, untilNews(t, there, head).Sub(began), within)
				}
				require.LessOrEqual(t, log.asked[1].Load(), asked+2, "who hangs is asked once in ten seconds")
				head, _ := hung.Head()
				log.put(t, lost)
				log.hangs.Store(false)
				began := time.Now()
				require.LessOrEqual(t, untilNews(t, hung, head).Sub(began), 10*time.Second+eventlog.RecheckInterval)
			})
		})
	}
}

// untilNews waits until a follower sees the head behind an offset, and returns when.
func untilNews(t *testing.T, f *eventlog.Follower, head core.Offset) time.Time {
	t.Helper()
	for {
		now, changed := f.Head()
		if now > head {
			return time.Now()
		}
		select {
		case <-changed:
		case <-time.After(time.Minute):
			require.Fail(t, "no news came")
		}
	}
}

// telephone hands on what it is told, one word after the other.
type telephone struct{ news chan core.ID }

func (telephone) Notify(context.Context, []core.ID) error { return nil }

func (p telephone) Listen(ctx context.Context, heard func(core.ID)) {
	for {
		select {
		case stream := <-p.news:
			heard(stream)
		case <-ctx.Done():
			return
		}
	}
}
