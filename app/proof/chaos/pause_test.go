package chaos_test

import (
	"net/url"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/adapters/rest"
)

// resumed is within what time a server acknowledges again on every stream, after
// another one on the same database was paused or cut off.
const resumed = 6 * time.Second

// bound is what a test holds that time to. `make chaos` is exact; beside all other tests,
// a machine may be late, and a server that is held up does not come back at all.
func bound() time.Duration {
	if os.Getenv("EVENTFLOW_TEST_PAUSES") == "" {
		return 5 * resumed
	}
	return resumed
}

// pauses is how often a test pauses a server: once, or as often as `make chaos`
// and `make chaos-long` say.
func pauses(t *testing.T) int {
	t.Helper()
	text := os.Getenv("EVENTFLOW_TEST_PAUSES")
	if text == "" {
		return 1
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

// pausesOfARound bounds the log that is compared with the record at the end.
const pausesOfARound = 10

func TestAPausedServerHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	for left := pauses(t); left > 0; left -= pausesOfARound {
		store := pgtest.URL(t).String()
		p := startPair(t, store, store)
		p.hold(min(left, pausesOfARound), p.pause)
	}
}

func TestAServerCutOffHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	for left := pauses(t); left > 0; left -= pausesOfARound {
		store := pgtest.URL(t)
		hole := newHole(t, store)
		p := startPair(t, hole.url, store.String())
		p.hold(min(left, pausesOfARound), func() (resume func()) {
			hole.open()
			return hole.close
		})
	}
}

// Without the time-outs of its sessions a server that is paused or cut off does
// hold others up, and the tests above see it.
func TestWithoutTimeoutsAPausedServerHoldsOthersUp(t *testing.T) {
	t.Parallel()
	store := withoutTimeouts(pgtest.URL(t)).String()
	p := startPair(t, store, store)
	p.heldUp(p.pause)
}

func TestWithoutTimeoutsAServerCutOffHoldsOthersUp(t *testing.T) {
	t.Parallel()
	store := withoutTimeouts(pgtest.URL(t))
	hole := newHole(t, store)
	p := startPair(t, hole.url, store.String())
	p.heldUp(func() (resume func()) {
		hole.open()
		return hole.close
	})
}

// withoutTimeouts switches off what a server sets on its sessions.
func withoutTimeouts(store *url.URL) *url.URL {
	query := store.Query()
	for _, name := range []string{
		"idle_in_transaction_session_timeout", "lock_timeout", "tcp_user_timeout",
		"tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count",
	} {
		query.Set(name, "0")
	}
	changed := *store
	changed.RawQuery = query.Encode()
	return &changed
}

// pair is two servers on one database. Something happens to the first; the second
// is well. Each has producers of its own.
type pair struct {
	t             *testing.T
	first, second *node
	healthy       *rest.Client
	load          *workload
}

func startPair(t *testing.T, firstStore, secondStore string) *pair {
	t.Helper()
	p := &pair{t: t, first: newNode(t, firstStore), second: newNode(t, secondStore)}
	p.first.start()
	p.second.start()
	key := p.second.key()
	p.healthy = p.second.client(key)
	createStreams(t, p.healthy, streams...)
	p.load = startPinnedLoad(t, p.first.client(key), p.healthy)
	return p
}

// The places of the two servers' clients in the load.
const (
	ofFirst = iota
	ofSecond
)

// hold lets something happen to the first server again and again, at whatever it
// is doing, and compares the record with the log.
func (p *pair) hold(times int, happen func() (resume func())) {
	p.t.Helper()
	var slowest time.Duration
	for range times {
		p.load.progressBy(ofFirst, someEvents())
		resume := happen()
		took := p.acknowledgedAgain(patience)
		slowest = max(slowest, took)
		require.Less(p.t, took, bound(), "the other server acknowledged nothing on a stream for so long")
		p.load.progressBy(ofSecond, someEvents())
		resume()
	}
	p.load.progressBy(ofFirst, someEvents())
	p.t.Logf("%d times, the other server acknowledged again after %s at most", times, slowest.Round(time.Millisecond))
	p.load.check(p.healthy)
}

// heldUp lets something happen to the first server until that holds up the second.
func (p *pair) heldUp(happen func() (resume func())) {
	p.t.Helper()
	for range 50 {
		p.load.progressBy(ofFirst, someEvents())
		resume := happen()
		took := p.acknowledgedAgain(resumed)
		resume()
		if took >= resumed {
			p.load.progressBy(ofSecond, someEvents())
			p.load.check(p.healthy)
			return
		}
	}
	require.Fail(p.t, "nothing was held up")
}

// acknowledgedAgain sends events to the second server until it has acknowledged
// one on every stream, and returns how long the slowest took, which is given up
// after a while.
func (p *pair) acknowledgedAgain(giveUp time.Duration) time.Duration {
	p.t.Helper()
	begun, took := time.Now(), make([]time.Duration, len(streams))
	var all sync.WaitGroup
	for i, stream := range streams {
		all.Go(func() {
			for acked := false; !acked && time.Since(begun) < giveUp; {
				acked = p.load.sendUntil(begun.Add(giveUp), p.healthy, producers+i, stream, p.load.events(1))
			}
			took[i] = time.Since(begun)
		})
	}
	all.Wait()
	return slices.Max(took)
}

// pause stops the first server's process, all of its threads wherever they are.
func (p *pair) pause() (resume func()) {
	p.t.Helper()
	process := p.first.process.Process
	require.NoError(p.t, process.Signal(syscall.SIGSTOP))
	var state syscall.WaitStatus
	_, err := syscall.Wait4(process.Pid, &state, syscall.WUNTRACED, nil)
	require.NoError(p.t, err)
	require.True(p.t, state.Stopped())
	return func() { require.NoError(p.t, process.Signal(syscall.SIGCONT)) }
}
