package memlimit_test

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memlimit"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/limitertest"
)

func TestLimiter(t *testing.T) {
	t.Parallel()
	limitertest.Run(t, limitertest.Subject{
		Open:  func(*testing.T) core.RateLimiter { return memlimit.New() },
		Clock: limitertest.Manual,
	})
}

// TestFullBucketsAreForgotten holds that memory follows those who are active.
func TestFullBucketsAreForgotten(t *testing.T) {
	t.Parallel()
	limiter, limit, now := memlimit.New(), core.Limit{PerMinute: 60, Burst: 10}, time.Now()
	take := func(key string) {
		_, err := limiter.Take(context.Background(), key, limit, 1, now)
		require.NoError(t, err)
	}
	const busy = 100
	slow := core.Limit{PerMinute: 1, Burst: 10}
	for i := range busy {
		_, err := limiter.Take(context.Background(), fmt.Sprint("busy", i), slow, 10, now)
		require.NoError(t, err)
	}
	for i := range 10_000 {
		take(strconv.Itoa(i))
	}
	require.Equal(t, 10_000+busy, limiter.Len())
	now = now.Add(time.Minute)
	for i := range 1000 {
		take("later" + strconv.Itoa(i))
	}
	require.Equal(t, 1000+busy, limiter.Len())
	for i := range busy {
		state, err := limiter.Take(context.Background(), fmt.Sprint("busy", i), slow, 2, now)
		require.NoError(t, err)
		require.False(t, state.Allowed)
		require.Equal(t, 1, state.Remaining)
	}
}

// TestMemoryIsBounded holds that whoever invents keys does not fill memory, and
// hardly makes room for those who are at their limit.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	limiter, limit, now := memlimit.New(), core.Limit{PerMinute: 1, Burst: 100}, time.Now()
	const busy = 100
	for i := range busy {
		state, err := limiter.Take(context.Background(), fmt.Sprint("busy", i), limit, 100, now)
		require.NoError(t, err)
		require.True(t, state.Allowed)
	}
	refused := 0
	for i := range 2 * memlimit.MaxKeys {
		if state, err := limiter.Take(context.Background(), strconv.Itoa(i), limit, 1, now); err != nil || !state.Allowed {
			refused++
		}
	}
	require.Zero(t, refused)
	require.LessOrEqual(t, limiter.Len(), memlimit.MaxKeys)
	require.Greater(t, limiter.Len(), memlimit.MaxKeys*9/10)
	forgotten := 0
	for i := range busy {
		state, err := limiter.Take(context.Background(), fmt.Sprint("busy", i), limit, 1, now)
		require.NoError(t, err)
		if state.Allowed {
			forgotten++
		}
	}
	require.LessOrEqual(t, forgotten, 5)
}

// TestATakeAllocatesNothing holds what the hot path costs in memory.
func TestATakeAllocatesNothing(t *testing.T) {
	limiter, limit := memlimit.New(), core.Limit{PerMinute: 1000, Burst: 100}
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		_, _ = limiter.Take(context.Background(), "key", limit, 1, time.Now())
	}))
}

func BenchmarkTake(b *testing.B) {
	limit := core.Limit{PerMinute: core.MaxLimit, Burst: core.MaxLimit}
	keys := make([]string, 1000)
	for i := range keys {
		keys[i] = fmt.Sprintf("key:0198c0de-7a1b-7c3d-8e4f-%012d", i)
	}
	for _, n := range []int{1, len(keys)} {
		b.Run(fmt.Sprintf("keys=%d", n), func(b *testing.B) {
			limiter, now := memlimit.New(), time.Now()
			var next atomic.Int64
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := int(next.Add(97)); pb.Next(); i++ {
					_, _ = limiter.Take(context.Background(), keys[i%n], limit, 1, now)
				}
			})
		})
	}
}
