package eventlog

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// slowLog takes two milliseconds for a group and 15 microseconds for each event.
type slowLog struct{ scriptedLog }

func (l *slowLog) Append(_ context.Context, _ time.Time, batches []core.Batch) error {
	took := 2 * time.Millisecond
	for i := range batches {
		took += time.Duration(len(batches[i].Entries)) * 15 * time.Microsecond
	}
	time.Sleep(took)
	return nil
}

// market is a committer that two organizations use.
type market struct {
	t *testing.T
	*Committer
	until time.Time
	all   sync.WaitGroup
}

// send has clients of an organization send batches of so many events, one after the
// other, and counts what is stored. What is refused is sent again.
func (m *market) send(org byte, clients, events int) (stored, refused *atomic.Int64) {
	stored, refused = new(atomic.Int64), new(atomic.Int64)
	for range clients {
		m.all.Go(func() {
			batch := core.Batch{Org: core.ID{org}, Stream: core.ID{org}, Entries: make([]core.Entry, events)}
			for time.Now().Before(m.until) {
				if err := m.Commit(m.t.Context(), &batch); err != nil {
					refused.Add(1)
					time.Sleep(20 * time.Millisecond)
					continue
				}
				stored.Add(1)
			}
		})
	}
	return stored, refused
}

// An organization that sends large batches on many connections, as many as fill the queue,
// neither keeps those of another one waiting behind all of them, nor has them refused.
func TestLargeBatchesKeepNobodyElseWaiting(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ clients, events, least int }{
		{clients: 30, events: 1000, least: 2900}, // 16 after each group of 17 ms
		{clients: 8, events: 10_000, least: 380}, // 16 after each of 152 ms
	} {
		synctest.Test(t, func(t *testing.T) {
			m := &market{t: t, Committer: NewCommitter(&slowLog{}, CommitOptions{Logger: quiet()}), until: time.Now().Add(4 * time.Second)}
			defer m.Close()
			them, _ := m.send(1, c.clients, c.events)
			time.Sleep(time.Millisecond)
			mine, refused := m.send(2, 16, 1)
			m.all.Wait()
			require.GreaterOrEqual(t, mine.Load(), int64(c.least))
			require.Zero(t, refused.Load())
			require.GreaterOrEqual(t, them.Load()*int64(c.events), int64(200_000), "they get on")
		})
	}
}

// One organization by itself has groups as large as may be, also a moment after another
// one was there.
func TestOneOrganizationHasLargeGroups(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &market{t: t, Committer: NewCommitter(&slowLog{}, CommitOptions{Logger: quiet()}), until: time.Now().Add(4 * time.Second)}
		defer m.Close()
		other := core.Batch{Org: core.ID{2}, Stream: core.ID{2}, Entries: make([]core.Entry, 1)}
		require.NoError(t, m.Commit(t.Context(), &other))
		them, _ := m.send(1, 30, 100)
		m.all.Wait()
		require.GreaterOrEqual(t, them.Load(), int64(30*60), "thirty in 47 ms, but for the first second")
	})
}
