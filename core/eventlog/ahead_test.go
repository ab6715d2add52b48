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

// heldLog is a log in memory whose appends wait to be let through.
type heldLog struct {
	core.EventLog
	hold chan struct{}
}

// Append implements [core.Appender].
func (l heldLog) Append(ctx context.Context, at time.Time, batches []core.Batch) error {
	<-l.hold
	return l.EventLog.Append(ctx, at, batches)
}

func batchFor(stream byte) core.Batch {
	return core.Batch{Org: core.ID{9}, Stream: core.ID{stream}, Entries: []core.Entry{{Event: core.Event{Type: "t", Payload: []byte("1")}}}}
}

// A stream may hold an event of a node whose clock was an hour ahead. It takes events
// as before, whose times do not go back, and no other stream gets its time, although
// all of them are appended by one lane and in one group.
func TestATimeThatIsAheadStaysWithItsStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := heldLog{coretest.OpenLog(t), make(chan struct{})}
		ahead := time.Now().UTC().Add(time.Hour)
		require.NoError(t, log.EventLog.Append(t.Context(), ahead, []core.Batch{batchFor(1)}))
		c := eventlog.NewCommitter(log, eventlog.CommitOptions{Logger: slog.New(slog.DiscardHandler)})
		defer c.Close()
		for range 3 {
			now := time.Now().UTC()
			require.Equal(t, map[byte]time.Time{1: ahead, 2: now, 3: now, 5: now}, together(t, c, log))
			time.Sleep(time.Minute) // the bubble's clock
		}
		time.Sleep(2 * time.Hour)
		now := time.Now().UTC()
		require.Equal(t, map[byte]time.Time{1: now, 2: now, 3: now, 5: now}, together(t, c, log), "the clock has caught up")
	})
}

// A time that is a little ahead is taken over by all: nodes know the time to some
// milliseconds, and their groups must not fall apart over it.
func TestATimeThatIsALittleAheadIsTakenOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := heldLog{coretest.OpenLog(t), make(chan struct{})}
		ahead := time.Now().UTC().Add(20 * time.Millisecond)
		require.NoError(t, log.EventLog.Append(t.Context(), ahead, []core.Batch{batchFor(1)}))
		c := eventlog.NewCommitter(log, eventlog.CommitOptions{Logger: slog.New(slog.DiscardHandler)})
		defer c.Close()
		require.Equal(t, map[byte]time.Time{1: ahead, 2: ahead, 3: ahead, 5: time.Now().UTC()}, together(t, c, log))
	})
}

// together commits an event to stream 5, and behind it one to each of 1, 2 and 3,
// which become one group. It returns when the events were received.
func together(t *testing.T, c *eventlog.Committer, log heldLog) map[byte]time.Time {
	t.Helper()
	batches := map[byte]core.Batch{}
	var all sync.WaitGroup
	for _, stream := range []byte{5, 1, 2, 3} {
		batch := batchFor(stream)
		batches[stream] = batch
		all.Go(func() {
			if err := c.Commit(t.Context(), &batch); err != nil {
				t.Errorf("stream %d: %v", stream, err)
			}
		})
		synctest.Wait()
	}
	answered := make(chan struct{})
	go func() {
		all.Wait()
		close(answered)
	}()
	for {
		select {
		case log.hold <- struct{}{}:
			continue
		case <-answered:
		}
		break
	}
	times := map[byte]time.Time{}
	for stream, batch := range batches {
		times[stream] = batch.Entries[0].ReceivedAt
	}
	return times
}
