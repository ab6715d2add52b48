package redislimit_test

import (
	"context"
	"crypto/rand"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/redislimit"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/limitertest"
)

func TestLimiter(t *testing.T) {
	t.Parallel()
	limitertest.Run(t, limitertest.Subject{
		Open:   func(t *testing.T) core.RateLimiter { t.Helper(); return healthy(t) },
		Shared: true,
		Clock:  limitertest.Real,
	})
}

// healthy opens a limiter that must not lose Redis while the test runs: then the
// suite would have examined another.
func healthy(t *testing.T) *node {
	t.Helper()
	n := open(t, redisURL(t))
	t.Cleanup(func() {
		changes, log := n.told()
		require.Empty(t, changes, log)
	})
	return n
}

func newKey() string { return "test:" + rand.Text() }

func take(t testing.TB, n *node, key string, limit core.Limit) core.LimitState {
	t.Helper()
	state, err := n.Take(context.Background(), key, limit, 1, time.Now())
	require.NoError(t, err)
	return state
}

// TestNodesMayDifferAboutTheTime holds that buckets count by the clock of Redis:
// a node that is an hour ahead gets nothing out of it.
func TestNodesMayDifferAboutTheTime(t *testing.T) {
	t.Parallel()
	key, limit, taken := newKey(), core.Limit{PerMinute: 1, Burst: 19}, 0
	for _, skew := range []time.Duration{0, time.Hour, -time.Hour} {
		n := open(t, redisURL(t))
		for range 10 {
			state, err := n.Take(context.Background(), key, limit, 1, time.Now().Add(skew))
			require.NoError(t, err)
			if state.Allowed {
				taken++
			}
		}
	}
	require.Equal(t, 19, taken)
}

// TestABusyKeyIsAnsweredFromMemory holds that most questions about a key in
// steady use, and all about one that is exhausted, do not reach Redis.
func TestABusyKeyIsAnsweredFromMemory(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	n, limit := open(t, w.url), core.Limit{PerMinute: 1, Burst: 2000}
	key := newKey()
	for range 1000 {
		require.True(t, take(t, n, key, limit).Allowed)
	}
	require.Less(t, w.asked.Load(), int64(300))
	limit.Burst, key = 10, newKey()
	take(t, n, key, limit)
	before := w.asked.Load()
	for range 1000 {
		take(t, n, key, limit)
	}
	require.Less(t, w.asked.Load()-before, int64(30))
}

// TestWhatIsTakenInAdvanceGoesBack holds that a node which stops being asked
// keeps less than a block, and gives that back with its next question.
func TestWhatIsTakenInAdvanceGoesBack(t *testing.T) {
	t.Parallel()
	one, other, key, limit := open(t, redisURL(t)), open(t, redisURL(t)), newKey(), core.Limit{PerMinute: 1, Burst: 1000}
	for range 600 {
		require.True(t, take(t, one, key, limit).Allowed)
	}
	seen := take(t, other, key, limit).Remaining
	require.LessOrEqual(t, seen, 399)
	require.GreaterOrEqual(t, seen, 399-50)
	require.Eventually(t, func() bool {
		_, err := one.Take(context.Background(), key, limit, 0, time.Now())
		require.NoError(t, err)
		state, err := other.Take(context.Background(), key, limit, 0, time.Now())
		require.NoError(t, err)
		return state.Remaining == 399
	}, time.Minute, 20*time.Millisecond)
}

// TestManyNodesKeepTheLimit holds the bound that the package's documentation
// gives, while the bucket fills again.
func TestManyNodesKeepTheLimit(t *testing.T) {
	t.Parallel()
	const count = 4
	key, limit := newKey(), core.Limit{PerMinute: 6000, Burst: 200}
	var taken atomic.Int64
	var group sync.WaitGroup
	start := time.Now()
	due := func() int { return limit.Burst + int(time.Since(start)/limit.Interval()) }
	takes := func(n *node) bool {
		state, err := n.Take(context.Background(), key, limit, 1, time.Now())
		if err == nil && state.Allowed {
			taken.Add(1)
		}
		return err == nil && state.Allowed
	}
	nodes := make([]*node, count)
	for i := range nodes {
		nodes[i] = healthy(t)
		for range 4 {
			group.Go(func() {
				for time.Since(start) < 2*time.Second {
					takes(nodes[i])
				}
			})
		}
	}
	group.Wait()
	least := due() * 7 / 10
	for _, n := range nodes { // what came while a busy machine did something else
		for takes(n) && taken.Load() < int64(10*limit.Burst) {
		}
	}
	require.GreaterOrEqual(t, taken.Load(), int64(least))
	require.LessOrEqual(t, taken.Load(), int64(due()+count*limit.Burst/20))
}

// TestBucketsLeaveRedis holds that a bucket is gone when it is full again.
func TestBucketsLeaveRedis(t *testing.T) {
	t.Parallel()
	client := direct(t)
	n, key, limit := open(t, redisURL(t)), newKey(), core.Limit{PerMinute: 60, Burst: 10}
	begun := time.Now()
	for range 4 {
		take(t, n, key, limit)
	}
	left, err := client.PTTL(context.Background(), "eventflow:limit:"+key).Result()
	require.NoError(t, err)
	require.LessOrEqual(t, left, 5*time.Second)
	require.Greater(t, left+time.Since(begun), 2*time.Second)
}

// TestAForgottenScriptIsSentAgain holds that a Redis that was started again
// counts without anybody noticing.
func TestAForgottenScriptIsSentAgain(t *testing.T) {
	t.Parallel()
	client := direct(t)
	n, key, limit := healthy(t), newKey(), core.Limit{PerMinute: 1, Burst: 10}
	for left := 9; left >= 0; left-- {
		require.NoError(t, client.ScriptFlush(context.Background()).Err())
		require.Equal(t, left, take(t, n, key, limit).Remaining)
	}
}

// TestWhatWasReplacedDoesNotComeBack holds that permits which were taken in
// advance do not go back to a bucket that was full since.
func TestWhatWasReplacedDoesNotComeBack(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("take.lua")
	require.NoError(t, err)
	client, script, key := direct(t), redis.NewScript(string(text)), "eventflow:limit:"+newKey()
	ask := func(interval time.Duration, want, advance, back int, epoch int64) (taken int64, missing time.Duration, since int64) {
		figures, err := script.Run(t.Context(), client, []string{key}, interval.Microseconds(), 40, want, advance, back, epoch).Int64Slice()
		require.NoError(t, err)
		return figures[0], time.Duration(figures[1]) * time.Microsecond, figures[2]
	}
	taken, _, old := ask(time.Millisecond, 1, 2, 0, 0)
	require.Equal(t, int64(3), taken)
	require.Eventually(t, func() bool {
		_, missing, _ := ask(time.Millisecond, 0, 0, 0, 0)
		return missing == 0
	}, time.Minute, time.Millisecond)
	_, missing, current := ask(time.Hour, 30, 0, 0, 0)
	require.Equal(t, 30*time.Hour, missing)
	_, missing, _ = ask(time.Hour, 0, 0, 2, old)
	require.Greater(t, missing, 29*time.Hour)
	_, missing, _ = ask(time.Hour, 0, 0, 2, current)
	require.Less(t, missing, 28*time.Hour+time.Second)
	taken, missing, _ = ask(time.Hour, 0, 0, 40, current)
	require.Zero(t, taken)
	require.Zero(t, missing, "never more than a full one")
}

func TestAnAddressThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "localhost:6379", "http://:hush@host", "redis://:hush@host:port"} {
		_, err := redislimit.Open(address, redislimit.Options{})
		require.ErrorContains(t, err, "must be a URL like redis://")
		require.NotContains(t, err.Error(), "hush")
	}
}

func BenchmarkTake(b *testing.B) {
	keys := make([]string, 100)
	for i := range keys {
		keys[i] = newKey()
	}
	for name, limit := range map[string]core.Limit{
		"allowed": {PerMinute: core.MaxLimit, Burst: core.MaxLimit},
		"refused": {PerMinute: 1, Burst: 1},
		"asked":   {PerMinute: core.MaxLimit, Burst: 19},
	} {
		b.Run(name, func(b *testing.B) {
			n := open(b, redisURL(b))
			b.ReportAllocs()
			for i := range b.N {
				_, _ = n.Take(context.Background(), keys[i%len(keys)], limit, 1, time.Now())
			}
		})
	}
}
