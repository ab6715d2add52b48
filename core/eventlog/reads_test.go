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

// indebted has an organization read for so long, so many times at once, while another one
// commits 500 times a second until end is called.
func indebted(t *testing.T, took time.Duration, times int) (reads *eventlog.Reads, org core.ID, end func()) {
	recent := eventlog.NewRecent(coretest.OpenLog(t), nil, slog.New(slog.DiscardHandler))
	reads, org = eventlog.NewReads(recent), core.ID{1}
	ctx, cancel := context.WithCancel(t.Context())
	var producing sync.WaitGroup
	producing.Go(func() {
		for ctx.Err() == nil {
			recent.Committed([]core.Batch{{Org: core.ID{7}}})
			time.Sleep(2 * time.Millisecond)
		}
	})
	time.Sleep(time.Second)
	for range times {
		reads.Took(org, took)
	}
	return reads, org, func() {
		cancel()
		producing.Wait()
	}
}

// waited is how long the last of so many that ask at once waits.
func waited(t *testing.T, reads *eventlog.Reads, org core.ID, times int) time.Duration {
	begun := time.Now()
	var all sync.WaitGroup
	for range times {
		all.Go(func() {
			done, ok := reads.Wait(t.Context(), org, nil)
			defer done()
			require.True(t, ok)
		})
	}
	all.Wait()
	return time.Since(begun)
}

// However many read while the store hung, nobody waits so long that requests end without an
// answer, nor do many who ask at once.
func TestDebtsOfReadsHaveABound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reads, org, end := indebted(t, 30*time.Second, 1000)
		defer end()
		wait := waited(t, reads, org, 100)
		require.Greater(t, wait, time.Second)
		require.LessOrEqual(t, wait, 10*time.Second)
	})
}

// Who has read much waits for the sake of others, and for as long as there are some.
func TestNobodyWaitsToReadWhereNobodyProduces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reads, org, end := indebted(t, 10*time.Second, 10)
		end()
		time.Sleep(4 * time.Second)
		require.Zero(t, waited(t, reads, org, 100))
	})
}
