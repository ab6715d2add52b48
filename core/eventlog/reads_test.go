package eventlog_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// beside has thirty clients of an organization ask for ten seconds for what takes ten
// milliseconds, and returns how often they got it. It is refused that too many ask.
func beside(t *testing.T, recent *eventlog.Recent, org core.ID) (answered int64) {
	t.Helper()
	reads, count := eventlog.NewReads(recent), atomic.Int64{}
	ctx, end := context.WithTimeout(t.Context(), 10*time.Second)
	defer end()
	var all sync.WaitGroup
	for range 30 {
		all.Go(func() {
			for ctx.Err() == nil {
				err := reads.Answer(ctx, org, func() error { time.Sleep(10 * time.Millisecond); count.Add(1); return nil })
				if core.CodeOf(err) == core.CodeRateLimited {
					refusal, _ := errors.AsType[*core.Error](err)
					require.GreaterOrEqual(t, refusal.RetryAfter, time.Second)
					time.Sleep(time.Second)
				}
			}
		})
	}
	all.Wait()
	return count.Load()
}

// However many requests an organization has answered, they have a quarter of the time of
// one while others produce, where two cores are. Producers that get nothing done for them
// count as those that do. An organization's own do not, nor does nobody.
func TestRequestsGiveWayToOthersThatProduce(t *testing.T) {
	t.Parallel()
	parts, mine, other := int64(max(runtime.GOMAXPROCS(0)/2, 1)), core.ID{1}, core.ID{7}
	for name, c := range map[string]struct {
		producer core.ID
		waiting  int64
		commits  bool
		paced    bool
	}{
		"others commit":            {producer: other, commits: true, paced: true},
		"others wait for a commit": {producer: other, waiting: 16, paced: true},
		"its own":                  {producer: mine, commits: true, waiting: 16},
		"nobody":                   {producer: other},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				recent := eventlog.NewRecent(nil, nil, slog.New(slog.DiscardHandler))
				recent.Waiting(c.producer, c.waiting)
				ctx, end := context.WithCancel(t.Context())
				var produced sync.WaitGroup
				produced.Go(func() {
					for c.commits && ctx.Err() == nil {
						recent.Committed([]core.Batch{{Org: c.producer}})
						time.Sleep(2 * time.Millisecond)
					}
				})
				answered := beside(t, recent, mine)
				end()
				produced.Wait()
				if !c.paced {
					require.Greater(t, answered, int64(20_000))
					return
				}
				require.GreaterOrEqual(t, answered, 230*parts)
				require.LessOrEqual(t, answered, (250+10)*parts+30, "a quarter of 1000, what is for credit, and the first ones")
			})
		})
	}
}

// What takes a minute, on a node that has too much to do, keeps its organization waiting
// for two seconds.
func TestOneSlowAnswerKeepsNobodyOutForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		recent := eventlog.NewRecent(nil, nil, slog.New(slog.DiscardHandler))
		recent.Waiting(core.ID{7}, 16)
		reads := eventlog.NewReads(recent)
		require.NoError(t, reads.Answer(t.Context(), core.ID{1}, func() error { time.Sleep(time.Minute); return nil }))
		begun := time.Now()
		require.NoError(t, reads.Answer(t.Context(), core.ID{1}, func() error { return nil }))
		require.InDelta(t, 1.9, time.Since(begun).Seconds(), 0.05)
	})
}

// However many of its reads the store let hang, an organization is kept out for ten seconds,
// and for as long as others produce.
func TestManySlowAnswersKeepNobodyOutForLong(t *testing.T) {
	t.Parallel()
	mine, other := core.ID{1}, core.ID{7}
	for name, left := range map[string]int64{"others produce": 16, "nobody does": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				recent := eventlog.NewRecent(nil, nil, slog.New(slog.DiscardHandler))
				reads := eventlog.NewReads(recent)
				recent.Waiting(other, 16)
				for range 100 {
					reads.Took(mine, time.Minute)
				}
				require.Equal(t, core.CodeRateLimited, core.CodeOf(reads.Answer(t.Context(), mine, func() error { return nil })))
				recent.Waiting(other, left-16)
				time.Sleep(time.Second)
				err := reads.Answer(t.Context(), mine, func() error { return nil })
				if left == 0 {
					require.NoError(t, err)
					return
				}
				require.Equal(t, core.CodeRateLimited, core.CodeOf(err))
				time.Sleep(9 * time.Second)
				require.NoError(t, reads.Answer(t.Context(), mine, func() error { return nil }))
			})
		})
	}
}

// What takes long counts while it lasts: hundreds that ask at the same time do not all begin
// before the first one is paid for.
func TestFewSlowAnswersAreMadeAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		parts := int64(max(runtime.GOMAXPROCS(0)/2, 1))
		recent := eventlog.NewRecent(nil, nil, slog.New(slog.DiscardHandler))
		recent.Waiting(core.ID{7}, 16)
		reads, now, most := eventlog.NewReads(recent), atomic.Int64{}, atomic.Int64{}
		var all sync.WaitGroup
		for range 100 * parts {
			all.Go(func() {
				_ = reads.Answer(t.Context(), core.ID{1}, func() error { // it is refused that too many ask
					most.Store(max(most.Load(), now.Add(1)))
					time.Sleep(time.Second)
					now.Add(-1)
					return nil
				})
			})
		}
		all.Wait()
		require.LessOrEqual(t, most.Load(), 6*parts)
		require.Positive(t, most.Load())
	})
}
