// Package migrations holds the databases' schemas, and brings a database up to the
// newest one. A schema is a row of files of SQL, applied in the order of their
// names. They only go forward: a file that was released keeps its statements, and
// a mistake in it is mended by another file.
//
// Each file is a single statement to goose: it takes 4 MiB for every line in
// which it looks for the end of a statement, and a round trip for every one that
// it finds. The database finds the ends itself.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

//go:embed sqlite postgres
var files embed.FS

// Set is the migrations of one part of the data in one kind of database.
type Set struct {
	dialect database.Dialect
	folder  string
	// table is where goose notes which migrations were applied. Each set has its
	// own, so that two sets in one database do not count each other's.
	table string
}

// The sets that there are. Events and catalog may share a database or have one
// each.
var (
	EventsSQLite    = Set{database.DialectSQLite3, "sqlite/events", "eventflow_events_version"}
	CatalogSQLite   = Set{database.DialectSQLite3, "sqlite/catalog", "eventflow_catalog_version"}
	EventsPostgres  = Set{database.DialectPostgres, "postgres/events", "eventflow_events_version"}
	CatalogPostgres = Set{database.DialectPostgres, "postgres/catalog", "eventflow_catalog_version"}
)

// Up applies the migrations that db lacks. It does so under a lock, so that any
// number of processes may start at once: one migrates, the others wait and find
// nothing left to do. A database newer than this program is refused, because the
// program does not know what its tables mean.
//
// For SQLite, db must begin its transactions with `begin immediate`
// (_txlock=immediate): they then wait for a process that writes meanwhile, where
// one that has read before it writes would be refused.
func Up(ctx context.Context, db *sql.DB, set Set) (err error) {
	unlock, err := lock(ctx, db, set)
	if err != nil {
		return fmt.Errorf("locking the database for its migrations: %w", err)
	}
	defer func() {
		if failed := unlock(); err == nil && failed != nil {
			err = fmt.Errorf("unlocking the database after its migrations: %w", failed)
		}
	}()
	return up(ctx, db, set)
}

// up does the work of Up, under the lock.
func up(ctx context.Context, db *sql.DB, set Set) error {
	folder, err := fs.Sub(files, set.folder)
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(set.dialect, db, folder, goose.WithTableName(set.table), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("reading the migrations in %s: %w", set.folder, err)
	}
	current, newest, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("reading the schema's version: %w", err)
	}
	if current > newest {
		return fmt.Errorf("the database's schema is at version %d and this program knows only %d: run a newer eventflow", current, newest)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrating the database: %w", err)
	}
	return nil
}

// lock takes the set's migration lock and returns its release.
func lock(ctx context.Context, db *sql.DB, set Set) (unlock func() error, err error) {
	if set.dialect == database.DialectPostgres {
		return lockPostgres(ctx, db, set)
	}
	return lockSQLite(ctx, db)
}
