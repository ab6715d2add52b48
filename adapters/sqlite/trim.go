package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// One transaction of Trim removes as many events as it can in trimStep, for which an
// append may have to wait. How many these are depends on the disk and on the events:
// Trim begins with trimLeast and learns. It goes on with these on the slowest disk, so
// that it comes to an end.
const (
	trimStep  = 5 * time.Millisecond
	trimLeast = 50
	trimMost  = 1000
)

// trimRest is how many times the length of a step Trim waits before the next one,
// while there are appends. So it takes a quarter of the file's time from them.
const trimRest = 3

// Trim implements [core.Trimmer], in whole hours. It gives way to appends.
func (s *Storage) Trim(ctx context.Context, stream core.ID, before time.Time) error {
	before = before.UTC().Truncate(time.Hour)
	// Most streams have nothing to remove. They are found without the lock, for
	// which appends would have to wait.
	if old, err := s.beginsBefore(ctx, stream, before); err != nil || !old {
		return err
	}
	end, err := s.OffsetAt(ctx, stream, before)
	if err != nil {
		return err
	}
	for many := core.Offset(trimLeast); ; {
		appends := s.appends.Load()
		done, removing, took, err := s.trimSome(ctx, stream, end, many)
		if err != nil || done {
			return err
		}
		many = max(min(many*core.Offset(trimStep)/core.Offset(removing), 2*many, trimMost), trimLeast)
		if s.appends.Load() == appends {
			continue
		}
		select {
		case <-time.After(trimRest * took):
		case <-ctx.Done():
			return ctx.Err()
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

// trimSome removes that many of the events before end, and is done when none is left.
// removing is how long that took without the commit, whose flush costs the same however
// few they are, and took how long others had to wait for all of it.
func (s *Storage) trimSome(ctx context.Context, stream core.ID, end, many core.Offset) (done bool, removing, took time.Duration, err error) {
	var begun time.Time
	err = s.transact(ctx, func() error {
		begun = time.Now() // not before: Trim may have waited for an append itself
		done, err = s.deleteSome(ctx, stream, end, many)
		removing = max(time.Since(begun), time.Microsecond)
		return err
	})
	return done, removing, time.Since(begun), err
}

const (
	deleteEvents = `delete from events where stream = ?1 and "offset" < ?2`
	deleteKeys   = `delete from event_keys where stream = ?1 and "offset" < ?2`
)

// deleteSome removes the oldest events before end and their keys, inside a
// transaction. The stream begins where it stopped.
func (s *Storage) deleteSome(ctx context.Context, stream core.ID, end, many core.Offset) (done bool, err error) {
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
	until := min(first+many, end)
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
