// Package migrations holds the databases' schemas, forward-only SQL in order of
// the file names, and brings a database up to the newest one.
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
	"hash/fnv"
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
	table   string
}

// The sets there are. Events and catalog may share a database or not.
var (
	EventsSQLite    = Set{database.DialectSQLite3, "sqlite/events", "eventflow_events_version"}
	CatalogSQLite   = Set{database.DialectSQLite3, "sqlite/catalog", "eventflow_catalog_version"}
	EventsPostgres  = Set{database.DialectPostgres, "postgres/events", "eventflow_events_version"}
	CatalogPostgres = Set{database.DialectPostgres, "postgres/catalog", "eventflow_catalog_version"}
)

// Up applies the migrations that db lacks, under a lock, so that any number of
// processes may start at once: one migrates, the others wait and find nothing
// left to do. A database newer than this program is refused.
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

// lockPostgres takes an advisory lock of the current schema. It waits on the
// server, where goose's own locker would ask again every five seconds.
func lockPostgres(ctx context.Context, db *sql.DB, set Set) (func() error, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	var schema string
	if err := conn.QueryRowContext(ctx, `select current_schema()`).Scan(&schema); err != nil {
		return nil, closing(conn, fmt.Errorf("the search_path names no existing schema: %w", err))
	}
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(schema + "\x00" + set.table)) // never fails
	key := int64(hash.Sum64())
	if _, err := conn.ExecContext(ctx, `select pg_advisory_lock($1)`, key); err != nil {
		return nil, closing(conn, err)
	}
	return func() error {
		_, err := conn.ExecContext(context.WithoutCancel(ctx), `select pg_advisory_unlock($1)`, key)
		return closing(conn, err)
	}, nil
}

// closing gives a connection back and returns the first thing that went wrong.
func closing(conn *sql.Conn, err error) error {
	if closed := conn.Close(); err == nil {
		err = closed
	}
	return err
}
