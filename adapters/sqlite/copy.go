package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var _ core.Copyable = (*Storage)(nil)

// Logs implements [core.Copyable], by one statement: it sees one moment.
func (s *Storage) Logs(ctx context.Context) ([]core.StreamLog, error) {
	rows, err := s.readers.QueryContext(ctx, `select org, stream, first_offset, next_offset, last_at from heads where next_offset > 0 order by stream`)
	if err != nil {
		return nil, storeError(err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err says what went wrong
	var logs []core.StreamLog
	for rows.Next() {
		var log core.StreamLog
		var org, stream sql.RawBytes
		var last int64
		if err := rows.Scan(&org, &stream, &log.First, &log.Next, &last); err != nil {
			return nil, storeError(err)
		}
		copy(log.Org[:], org)
		copy(log.Stream[:], stream)
		log.Last = fromMicros(last)
		logs = append(logs, log)
	}
	return logs, storeError(rows.Err())
}

const selectFingerprints = `select "offset", fingerprint from event_keys
	where stream = (select number from heads where stream = ?) and "offset" between ? and ?`

// Entries implements [core.Copyable].
func (s *Storage) Entries(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Entry, error) {
	events, err := s.Read(ctx, stream, scan)
	if err != nil || len(events) == 0 {
		return nil, err
	}
	entries := make([]core.Entry, len(events))
	at := make(map[core.Offset]*core.Entry, len(events))
	low, high := core.Offset(math.MaxInt64), core.Offset(0)
	for i := range events {
		entries[i].Event = events[i]
		at[events[i].Offset] = &entries[i]
		low, high = min(low, events[i].Offset), max(high, events[i].Offset)
	}
	rows, err := s.readers.QueryContext(ctx, selectFingerprints, stream[:], int64(low), int64(high))
	if err != nil {
		return nil, storeError(err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err says what went wrong
	for rows.Next() {
		var offset core.Offset
		var fingerprint sql.RawBytes
		if err := rows.Scan(&offset, &fingerprint); err != nil {
			return nil, storeError(err)
		}
		if entry := at[offset]; entry != nil {
			copy(entry.Fingerprint[:], fingerprint)
		}
	}
	return entries, storeError(rows.Err())
}

// Put implements [core.Copyable]. It takes the lock that Append takes, so the readers
// see all that was stored before it.
func (s *Storage) Put(ctx context.Context, stretch core.Stretch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	return s.transact(ctx, func() error { return s.put(ctx, &stretch) })
}

// put stores a stretch, inside a transaction.
func (s *Storage) put(ctx context.Context, stretch *core.Stretch) error {
	number, there, err := s.openLog(ctx, stretch)
	if err != nil {
		return err
	}
	known, fresh, err := stretch.Split(there)
	if err != nil {
		return err
	}
	if err := s.comparePut(ctx, stretch, known); err != nil {
		return err
	}
	if stretch.First > there.First {
		for _, statement := range []string{deleteEvents, deleteKeys} {
			if _, err := s.inserts.conn.ExecContext(ctx, statement, number, int64(stretch.First)); err != nil {
				return err
			}
		}
	}
	next, last := max(there.Next, stretch.First), there.Last
	if len(stretch.Entries) == 0 && stretch.Last.After(last) {
		last = stretch.Last
	}
	if len(fresh) > 0 {
		next, last = fresh[len(fresh)-1].Offset+1, fresh[len(fresh)-1].ReceivedAt
	}
	if err := s.insertPut(ctx, number, fresh); err != nil {
		return err
	}
	_, err = s.inserts.conn.ExecContext(ctx, `update heads set first_offset = max(first_offset, ?), next_offset = ?, last_at = ? where number = ?`,
		int64(stretch.First), int64(next), last.UnixMicro(), number)
	return err
}

// openLog finds the stream's row, and makes it when the stream is new.
func (s *Storage) openLog(ctx context.Context, stretch *core.Stretch) (number int64, there core.Bounds, err error) {
	var org core.ID
	var stored []byte
	var last int64
	err = s.inserts.conn.QueryRowContext(ctx, `select number, org, first_offset, next_offset, last_at from heads where stream = ?`, stretch.Stream[:]).
		Scan(&number, &stored, &there.First, &there.Next, &last)
	if errors.Is(err, sql.ErrNoRows) {
		err = s.inserts.queryRow(ctx, insertHead, stretch.Stream[:], stretch.Org[:]).Scan(&number)
		return number, core.Bounds{Last: time.UnixMicro(0)}, err
	}
	if err != nil {
		return 0, there, err
	}
	copy(org[:], stored)
	there.Last = fromMicros(last)
	return number, there, stretch.Of(org)
}

func (s *Storage) comparePut(ctx context.Context, stretch *core.Stretch, known []core.Entry) error {
	if len(known) == 0 {
		return nil
	}
	there, err := s.Read(ctx, stretch.Stream, core.Scan{From: known[0].Offset, To: known[len(known)-1].Offset + 1, Limit: len(known)})
	if err != nil {
		return err
	}
	return stretch.SameEvents(known, there)
}

func (s *Storage) insertPut(ctx context.Context, number int64, fresh []core.Entry) error {
	rows, keys := s.inserts.rows(), s.inserts.keys()
	if err := keys.look(ctx, number, fresh); err != nil {
		return err
	}
	for i := range fresh {
		if err := rows.add(ctx, number, &fresh[i]); err != nil {
			return err
		}
		if fresh[i].Fingerprint == (core.Fingerprint{}) {
			continue
		}
		if err := keys.add(ctx, number, &fresh[i]); err != nil {
			return err
		}
	}
	return errors.Join(rows.flush(ctx), keys.flush(ctx))
}
