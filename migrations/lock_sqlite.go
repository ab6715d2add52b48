package migrations

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"

	_ "modernc.org/sqlite" // the driver of the lock's database
)

// lockSQLite holds an exclusive transaction in a second database, beside db's file.
// SQLite has no lock that outlives a transaction, and goose needs the transactions
// of db itself. If this process dies, the system takes the lock away.
func lockSQLite(ctx context.Context, db *sql.DB) (func() error, error) {
	var path string
	if err := db.QueryRowContext(ctx, `select file from pragma_database_list where name = 'main'`).Scan(&path); err != nil {
		return nil, err
	}
	if path == "" {
		return func() error { return nil }, nil // in memory: nobody else has it
	}
	beside := url.URL{Path: path + ".migrating"}
	locks, err := sql.Open("sqlite", "file:"+beside.EscapedPath()+"?_pragma=busy_timeout(60000)")
	if err != nil {
		return nil, err
	}
	locks.SetMaxOpenConns(1)
	if _, err := locks.ExecContext(ctx, `begin exclusive`); err != nil {
		_ = locks.Close() // the first error is the one to tell
		return nil, fmt.Errorf("locking %s.migrating, which another process that migrates may hold: %w", path, err)
	}
	return func() error {
		_, err := locks.ExecContext(context.WithoutCancel(ctx), `rollback`)
		if closed := locks.Close(); err == nil {
			err = closed
		}
		return err
	}, nil
}
