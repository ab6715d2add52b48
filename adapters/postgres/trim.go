package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/eventflow-go/eventflow/adapters/pgtenant"
	"github.com/eventflow-go/eventflow/core"
)

// trimChunk is how many events one statement of Trim removes.
const trimChunk = 10_000

// Trim implements [core.Trimmer], in whole UTC days. First the stream's
// bounds move, so that nobody looks for what is about to go; then the events
// go, and last the segment, so that an interrupted trim is found and finished.
func (s *Storage) Trim(ctx context.Context, stream core.ID, before time.Time) error {
	all, err := s.loadSegments(ctx, stream)
	if err != nil {
		return storeError(err)
	}
	if len(all) == 0 || all[0].day >= dayOf(before) { // as with most, where there are very many
		s.segments.keep(stream, nil)
		return nil
	}
	bounds, err := s.Bounds(ctx, []core.ID{stream})
	if err != nil {
		return err
	}
	for i, one := range all {
		if one.day >= dayOf(before) {
			break
		}
		end := bounds[0].Next
		if i+1 < len(all) {
			end = all[i+1].first
		}
		if err := s.trimSegment(ctx, stream, one.day, end); err != nil {
			return storeError(err)
		}
	}
	s.segments.keep(stream, nil)
	return nil
}

func (s *Storage) trimSegment(ctx context.Context, stream core.ID, day int32, end core.Offset) error {
	id := [16]byte(stream)
	if _, err := s.pool.Exec(ctx, `update heads set first_offset = greatest(first_offset, $2) where stream = $1`, id, int64(end)); err != nil {
		return err
	}
	if _, err := s.pool.Exec(ctx, `delete from event_keys where stream = $1 and "offset" < $2`, id, int64(end)); err != nil {
		return err
	}
	dropped, err := s.dropDay(ctx, stream, day, end)
	if err != nil || dropped {
		return err
	}
	for {
		done, err := s.pool.Exec(ctx, `delete from `+partition(day)+` where ctid = any (array(
			select ctid from `+partition(day)+` where stream = $1 and "offset" < $2 limit $3))`, id, int64(end), trimChunk)
		if err != nil {
			return err
		}
		if done.RowsAffected() < trimChunk {
			break
		}
	}
	_, err = s.pool.Exec(ctx, `delete from segments where stream = $1 and day = $2 and first_offset < $3
		and not exists (select from `+partition(day)+` where stream = $1 and "offset" >= $3)`, id, day, int64(end))
	return err
}

// dropDay drops a day's partition when it holds nothing but what is to go: that
// costs nothing, however much it is.
func (s *Storage) dropDay(ctx context.Context, stream core.ID, day int32, end core.Offset) (dropped bool, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `lock table `+partition(day)+` in access exclusive mode`); err != nil {
			return err
		}
		err := tx.QueryRow(ctx, `select not exists (select from segments where day = $2 and stream <> $1)
			and not exists (select from `+partition(day)+` where stream = $1 and "offset" >= $3)`, [16]byte(stream), day, int64(end)).Scan(&dropped)
		if err != nil || !dropped {
			return err
		}
		_, err = tx.Exec(ctx, `drop table `+partition(day))
		if err == nil {
			_, err = tx.Exec(ctx, `delete from segments where stream = $1 and day = $2`, [16]byte(stream), day)
		}
		return err
	})
	if pgtenant.State(err) == stateUndefinedTable {
		_, err = s.pool.Exec(ctx, `delete from segments where stream = $1 and day = $2`, [16]byte(stream), day)
		return true, err
	}
	return dropped, err
}
