package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/eventflow-go/eventflow/adapters/pgtenant"
)

// Prepare implements [core.Preparer]. A partition that is there spares the first append
// of a day a second attempt, and the others the wait for it. Those that were made ahead
// and got no event have no segment, by which Trim would find them.
func (s *Storage) Prepare(ctx context.Context, now, until time.Time) error {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return storeError(err)
	}
	defer conn.Release()
	for day := dayOf(now); day <= dayOf(until); day++ {
		if err := createPartition(ctx, conn, day); err != nil {
			return storeError(err)
		}
	}
	rows, err := conn.Query(ctx, `select part.day from (
			select to_date(right(relname, 8), 'YYYYMMDD') - '1970-01-01'::date as day
			from pg_inherits join pg_class on pg_class.oid = inhrelid where inhparent = to_regclass('events')) part
		where part.day < $1 and not exists (select from segments where segments.day = part.day)`, dayOf(now)-1)
	if err != nil {
		return storeError(err)
	}
	unused, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil {
		return storeError(err)
	}
	for _, day := range unused {
		if err := s.dropUnused(ctx, day); err != nil {
			return storeError(err)
		}
	}
	return nil
}

// dropUnused drops a day's partition if it is empty. It looks under the lock under which
// dropDay looks, and gives up at once where somebody uses the partition: an append that
// comes to a day that is over is in the middle of it, or a reader is, and the next sweep
// comes in an hour.
func (s *Storage) dropUnused(ctx context.Context, day int32) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `lock table `+partition(day)+` in access exclusive mode nowait`); err != nil {
			return err
		}
		var used bool
		if err := tx.QueryRow(ctx, `select exists (select from `+partition(day)+`)`).Scan(&used); err != nil {
			return err
		}
		if used {
			return errUsed
		}
		_, err := tx.Exec(ctx, `drop table `+partition(day))
		return err
	})
	switch state := pgtenant.State(err); {
	case errors.Is(err, errUsed), state == stateUndefinedTable, state == stateLockTimeout:
		return nil
	}
	return err
}

// errUsed ends the transaction that looks at a partition which has events.
var errUsed = errors.New("the partition has events")
