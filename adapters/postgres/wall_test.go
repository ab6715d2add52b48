package postgres

import (
	"context"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pgtenant"
	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/core"
)

// neighbours is a log with one stream of each of two organizations, written on
// two days.
type neighbours struct {
	*Storage
	mine, theirs             core.ID
	myStream, theirStream    core.ID
	everybody, me, foreigner context.Context
}

func openNeighbours(t *testing.T) *neighbours {
	t.Helper()
	opened, err := Open(t.Context(), pgtest.URL(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, opened.Close()) })
	n := &neighbours{
		Storage: opened.(*Storage), mine: core.ID{1}, theirs: core.ID{2}, myStream: core.ID{3}, theirStream: core.ID{4},
		everybody: t.Context(),
	}
	n.me = core.ContextWithOrganization(t.Context(), n.mine)
	n.foreigner = core.ContextWithOrganization(t.Context(), n.theirs)
	for day := range 2 {
		at := time.Date(2026, 3, 1+day, 12, 0, 0, 0, time.UTC)
		require.NoError(t, n.Append(n.everybody, at, []core.Batch{n.batch(n.mine, n.myStream, day), n.batch(n.theirs, n.theirStream, day)}))
	}
	return n
}

func (n *neighbours) batch(org, stream core.ID, day int) core.Batch {
	id := core.ID{byte(day), stream[0]}
	return core.Batch{Org: org, Stream: stream, Entries: []core.Entry{{Event: core.Event{
		ID: id, Type: "made", Version: 1, Payload: []byte(`{}`), IdempotencyKey: "once",
	}}}}
}

// What a query does not say the database says: a request for another
// organization's stream, by whatever mistake, finds nothing.
func TestTheSecondWallHidesOtherOrganizations(t *testing.T) {
	t.Parallel()
	n := openNeighbours(t)
	for name, scan := range map[string]core.Scan{"forward": {Limit: 10}, "backward": {Limit: 10, Backward: true}} {
		for range 2 { // what is remembered of the first time is no way around
			events, err := n.Read(n.everybody, n.theirStream, scan)
			require.NoError(t, err, name)
			require.NotEmpty(t, events, name)
			events, err = n.Read(n.me, n.theirStream, scan)
			require.NoError(t, err, name)
			require.Empty(t, events, name)
			events, err = n.Read(n.foreigner, n.theirStream, scan)
			require.NoError(t, err, name)
			require.NotEmpty(t, events, name)
		}
	}
	events, err := n.ReadAll(n.me, n.theirs, core.AllScan{Limit: 10})
	require.NoError(t, err)
	require.Empty(t, events)
	events, err = n.ReadAll(n.me, n.mine, core.AllScan{Limit: 10})
	require.NoError(t, err)
	require.NotEmpty(t, events)
	bounds, err := n.Bounds(n.me, []core.ID{n.myStream, n.theirStream})
	require.NoError(t, err)
	require.NotZero(t, bounds[0].Next)
	require.Zero(t, bounds[1])
	at, err := n.OffsetAt(n.me, n.theirStream, time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC))
	require.NoError(t, err)
	require.Zero(t, at)
}

// The first wall is the condition that names the organization. Without it, and
// for every table there is or will be, an organization sees its own rows, or is
// not let in at all.
func TestTheSecondWallStandsAroundEveryTable(t *testing.T) {
	t.Parallel()
	n := openNeighbours(t)
	tables := n.tables(t)
	require.Contains(t, tables, "events")
	require.Contains(t, tables, "events_20260301")
	owners := map[string]string{"heads": "org", "events": "org", "events_20260301": "org", "events_20260302": "org", "segments": "stream"}
	for _, table := range tables {
		column, open := owners[table]
		if !open {
			_, err := n.pool.Exec(n.me, `select from `+table)
			require.Equal(t, "42501", pgtenant.State(err), "%s must not be open", table)
			continue
		}
		owner := n.mine
		if column == "stream" {
			owner = n.myStream
		}
		rows, err := n.pool.Query(n.me, `select distinct `+column+` from `+table)
		require.NoError(t, err, table)
		seen, err := pgx.CollectRows(rows, pgx.RowTo[[16]byte])
		require.NoError(t, err, table)
		require.Equal(t, [][16]byte{owner}, seen, table)
		for _, change := range []string{`delete from ` + table, `update ` + table + ` set stream = stream`, `truncate ` + table} {
			_, err := n.pool.Exec(n.me, change)
			require.Equal(t, "42501", pgtenant.State(err), change)
		}
	}
}

// tables lists the schema's tables.
func (n *neighbours) tables(t *testing.T) []string {
	t.Helper()
	rows, err := n.pool.Query(n.everybody, `select relname::text from pg_class
		where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p', 'v', 'm')`)
	require.NoError(t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return tables
}

// A user who may not make roles is told what to have done, and by whom.
func TestTheSecondWallNeedsARole(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Private(t)
	admin, err := pgx.Connect(t.Context(), cluster.URL())
	require.NoError(t, err)
	t.Cleanup(func() { _ = admin.Close(context.Background()) }) // the cluster ends as well
	run := func(statement string) {
		_, err := admin.Exec(t.Context(), statement)
		require.NoError(t, err, statement)
	}
	run(`create role app login`)
	run(`create database app owner app`)
	u, err := url.Parse(cluster.URL())
	require.NoError(t, err)
	u.User, u.Path = url.User("app"), "/app"

	_, err = Open(t.Context(), u)
	require.ErrorContains(t, err, `create role "eventflow_tenant"; grant "eventflow_tenant" to "app";`)
	without := *u
	query := without.Query()
	query.Set(pgtenant.Parameter, pgtenant.NoRole)
	without.RawQuery = query.Encode()
	opened, err := Open(t.Context(), &without)
	require.NoError(t, err)
	require.NoError(t, opened.Close())

	run(`create role "eventflow_tenant"`)
	run(`grant "eventflow_tenant" to "app"`)
	for range 2 { // it may be opened again
		opened, err = Open(t.Context(), u)
		require.NoError(t, err)
		require.NoError(t, opened.Close())
	}
	run(`create role other login createrole`)
	run(`create database other owner other`)
	u.User, u.Path = url.User("other"), "/other"
	query.Set(pgtenant.Parameter, "made for this")
	u.RawQuery = query.Encode()
	opened, err = Open(t.Context(), u)
	require.NoError(t, err, "who may make roles makes it")
	events, err := opened.Read(core.ContextWithOrganization(t.Context(), core.ID{1}), core.ID{2}, core.Scan{Limit: 1})
	require.NoError(t, err)
	require.Empty(t, events)
	require.NoError(t, opened.Close())
}
