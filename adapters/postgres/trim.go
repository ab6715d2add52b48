package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/eventflow-go/eventflow/adapters/pgtenant"
	"github.com/eventflow-go/eventflow/core"
)

// trimChunk is how many events one statement of Trim removes. Each statement is a
// transaction of its own, so that none of them runs for minutes.
const trimChunk = 10_000

// Trim implements [core.Trimmer], in whole UTC days. First the stream's
// bounds move, so that nobody looks for what is about to go. Then the keys and
// the events go, and the segment last: a trim that was interrupted leaves the
// segment behind, by which the next one finds the day and finishes it.
//
// Several servers may trim a stream at once, while others append to it. Every
// statement names the offset at which the day ends, so it does nothing where it
// was done before, and never touches what was appended since.
func (s *Storage) Trim(ctx context.Context, stream core.ID, before time.Time) error {
	all, err := s.loadSegments(ctx, stream)
	if err != nil {
		return storeError(err)
	}
	if len(all) == 0 || all[0].day >= dayOf(before) {
		// Most streams have nothing to trim, and there may be very many of them:
		// their segments are not to fill the memory.
		s.segments.keep(stream, nil)
		return nil
	}
	bounds, err := s.Bounds(ctx, []core.ID{stream})
	if err != nil {
		return err
	}
	// The segments are read again, after the bounds. A new day may have begun
	// since the first look. Its segment is among these then, and ends the old one;
	// if it is not, its events are beyond the bounds. The other way around, the
	// new day's events would be taken for the end of the old one, and be hidden.
	if all, err = s.loadSegments(ctx, stream); err != nil {
		return storeError(err)
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

// trimSegment removes one day of a stream: its events before end.
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
	err = s.deleteDay(ctx, stream, day, end)
	if pgtenant.State(err) == stateUndefinedTable { // another server has dropped it meanwhile
		_, err = s.pool.Exec(ctx, `delete from segments where stream = $1 and day = $2`, id, day)
	}
	return err
}

// deleteDay removes a stream's events from a day that others have events on, too.
func (s *Storage) deleteDay(ctx context.Context, stream core.ID, day int32, end core.Offset) error {
	id := [16]byte(stream)
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
	// A server whose clock is behind may have appended to the old day after its
	// end was read. Then the segment stays, for it leads to these events.
	_, err := s.pool.Exec(ctx, `delete from segments where stream = $1 and day = $2 and first_offset < $3
		and not exists (select from `+partition(day)+` where stream = $1 and "offset" >= $3)`, id, day, int64(end))
	return err
}

// dropDay drops a day's partition when it holds nothing but what is to go. That
// costs the same however much it holds, while a delete writes each row once more.
//
// It looks under an exclusive lock on the partition. An append holds its own lock
// on the partition until it has committed, so the look finds every event that is
// there. An append that comes later waits, finds the table gone, is rolled back
// together with its segment, and makes the partition anew.
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
	if pgtenant.State(err) == stateUndefinedTable { // another server has dropped it
		_, err = s.pool.Exec(ctx, `delete from segments where stream = $1 and day = $2`, [16]byte(stream), day)
		return true, err
	}
	return dropped, err
}
