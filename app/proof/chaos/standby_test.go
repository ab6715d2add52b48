package chaos_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/adapters/rest"
)

// primaries is how often a primary is lost: as often as `make chaos` says. Where it does
// not say it, ok is false, because copies of whole clusters take seconds.
func primaries(t *testing.T) (n int, ok bool) {
	t.Helper()
	text := os.Getenv("EVENTFLOW_TEST_STANDBY")
	if text == "" {
		t.Log("make chaos has standbys of PostgreSQL take over")
		return 0, false
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n, true
}

// A primary is killed and never comes back, again and again, each time with a standby that
// is promoted. Until that one has a standby itself, the server is not ready, says why, and
// acknowledges nothing. Nothing that was acknowledged is lost.
func TestAPrimaryIsLostAndItsStandbyTakesOver(t *testing.T) {
	t.Parallel()
	times, ok := primaries(t)
	if !ok {
		return
	}
	primary := pgtest.Private(t, "synchronous_standby_names=ANY 1 (*)")
	standby := pgtest.Standby(t, primary)
	n := newNode(t, pgtest.Either(primary, standby).String(), "EVENTFLOW_REQUIRE_STANDBY=true")
	n.start()
	client := n.client(n.key())
	createStreams(t, client, streams...)
	load := startLoad(t, client)
	var took failovers
	for range times {
		load.progress(someEvents())
		killed := time.Now()
		primary.Kill()
		require.NoError(t, standby.Promote(t.Context()))
		promoted := time.Now()
		waiting := commitsThatWait(t, standby)
		until(t, "commits wait for a standby", func() bool { return waiting() > 0 })
		took.promote, took.find = append(took.promote, promoted.Sub(killed)), append(took.find, time.Since(promoted))
		until(t, "health says that the new primary is alone", func() bool {
			health, err := client.Health(t.Context())
			return err == nil && health.Status == rest.StatusUnavailable &&
				health.Checks["store"].Message == "no synchronous standby is connected; nothing is stored until it is back"
		})
		before := load.acked.Load()
		require.False(t, n.ready())
		require.Equal(t, before, load.acked.Load(), "acknowledged with one machine")
		require.NoError(t, primary.Follow(t.Context(), standby))
		followed := time.Now()
		load.progress(1)
		took.acknowledge = append(took.acknowledge, time.Since(followed))
		load.progress(someEvents())
		until(t, "the server is ready", n.ready)
		primary, standby = standby, primary
	}
	t.Log(took)
	load.check(client)
}

// failovers is how long the parts of each failover took. All but the last are waited for in
// turn; the time in which a new standby is copied is nobody's but the copy's.
type failovers struct {
	// promote is from the end of the primary until the standby is one.
	promote []time.Duration
	// find is from then until a commit of the server has reached it, and waits there.
	find []time.Duration
	// acknowledge is from the moment that there is a standby again until the first answer.
	acknowledge []time.Duration
}

func (f failovers) String() string {
	var parts []string
	for i, of := range [][]time.Duration{f.promote, f.find, f.acknowledge} {
		slices.Sort(of)
		parts = append(parts, fmt.Sprintf("%s after %v in half, %v in 95 of 100 and %v in all of %d times",
			[]string{"promoted", "found", "acknowledged"}[i], of[len(of)/2], of[len(of)*95/100], of[len(of)-1], len(of)))
	}
	return strings.Join(parts, "; ")
}

// commitsThatWait returns a look at how many commits of a cluster wait for a standby.
func commitsThatWait(t *testing.T, primary *pgtest.Cluster) func() int {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), primary.URL())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) }) // its server may have gone
	return func() (n int) {
		require.NoError(t, conn.QueryRow(t.Context(), `select count(*) from pg_stat_activity where wait_event = 'SyncRep'`).Scan(&n))
		return n
	}
}
