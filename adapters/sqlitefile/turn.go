package sqlitefile

import (
	"context"
	"database/sql"
	"errors"
)

// Turn is the right to write, which one goroutine of this process has at a time: those who
// wait inside SQLite ask again and again. Unlike a lock it is waited for no longer than a
// context lasts, because another process may keep the one who has it for many seconds.
type Turn chan struct{}

// NewTurn returns a turn that nobody has.
func NewTurn() Turn { return make(Turn, 1) }

// Take waits for the turn. It fails with the context's error where that ends first.
func (t Turn) Take(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Leave ends the turn.
func (t Turn) Leave() { <-t }

// TryTurn tries whether a connection may write now, or another process does. It does not
// wait for that one.
func TryTurn(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, `pragma busy_timeout(0); begin immediate; rollback`)
	_, again := conn.ExecContext(context.WithoutCancel(ctx), `pragma `+patience)
	return errors.Join(err, again)
}
