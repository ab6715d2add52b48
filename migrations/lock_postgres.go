package migrations

import (
	"context"
	"database/sql"
	"fmt"
	"hash/fnv"
	"sync"
	"time"
)

// lockPostgres takes an advisory lock. Its key is made of the schema and the set:
// two installations in one database do not wait for each other. The server queues
// who waits, where goose's own locker would ask again every five seconds.
//
// The lock belongs to a transaction, which is kept open for it. If this process
// dies, its connection ends, and the lock with it. If it is paused or cut off, the
// transaction is silent, and PostgreSQL ends it. Every version since 9.6 can do
// that; for a session outside of a transaction only those since 14 can.
func lockPostgres(ctx context.Context, db *sql.DB, set Set) (func() error, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	key, err := lockKey(ctx, conn, set)
	if err != nil {
		return nil, closing(conn, err)
	}
	// The lock outlives ctx, as it must be given back in order.
	tx, err := conn.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return nil, closing(conn, err)
	}
	if err := hold(ctx, tx, key); err != nil {
		_ = tx.Rollback() // the first error is the one to tell
		return nil, closing(conn, err)
	}
	quiet := speak(ctx, tx)
	return func() error {
		quiet()
		return closing(conn, tx.Commit()) // fails where the lock was lost
	}, nil
}

// lockKey stands for a set in the connection's schema. Every version of this
// program must come to the same key.
func lockKey(ctx context.Context, conn *sql.Conn, set Set) (int64, error) {
	var schema string
	if err := conn.QueryRowContext(ctx, `select current_schema()`).Scan(&schema); err != nil {
		return 0, fmt.Errorf("the search_path names no existing schema: %w", err)
	}
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(schema + "\x00" + set.table)) // never fails
	return int64(hash.Sum64()), nil
}

// hold takes the lock, until the transaction ends. Who has waited for it may have
// gone meanwhile, so the time-out is there before the lock is.
func hold(ctx context.Context, tx *sql.Tx, key int64) error {
	_, err := tx.ExecContext(ctx, fmt.Sprintf(`set local idle_in_transaction_session_timeout = %d`, heldSilently.Milliseconds()))
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `select pg_advisory_xact_lock($1)`, key)
	return err
}

// heldSilently is for how long a transaction that says nothing keeps the lock.
const heldSilently = 5 * time.Second

// speak says something in a transaction, often enough to keep it.
func speak(ctx context.Context, tx *sql.Tx) (quiet func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var group sync.WaitGroup
	group.Go(func() {
		ticker := time.NewTicker(heldSilently / 5)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				// If it fails the lock is lost, which the commit will tell.
				_, _ = tx.ExecContext(context.WithoutCancel(ctx), `select 1`)
			}
		}
	})
	return func() {
		cancel()
		group.Wait()
	}
}

// closing gives a connection back, and returns err or, without one, what went
// wrong with that.
func closing(conn *sql.Conn, err error) error {
	if closed := conn.Close(); err == nil {
		err = closed
	}
	return err
}
