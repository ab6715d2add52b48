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

// appendTimeout bounds one append, the wait for locks included. The caller's
// context does not end an append that has begun. A transaction that is cut off
// has an unknown outcome, which takes a look-up to find out, and the other
// requests of its group did not give up.
const appendTimeout = 30 * time.Second

// appendAttempts bounds how often an append is begun anew because another
// server was faster or a partition was missing. Two are usual: the second one
// locks first and cannot be overtaken. More are for a new day, and for a
// partition that retention drops at the same moment.
const appendAttempts = 8

// Append implements [core.Appender].
func (s *Storage) Append(ctx context.Context, at time.Time, batches []core.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), appendTimeout)
	defer cancel()
	p := newPlan(at, batches)
	s.appends.begin(p)
	defer s.appends.end(p)
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return storeError(err)
	}
	defer conn.Release()
	defer func() {
		// When a connection breaks during a COPY, pgx returns while its goroutine
		// may still read the rows to send. Such a buffer must not be used again.
		if !conn.Conn().IsClosed() {
			p.release()
		}
	}()
	defer s.relieve(ctx)()
	for range appendAttempts {
		if s.heads.contended(p.streams) {
			err = s.appendLocked(ctx, conn, p)
		} else {
			err = s.appendGuarded(ctx, conn, p)
		}
		switch pgtenant.State(err) {
		case "":
			if err == nil && p.rows == 0 && s.durability.Standby {
				// Whoever stored what is known already may never have been acknowledged.
				err = pgtenant.Confirm(ctx, conn.Conn())
			}
			return s.finish(p, err)
		case stateGuard, pgtenant.StateUnique:
			// Another server writes one of these streams, too. To guess again would
			// lose against it again and again, so the next appends wait in line.
			s.heads.contend(p.streams)
		case stateUndefinedTable:
			// The append is rolled back. The partition is made in a transaction of
			// its own, so it stays whatever becomes of the next attempt.
			if err := createPartition(ctx, conn, p.day); err != nil {
				return s.finish(p, err)
			}
		case stateLockTimeout:
			if ended, failed := endSilent(ctx, conn, true); failed != nil || !ended {
				return s.finish(p, err)
			}
		default:
			return s.finish(p, err)
		}
		s.heads.forget(p.streams)
	}
	return s.finish(p, core.Unavailable(err, time.Second, "other servers keep writing to the same streams; try again"))
}

// finish remembers the counters that an append left. When the append failed it
// forgets them, because the outcome may be unknown.
func (s *Storage) finish(p *plan, err error) error {
	if err != nil {
		s.heads.forget(p.streams)
		if pgtenant.State(err) == pgtenant.StateDiskFull {
			s.full.Store(true)
		}
		return storeError(err)
	}
	s.heads.advance(p)
	if p.rows > 0 {
		s.full.Store(false)
	}
	return nil
}

// createPartition makes room for a day. The function in the database waits for a
// server that makes the same partition, and then looks whether it is there. Its
// session's catalog cache may be too old to see it, which shows as a duplicate
// table: the partition is there, and that is all that counts.
func createPartition(ctx context.Context, conn *pgxpool.Conn, day int32) error {
	_, err := conn.Exec(ctx, `select eventflow_partition($1)`, day)
	if pgtenant.State(err) == stateDuplicateTable {
		return nil
	}
	return err
}

// appendGuarded appends in one round trip, at the offsets that this process
// believes to be next. The database refuses when they are not, and when a key
// that recall did not find was stored since: both are checked in the
// transaction that stores the events.
func (s *Storage) appendGuarded(ctx context.Context, conn *pgxpool.Conn, p *plan) error {
	if err := s.heads.fill(ctx, conn, p); err != nil {
		return err
	}
	if err := p.recall(ctx, conn); err != nil {
		return err
	}
	if err := p.checkClock(); err != nil { // after recall, which reads the clocks anew
		return err
	}
	p.place()
	if p.rows == 0 { // every event is known already: there is nothing to commit
		return nil
	}
	return outcome(conn.Conn(), s.copyIn(ctx, conn.Conn(), p))
}

// appendLocked appends under the locks of the streams' counters. It waits for
// whoever holds them, and then nobody can come between: offsets are given and
// keys are stored under these locks only. That costs three round trips more.
//
// Each statement sees what was committed before it began (READ COMMITTED), so
// recall, which follows the lock, finds the keys of whoever had it before.
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
	if err := s.copyIn(ctx, tx.Conn(), p); err != nil {
		return err // no COMMIT was sent, so nothing is stored whatever broke
	}
	return outcome(tx.Conn(), tx.Commit(ctx))
}

// copyIn sends the rows of a plan. It goes past pgx, which would encode each of them by
// itself, and so has to tell pgx's tracer.
func (s *Storage) copyIn(ctx context.Context, conn *pgx.Conn, p *plan) error {
	if s.copying == nil {
		_, err := conn.PgConn().CopyFrom(ctx, bytes.NewReader(p.copyData()), p.statement())
		return err
	}
	ctx = s.copying.TraceCopyFromStart(ctx, conn, pgx.TraceCopyFromStartData{TableName: pgx.Identifier{"events"}})
	tag, err := conn.PgConn().CopyFrom(ctx, bytes.NewReader(p.copyData()), p.statement())
	s.copying.TraceCopyFromEnd(ctx, conn, pgx.TraceCopyFromEndData{CommandTag: tag, Err: err})
	return err
}

// outcome tells a commit that was refused from one that may have taken place. An
// ERROR means that PostgreSQL has rolled back. A connection that broke means
// nothing, and neither does a FATAL: a backend that is ended may have committed
// before. [pgconn.SafeToRetry] is of no use here: it is true also for the `conn
// closed` that pgx makes of a connection that broke after COMMIT was sent. A commit that
// was answered without the standby that it was to wait for may be lost with the primary.
func outcome(conn *pgx.Conn, err error) error {
	var refused *pgconn.PgError
	switch {
	case err == nil && pgtenant.Unreplicated(conn):
		err = pgtenant.ErrUnreplicated
	case err == nil:
		return nil
	case errors.As(err, &refused) && refused.SeverityUnlocalized == "ERROR":
		return err
	case errors.Is(err, pgx.ErrTxCommitRollback):
		return err
	}
	// The cause is kept as text alone. Were it wrapped, storeError would find a
	// broken connection in it and say that nothing was stored.
	return fmt.Errorf("%w: %w", core.ErrUnknownOutcome, errors.New(err.Error()))
}

// Confirm implements [core.Confirmer].
func (s *Storage) Confirm(ctx context.Context, _ core.ID) error {
	err := s.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error { return pgtenant.Confirm(ctx, conn.Conn()) })
	return storeError(err)
}
