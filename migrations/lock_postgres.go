package migrations

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"sync"
	"time"
)

// lockPostgres takes an advisory lock. Its key is made of the schema and the set:
// two installations in one database do not wait for each other. The server queues
// who waits, where goose's own locker would ask again every five seconds.
//
// The lock belongs to the session of one connection, which is kept for it. If
// this process dies, the session ends, and the lock with it. If it is paused or
// cut off, the session is silent, and PostgreSQL ends it.
func lockPostgres(ctx context.Context, db *sql.DB, set Set) (func() error, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	key, err := lockKey(ctx, conn, set)
	if err != nil {
		return nil, closing(conn, err)
	}
	if err := hold(ctx, conn, key); err != nil {
		return nil, closing(conn, err)
	}
	quiet := speak(ctx, conn)
	return func() error {
		quiet()
		_, err := conn.ExecContext(context.WithoutCancel(ctx), `select pg_advisory_unlock($1)`, key)
		// No other use of the session is to be ended.
		_, reset := conn.ExecContext(context.WithoutCancel(ctx), endSilent, "0")
		return closing(conn, errors.Join(err, reset))
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

// hold takes the lock, and has the session end when it says nothing.
func hold(ctx context.Context, conn *sql.Conn, key int64) error {
	if _, err := conn.ExecContext(ctx, `select pg_advisory_lock($1)`, key); err != nil {
		return err
	}
	_, err := conn.ExecContext(ctx, endSilent, fmt.Sprint(heldSilently.Milliseconds()))
	return err
}

// heldSilently is for how long a session that says nothing keeps the lock.
const heldSilently = 5 * time.Second

// endSilent has PostgreSQL end the session when it says nothing. Before version 14
// there is no such setting, and the lock lasts as long as the connection.
const endSilent = `select set_config(name, $1, false) from pg_settings where name = 'idle_session_timeout'`

// speak says something on a connection, often enough to keep its session.
func speak(ctx context.Context, conn *sql.Conn) (quiet func()) {
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
				// If it fails the lock is lost, which the unlock will tell.
				_, _ = conn.ExecContext(context.WithoutCancel(ctx), `select 1`)
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
