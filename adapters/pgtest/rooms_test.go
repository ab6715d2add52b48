package pgtest_test

import (
	"net/url"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
)

// A room comes back without rows, with its tables and what their migrations noted.
func TestARoomIsUsedAgain(t *testing.T) {
	t.Parallel()
	rooms := pgtest.NewRooms(t)
	var first *url.URL
	t.Run("first", func(t *testing.T) {
		first = rooms.URL(t)
		conn := connected(t, first)
		_, err := conn.Exec(t.Context(), `create table parents (id int primary key); create table children (parent int references parents);
			create table eventflow_events_version (version int); create table days (day int) partition by list (day);
			create table day_1 partition of days for values in (1);
			insert into parents values (1); insert into children values (1); insert into days values (1); insert into eventflow_events_version values (7)`)
		require.NoError(t, err)
		require.NotEqual(t, first, rooms.URL(t), "while somebody is in it")
	})
	t.Run("second", func(t *testing.T) {
		again := rooms.URL(t)
		if *again != *first { // the other one of the first test was left earlier
			again = rooms.URL(t)
		}
		require.Equal(t, first, again)
		var rows, version int
		err := connected(t, again).QueryRow(t.Context(), `select (select count(*) from parents) + (select count(*) from children) + (select count(*) from days),
			(select version from eventflow_events_version)`).Scan(&rows, &version)
		require.NoError(t, err)
		require.Zero(t, rows)
		require.Equal(t, 7, version)
	})
}

func connected(t *testing.T, u *url.URL) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), u.String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(t.Context()) }) // it ends with the process at the latest
	return conn
}
