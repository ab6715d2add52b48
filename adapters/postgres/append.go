package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventflow-go/eventflow/adapters/pgtenant"
	"github.com/eventflow-go/eventflow/core"
)

// appendTimeout bounds one append. It does not end with the caller's context:
// a transaction that is cut would have to be asked for its outcome.
const appendTimeout = 30 * time.Second

// appendAttempts bounds how often an append is begun anew because another
// server was faster or a partition was missing.
const appendAttempts = 8

// Append implements [core.Appender].
func (s *Storage) Append(ctx context.Context, at time.Time, batches []core.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), appendTimeout)
	defer cancel()
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return storeError(err)
	}
	defer conn.Release()
	p := newPlan(at, batches)
	defer func() {
		if !conn.Conn().IsClosed() { // else pgx may still be reading the rows that it was to send
			p.release()
		}
	}()
	for range appendAttempts {
		if s.heads.contended(p.streams) {
			err = s.appendLocked(ctx, conn, p)
		} else {
			err = s.appendGuarded(ctx, conn, p)
		}
		switch pgtenant.State(err) {
		case "":
			return s.finish(p, err)
		case stateGuard, pgtenant.StateUnique:
			s.heads.contend(p.streams)
		case stateUndefinedTable:
			if err := createPartition(ctx, conn, p.day); err != nil {
				return storeError(err)
			}
		default:
			return s.finish(p, err)
		}
		s.heads.forget(p.streams)
	}
	return s.finish(p, core.Unavailable(err, time.Second, "other servers are writing to the same streams too fast; try again"))
}

// finish keeps the counters that an append left, or forgets them when it
// failed.
func (s *Storage) finish(p *plan, err error) error {
	if err != nil {
		s.heads.forget(p.streams)
		return storeError(err)
	}
	s.heads.advance(p)
	return nil
}

// createPartition makes room for a day. A server that was faster has committed
// when the function goes on, but the session's catalog cache may not know yet.
func createPartition(ctx context.Context, conn *pgxpool.Conn, day int32) error {
	_, err := conn.Exec(ctx, `select eventflow_partition($1)`, day)
	if pgtenant.State(err) == stateDuplicateTable {
		return nil
	}
	return err
}

// appendGuarded appends in one round trip, at the offsets that this process
// believes to be next; the database refuses when they are not.
func (s *Storage) appendGuarded(ctx context.Context, conn *pgxpool.Conn, p *plan) error {
	if err := s.heads.fill(ctx, conn, p); err != nil {
		return err
	}
	if err := p.recall(ctx, conn); err != nil {
		return err
	}
	if err := p.checkClock(); err != nil {
		return err
	}
	p.place()
	if p.rows == 0 {
		return nil
	}
	_, err := conn.Conn().PgConn().CopyFrom(ctx, bytes.NewReader(p.copyData()), p.statement())
	return outcome(err)
}

// appendLocked appends under the locks of the streams' counters, which it
// waits for: slower by three round trips, but nobody can come between.
func (s *Storage) appendLocked(ctx context.Context, conn *pgxpool.Conn, p *plan) error {
	if err := s.heads.fill(ctx, conn, p); err != nil { // makes the rows to be locked
		return err
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // after Commit there is nothing to roll back
	if err := p.lock(ctx, tx); err != nil {
		return err
	}
	if err := p.recall(ctx, tx); err != nil {
		return err
	}
	if err := p.checkClock(); err != nil {
		return err
	}
	p.place()
	if p.rows == 0 {
		return nil
	}
	if _, err := tx.Conn().PgConn().CopyFrom(ctx, bytes.NewReader(p.copyData()), p.statement()); err != nil {
		return err // no COMMIT was sent
	}
	return outcome(tx.Commit(ctx))
}

// outcome tells a commit that was refused from one that may have taken place:
// an ERROR means rolled back; a broken connection or a FATAL means nothing.
// [pgconn.SafeToRetry] is not asked: it is true also of the `conn closed` that
// pgx makes of a connection that broke after COMMIT was sent.
func outcome(err error) error {
	var refused *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused) && refused.SeverityUnlocalized == "ERROR":
		return err
	case errors.Is(err, pgx.ErrTxCommitRollback):
		return err
	}
	return fmt.Errorf("%w: %w", core.ErrUnknownOutcome, errors.New(err.Error()))
}
