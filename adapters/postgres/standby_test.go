package postgres_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pgtenant"
	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/adapters/postgres"
	"github.com/eventflow-go/eventflow/core"
)

// A commit whose wait for the standby somebody cancels is no acknowledgement, although
// PostgreSQL says that it has succeeded. Nor is the answer to a repeated key, or the look-up
// of an event, before a standby has what they are about.
func TestNothingIsAcknowledgedWithoutTheStandby(t *testing.T) {
	t.Parallel()
	if os.Getenv("EVENTFLOW_TEST_STANDBY") == "" {
		t.Log("make chaos starts standbys of PostgreSQL")
		return
	}
	primary := pgtest.Private(t, "synchronous_standby_names=ANY 1 (*)")
	standby := pgtest.Standby(t, primary)
	storage, err := postgres.Open(pgtenant.RequireStandby(t.Context()), pgtest.Either(primary, standby))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, storage.Close()) })
	stream := newID(moment)
	require.NoError(t, appendOne(storage, moment, newBatch(stream, moment, 1)))
	require.NoError(t, storage.Check(t.Context()))

	standby.Kill()
	require.Eventually(t, func() bool { return storage.Check(t.Context()) != nil }, time.Minute, 10*time.Millisecond)
	require.ErrorIs(t, storage.Check(t.Context()), core.ErrAlone)
	require.NotErrorIs(t, storage.Check(t.Context()), core.ErrRelaxedDurability)
	batch := newBatch(stream, moment, 1)
	batch.Entries[0].IdempotencyKey = "once"
	done := waiting(t, primary, func() error { return appendOne(storage, moment, batch) })
	conn, err := pgx.Connect(t.Context(), primary.URL())
	require.NoError(t, err)
	defer conn.Close(context.Background()) //nolint:errcheck // nothing depends on it
	_, err = conn.Exec(t.Context(), `select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'`)
	require.NoError(t, err)
	require.ErrorIs(t, <-done, core.ErrUnknownOutcome)
	require.Len(t, everything(t, storage, stream), 2, "the primary shows it")

	again := batch
	again.Entries = []core.Entry{batch.Entries[0]}
	again.Entries[0].ID = newID(moment)
	repeated := waiting(t, primary, func() error { return appendOne(storage, moment, again) })
	_, err = conn.Exec(t.Context(), `select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'`)
	require.NoError(t, err)
	require.Equal(t, core.CodeUnavailable, core.CodeOf(<-repeated))
	confirmed := waiting(t, primary, func() error { return storage.(core.Confirmer).Confirm(t.Context(), stream) })
	repeated = waiting(t, primary, func() error { return appendOne(storage, moment, again) })
	require.NoError(t, standby.Follow(t.Context(), primary))
	require.NoError(t, <-confirmed)
	require.NoError(t, <-repeated)
	require.Equal(t, core.Duplicate, again.Entries[0].Outcome)
	require.Equal(t, batch.Entries[0].ID, again.Entries[0].ID)
	require.NoError(t, storage.Check(t.Context()))
}

// waiting runs do beside the test, and returns when one more session of the primary waits
// for a standby.
func waiting(t *testing.T, primary *pgtest.Cluster, do func() error) <-chan error {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), primary.URL())
	require.NoError(t, err)
	defer conn.Close(context.Background()) //nolint:errcheck // nothing depends on it
	count := func() (n int) {
		require.NoError(t, conn.QueryRow(t.Context(), `select count(*) from pg_stat_activity where wait_event = 'SyncRep'`).Scan(&n))
		return n
	}
	before := count()
	done := make(chan error, 1)
	go func() { done <- do() }()
	require.Eventually(t, func() bool { return count() > before }, time.Minute, 10*time.Millisecond)
	require.Empty(t, done)
	return done
}
