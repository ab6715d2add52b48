package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// trimChunk is how many events one transaction of Trim removes, so that
// appends get in between.
const trimChunk = 5000

// Trim implements [core.Trimmer], in whole UTC days.
func (s *Storage) Trim(ctx context.Context, stream core.ID, before time.Time) error {
	before = before.UTC().Truncate(24 * time.Hour)
	// Most streams have nothing to remove. They are found without the lock, for
	// which appends would have to wait.
	if old, err := s.beginsBefore(ctx, stream, before); err != nil || !old {
		return err
	}
	end, err := s.OffsetAt(ctx, stream, before)
	if err != nil {
		return err
	}
	for {
		done, err := s.trimChunk(ctx, stream, end)
		if err != nil || done {
			return err
		}
	}
}

// selectBegins asks whether the oldest event of a stream was received before a
// time. It is prepared because retention asks it of every stream, again and again.
const selectBegins = `select exists (select 1 from heads h cross join events e on e.stream = h.number and e."offset" = h.first_offset
	where h.stream = ? and e.received_at < ?)`

// beginsBefore reports whether the oldest event of a stream was received before at.
func (s *Storage) beginsBefore(ctx context.Context, stream core.ID, at time.Time) (older bool, err error) {
	err = s.begins.QueryRowContext(ctx, stream[:], microseconds(at)).Scan(&older)
	return older, storeError(err)
}

// trimChunk removes some of the events before end, and is done when none is left.
func (s *Storage) trimChunk(ctx context.Context, stream core.ID, end core.Offset) (done bool, err error) {
	err = s.transact(ctx, func() error {
		done, err = s.deleteChunk(ctx, stream, end)
		return err
	})
	return done, err
}

const (
	deleteEvents = `delete from events where stream = ?1 and "offset" < ?2`
	deleteKeys   = `delete from event_keys where stream = ?1 and "offset" < ?2`
)

// deleteChunk removes the oldest events before end and their keys, inside a
// transaction. The stream begins where it stopped.
func (s *Storage) deleteChunk(ctx context.Context, stream core.ID, end core.Offset) (done bool, err error) {
	conn := s.inserts.conn
	var number int64
	var first core.Offset
	err = conn.QueryRowContext(ctx, `select number, first_offset from heads where stream = ?`, stream[:]).Scan(&number, &first)
	if errors.Is(err, sql.ErrNoRows) || err == nil && first >= end {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	until := min(first+trimChunk, end)
	for _, statement := range []string{
		deleteEvents,
		deleteKeys,
		`update heads set first_offset = ?2 where number = ?1`,
	} {
		if _, err := conn.ExecContext(ctx, statement, number, int64(until)); err != nil {
			return false, err
		}
	}
	return until == end, nil
}
