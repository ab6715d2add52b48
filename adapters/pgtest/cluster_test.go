package pgtest_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
)

func TestAKilledClusterComesBackWithItsData(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Private(t)
	conn, err := pgx.Connect(t.Context(), cluster.URL())
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), `create table kept as select 1 as one`)
	require.NoError(t, err)

	cluster.Kill()
	require.Error(t, conn.Ping(t.Context()), "every process of the server is gone")

	require.NoError(t, cluster.Restart(t.Context()))
	conn, err = pgx.Connect(t.Context(), cluster.URL())
	require.NoError(t, err)
	var one int
	require.NoError(t, conn.QueryRow(t.Context(), `select one from kept`).Scan(&one))
	require.NoError(t, conn.Close(t.Context()))
}
