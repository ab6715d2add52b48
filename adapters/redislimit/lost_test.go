package redislimit_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// slow is a limit by which nothing comes back while a test runs.
var slow = core.Limit{PerMinute: 1, Burst: 50}

// drain takes permits until there is none, and returns how many there were.
func drain(t *testing.T, n *node, key string) (taken int) {
	t.Helper()
	for taken <= 2*slow.Burst && take(t, n, key, slow).Allowed {
		taken++
	}
	return taken
}

// awaitBack returns when a node counts by Redis again.
func awaitBack(t *testing.T, n *node) {
	t.Helper()
	require.Eventually(t, func() bool { return !n.Lost() }, time.Minute, 10*time.Millisecond)
}

// TestALostRedisRemovesNoLimit holds that a node counts by itself while Redis is
// lost and with the others when it is back, and that each change is told once.
func TestALostRedisRemovesNoLimit(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	n, other, key := open(t, w.url), open(t, redisURL(t)), newKey()
	require.True(t, take(t, n, key, slow).Allowed)
	require.False(t, n.Lost())

	w.set(true, false)
	require.Equal(t, 50, drain(t, n, newKey()), "a key that the node has not met")
	require.True(t, n.Lost())
	require.Equal(t, 49, drain(t, n, key), "the one that it let pass before counts")
	require.Equal(t, 49, drain(t, other, key), "the other node goes on with Redis")
	changes, log := n.told()
	require.Equal(t, []bool{true}, changes)
	require.Equal(t, 1, strings.Count(log, "level=WARN"), log)

	w.set(false, false)
	awaitBack(t, n)
	require.Zero(t, drain(t, n, key), "what was taken in Redis is taken")
	fresh := newKey()
	require.Equal(t, 50, drain(t, n, fresh))
	require.Zero(t, drain(t, other, fresh), "they count together again")
	changes, log = n.told()
	require.Equal(t, []bool{true, false}, changes)
	require.Equal(t, 2, strings.Count(log, "\n"), log)
}

// TestARedisThatIsSilentHoldsNobodyUp holds that a request waits for a Redis
// that does not answer for a moment at most, also when many come at once, and
// not at all from then on.
func TestARedisThatIsSilentHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	n := hasty(t, w.url)
	require.Eventually(t, func() bool { // a busy machine may make it seem lost before
		take(t, n, newKey(), slow) // connects
		return !n.Lost()
	}, time.Minute, time.Millisecond)
	before, _ := n.told()
	w.set(false, true)
	t.Cleanup(func() { w.set(true, false) })
	shared := newKey()
	var group sync.WaitGroup
	for i := range 200 {
		key := shared
		if i%2 == 0 {
			key = newKey()
		}
		group.Go(func() {
			start := time.Now()
			_, err := n.Take(context.Background(), key, slow, 1, start)
			if took := time.Since(start); err != nil || took > 20*time.Second {
				t.Errorf("%v after %s", err, took)
			}
		})
	}
	group.Wait()
	require.True(t, n.Lost())
	changes, log := n.told()
	require.Equal(t, append(before, true), changes, log)
	start := time.Now()
	for range 1000 {
		take(t, n, shared, slow)
	}
	require.Less(t, time.Since(start), 20*time.Second, "they would wait for Redis for minutes")
	w.set(false, false)
	awaitBack(t, n)
	require.True(t, take(t, n, newKey(), slow).Allowed)
}

// TestARedisThatComesLaterIsFound holds that a node may start before Redis.
func TestARedisThatComesLaterIsFound(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	w.set(true, false)
	n, other, key := open(t, w.url), open(t, redisURL(t)), newKey()
	require.Equal(t, 50, drain(t, n, key))
	require.True(t, n.Lost())
	w.set(false, false)
	awaitBack(t, n)
	require.Equal(t, 50, drain(t, other, key))
	require.Zero(t, drain(t, n, key))
}

// TestACallerWhoGivesUpSaysNothingAboutRedis holds that one who leaves is still
// counted, and takes nobody's Redis away.
func TestACallerWhoGivesUpSaysNothingAboutRedis(t *testing.T) {
	t.Parallel()
	n := healthy(t)
	ctx, leave := context.WithCancel(context.Background())
	leave()
	state, err := n.Take(ctx, newKey(), slow, 1, time.Now())
	require.NoError(t, err)
	require.True(t, state.Allowed)
	require.False(t, n.Lost())
}

// TestASlowRedisCountsOn holds that a Redis which answers, but after more than 50 ms,
// is not lost. On a busy machine it may seem so for a moment.
func TestASlowRedisCountsOn(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	w.slow(60 * time.Millisecond)
	n := hasty(t, w.url)
	require.Eventually(t, func() bool { return take(t, n, newKey(), slow).Allowed && !n.Lost() }, time.Minute, 10*time.Millisecond)
}

// TestARedisThatComesAndGoesLetsNoMorePass holds that the changes between counting
// together and alone are no way around the limit.
func TestARedisThatComesAndGoesLetsNoMorePass(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	n, key, begun, passed := open(t, w.url), newKey(), time.Now(), 0
	for range 10 {
		require.True(t, take(t, n, key, slow).Allowed)
		passed++
	}
	for range 3 {
		w.set(true, false)
		take(t, n, newKey(), slow) // of which nothing is known, so that Redis is asked
		require.True(t, n.Lost())
		passed += drain(t, n, key)
		w.set(false, false)
		awaitBack(t, n)
		require.NoError(t, direct(t).Del(context.Background(), "eventflow:limit:"+key).Err(), "and Redis forgets")
		passed += drain(t, n, key)
	}
	require.GreaterOrEqual(t, passed, slow.Burst)
	require.LessOrEqual(t, passed, slow.Burst+int(time.Since(begun)/slow.Interval()))
}
