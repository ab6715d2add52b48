package chaos_test

import (
	"context"
	"os"
	"strconv"
	"testing"

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
	for range times {
		load.progress(someEvents())
		primary.Kill()
		require.NoError(t, standby.Promote(t.Context()))
		until(t, "health says that the new primary is alone", func() bool {
			health, err := client.Health(t.Context())
			return err == nil && health.Status == rest.StatusUnavailable &&
				health.Checks["store"].Message == "no synchronous standby is connected; nothing is stored until it is back"
		})
		until(t, "commits wait for a standby", func() bool { return waitingForStandby(t, standby) > 0 })
		before := load.acked.Load()
		require.False(t, n.ready())
		require.Equal(t, before, load.acked.Load(), "acknowledged with one machine")
		require.NoError(t, primary.Follow(t.Context(), standby))
		load.progress(someEvents())
		until(t, "the server is ready", n.ready)
		primary, standby = standby, primary
	}
	load.check(client)
}

// waitingForStandby is how many commits of a cluster wait for a standby.
func waitingForStandby(t *testing.T, primary *pgtest.Cluster) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), primary.URL())
	require.NoError(t, err)
	defer conn.Close(context.Background()) //nolint:errcheck // nothing depends on it
	require.NoError(t, conn.QueryRow(t.Context(), `select count(*) from pg_stat_activity where wait_event = 'SyncRep'`).Scan(&n))
	return n
}
