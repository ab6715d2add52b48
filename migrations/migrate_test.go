package migrations_test

import (
	"context"
	"database/sql"
	"net/url"
	"path/filepath"
	"sync"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver of PostgreSQL
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the driver of SQLite

	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/migrations"
)

// place is an empty database and the sets of migrations that belong in it.
type place struct {
	driver, address string
	// sets and the tables with their versions, and tables which each makes.
	sets []part
}

type part struct {
	set            migrations.Set
	version, table string
}

// places makes an empty database of each kind.
func places(t *testing.T) map[string]place {
	t.Helper()
	file := url.URL{Path: filepath.Join(t.TempDir(), "fresh.db")}
	return map[string]place{
		"postgres": {"pgx", pgtest.URL(t).String(), []part{
			{migrations.EventsPostgres, "eventflow_events_version", "heads"},
			{migrations.CatalogPostgres, "eventflow_catalog_version", "streams"},
		}},
		"sqlite": {"sqlite", "file:" + file.EscapedPath() + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_txlock=immediate", []part{
			{migrations.EventsSQLite, "eventflow_events_version", "heads"},
			{migrations.CatalogSQLite, "eventflow_catalog_version", "streams"},
		}},
	}
}

// everywhere runs a test on an empty database of each kind.
func everywhere(t *testing.T, test func(t *testing.T, p place)) {
	t.Helper()
	for name, p := range places(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, p)
		})
	}
}

// open is one more process's way to the database.
func (p place) open(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open(p.driver, p.address)
	require.NoError(t, err)
	if p.driver == "sqlite" {
		db.SetMaxOpenConns(1)
	}
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// applied returns how often each version of a set was applied, and checks that
// its tables can be used.
func (p part) applied(t *testing.T, db *sql.DB) map[int64]int {
	t.Helper()
	var n int
	require.NoError(t, db.QueryRowContext(t.Context(), `select count(*) from `+p.table).Scan(&n))
	rows, err := db.QueryContext(t.Context(), `select version_id, count(*) from `+p.version+` where version_id > 0 group by version_id`)
	require.NoError(t, err)
	defer rows.Close() //nolint:errcheck // rows.Err says what went wrong
	applied := map[int64]int{}
	for rows.Next() {
		var version int64
		require.NoError(t, rows.Scan(&version, &n))
		applied[version] = n
	}
	require.NoError(t, rows.Err())
	return applied
}

// Any number of processes may start at once on an empty database: every
// migration is applied once, and all of them succeed.
func TestRacingRunners(t *testing.T) {
	t.Parallel()
	for range 4 { // races are won by chance
		everywhere(t, func(t *testing.T, p place) {
			for _, part := range p.sets {
				race(t, p, part)
			}
		})
	}
}

func race(t *testing.T, p place, part part) {
	t.Helper()
	const runners = 4
	start, errs := make(chan struct{}), make([]error, runners)
	var group sync.WaitGroup
	for i := range runners {
		db := p.open(t)
		require.NoError(t, db.PingContext(t.Context()), "connecting is no part of the race")
		group.Go(func() {
			<-start
			errs[i] = migrations.Up(context.Background(), db, part.set)
		})
	}
	close(start)
	group.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	applied := part.applied(t, p.open(t))
	require.NotEmpty(t, applied)
	for version, times := range applied {
		require.Equal(t, 1, times, "version %d", version)
	}
}

// A second run finds nothing to do and leaves what is there alone.
func TestTwiceIsOnce(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p place) {
		db := p.open(t)
		for _, part := range p.sets {
			require.NoError(t, migrations.Up(t.Context(), db, part.set))
			first, when := part.applied(t, db), part.stamps(t, db)
			require.NoError(t, migrations.Up(t.Context(), db, part.set))
			require.Equal(t, first, part.applied(t, db))
			require.Equal(t, when, part.stamps(t, db))
		}
	})
}

// stamps are the times at which the versions were applied.
func (p part) stamps(t *testing.T, db *sql.DB) (all []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `select cast(tstamp as text) from `+p.version+` order by id`)
	require.NoError(t, err)
	defer rows.Close() //nolint:errcheck // rows.Err says what went wrong
	for rows.Next() {
		var one string
		require.NoError(t, rows.Scan(&one))
		all = append(all, one)
	}
	require.NoError(t, rows.Err())
	return all
}

// A database that a newer program has migrated is refused with both versions
// and what to do, and is left alone; its other set is none the worse.
func TestANewerDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p place) {
		db := p.open(t)
		for i, part := range p.sets {
			require.NoError(t, migrations.Up(t.Context(), db, part.set))
			_, err := db.ExecContext(t.Context(), `insert into `+part.version+` (version_id, is_applied) values (9999, true)`)
			require.NoError(t, err)
			before := part.applied(t, db)
			err = migrations.Up(t.Context(), p.open(t), part.set)
			require.ErrorContains(t, err, "schema is at version 9999")
			require.ErrorContains(t, err, "run a newer eventflow")
			require.Equal(t, before, part.applied(t, db))
			if i > 0 {
				continue
			}
			require.NoError(t, migrations.Up(t.Context(), db, p.sets[1].set), "the sets have versions of their own")
		}
	})
}
