package chaos_test

import (
	"math/rand/v2"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
)

// kills is how often a test kills: each of two nodes once, or as often as `make chaos` says.
func kills(t *testing.T) int64 {
	t.Helper()
	text := os.Getenv("EVENTFLOW_TEST_KILLS")
	if text == "" {
		return 2
	}
	n, err := strconv.ParseInt(text, 10, 32)
	require.NoError(t, err)
	return n
}

// someEvents is how many events are acknowledged between two kills.
func someEvents() int64 { return 50 + rand.Int64N(400) }

// maxRestart is how long a killed server may take to be ready again while every
// other crash test is at work on the same cores, and all other tests perhaps; `make
// bench` holds a restart with many events, by itself, to two seconds.
const maxRestart = time.Minute

func TestTheServerIsKilledOnSQLite(t *testing.T) {
	t.Parallel()
	killServer(t, "sqlite:"+t.TempDir())
}

func TestTheServerIsKilledOnPostgres(t *testing.T) {
	t.Parallel()
	killServer(t, pgtest.URL(t).String())
}

func killServer(t *testing.T, store string) {
	t.Helper()
	n := newNode(t, store)
	n.start()
	client := n.client(n.key())
	createStreams(t, client, streams...)
	load := startLoad(t, client)
	var slowest time.Duration
	for range kills(t) {
		load.progress(someEvents())
		n.kill()
		slowest = max(slowest, n.start())
	}
	load.progress(someEvents())
	t.Logf("ready again after %s at most", slowest)
	require.Less(t, slowest, maxRestart)
	load.check(client)
}

func TestPostgresIsKilled(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Private(t)
	n := newNode(t, cluster.URL())
	n.start()
	client := n.client(n.key())
	createStreams(t, client, streams...)
	load := startLoad(t, client)
	for range kills(t) {
		load.progress(someEvents())
		cluster.Kill()
		require.NoError(t, cluster.Restart(t.Context()))
	}
	load.progress(someEvents())
	load.check(client)
}

func TestTwoServersShareOnePostgres(t *testing.T) {
	t.Parallel()
	store := pgtest.URL(t).String()
	first, second := newNode(t, store), newNode(t, store)
	first.start()
	second.start()
	key := first.key()
	client := first.client(key)
	createStreams(t, client, streams...)
	load := startLoad(t, client, second.client(key))
	for range max(kills(t)/4, 1) {
		load.progress(someEvents())
		second.kill()
		load.progress(someEvents())
		second.start()
		load.progress(someEvents())
		first.end(syscall.SIGTERM)
		load.progress(someEvents())
		first.start()
	}
	load.progress(someEvents())
	load.check(client)
}
