package migrations

import (
	"database/sql"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver of PostgreSQL
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
)

// A process that is paused while it migrates says nothing more. It loses the lock,
// and another one migrates.
func TestAPausedRunner(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("pgx", pgtest.URL(t).String())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() }) // the server has ended it
	key, err := lockKey(t.Context(), conn, EventsPostgres)
	require.NoError(t, err)
	tx, err := conn.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	require.NoError(t, hold(t.Context(), tx, key))
	begun := time.Now()
	require.NoError(t, Up(t.Context(), db, EventsPostgres))
	require.Less(t, time.Since(begun), 10*heldSilently) // the machine may be busy; without the limit it does not end
}

// A process that migrates for long keeps its lock.
func TestASlowRunner(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("pgx", pgtest.URL(t).String())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	unlock, err := lockPostgres(t.Context(), db, EventsPostgres)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), `select pg_sleep($1)`, 1.5*heldSilently.Seconds())
	require.NoError(t, err)
	var held int
	require.NoError(t, db.QueryRowContext(t.Context(), `select count(*) from pg_locks l join pg_stat_activity a using (pid)
		where locktype = 'advisory' and l.granted and a.wait_event = 'ClientRead'`).Scan(&held))
	require.Positive(t, held)
	require.NoError(t, unlock(), "a lost lock would be told")
}
