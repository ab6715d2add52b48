package postgres

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/eventflow-go/eventflow/core"
)

var _ core.Copyable = (*Storage)(nil)

// Logs implements [core.Copyable], by one statement: it sees one moment.
func (s *Storage) Logs(ctx context.Context) ([]core.StreamLog, error) {
	rows, err := s.pool.Query(ctx, `select org, stream, first_offset, next_offset, last_at from heads where next_offset > 0 order by stream`)
	if err != nil {
		return nil, storeError(err)
	}
	logs, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (log core.StreamLog, err error) {
		var org, stream [16]byte
		var last *time.Time
		err = row.Scan(&org, &stream, &log.First, &log.Next, &last)
		log.Org, log.Stream = org, stream
		if last != nil {
			log.Last = last.UTC()
		}
		return log, err
	})
	return logs, storeError(err)
}

// Entries implements [core.Copyable].
func (s *Storage) Entries(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Entry, error) {
	events, err := s.Read(ctx, stream, scan)
	if err != nil || len(events) == 0 {
		return nil, err
	}
	entries := make([]core.Entry, len(events))
	at := make(map[core.Offset]*core.Entry, len(events))
	for i := range events {
		entries[i].Event = events[i]
		at[events[i].Offset] = &entries[i]
	}
	low, high := events[0].Offset, events[len(events)-1].Offset
	rows, err := s.pool.Query(ctx, `select "offset", fingerprint from event_keys where stream = $1 and "offset" between $2 and $3`,
		[16]byte(stream), int64(min(low, high)), int64(max(low, high)))
	if err != nil {
		return nil, storeError(err)
	}
	var offset core.Offset
	var fingerprint [16]byte
	_, err = pgx.ForEachRow(rows, []any{&offset, &fingerprint}, func() error {
		if entry := at[offset]; entry != nil {
			entry.Fingerprint = fingerprint
		}
		return nil
	})
	return entries, storeError(err)
}

// Put implements [core.Copyable]. What is before the stretch's First goes first, as by
// Trim, in transactions of its own: whoever is interrupted there does it again.
func (s *Storage) Put(ctx context.Context, stretch core.Stretch) error {
	defer s.heads.forget([]core.ID{stretch.Stream})
	defer s.segments.keep(stretch.Stream, nil)
	if err := s.cutBefore(ctx, &stretch); err != nil {
		return storeError(err)
	}
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error { return s.put(ctx, tx, &stretch) })
	return storeError(err)
}

// cutBefore removes what the stream has before First, if the rest of the stretch can
// be put behind it.
func (s *Storage) cutBefore(ctx context.Context, stretch *core.Stretch) error {
	var org [16]byte
	var there core.Bounds
	err := s.pool.QueryRow(ctx, `select org, first_offset, next_offset from heads where stream = $1`, [16]byte(stretch.Stream)).
		Scan(&org, &there.First, &there.Next)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && there.First >= stretch.First {
		return nil
	}
	if err != nil {
		return err
	}
	if err := stretch.Of(org); err != nil {
		return err
	}
	if _, _, err := stretch.Split(there); err != nil {
		return err
	}
	all, err := s.loadSegments(ctx, stretch.Stream)
	if err != nil {
		return err
	}
	for i, one := range all {
		end := min(stretch.First, there.Next)
		if i+1 < len(all) {
			end = min(end, all[i+1].first)
		}
		if one.first >= end {
			break
		}
		if err := s.trimSegment(ctx, stretch.Stream, one.day, end); err != nil {
			return err
		}
	}
	return nil
}

// putSilent is for how long this process may say nothing between two statements of a
// Put. Nobody else waits for the stream, so it may be busy with all else.
const putSilent = `set local idle_in_transaction_session_timeout = '1min'`

// put stores a stretch under the lock of its stream.
func (s *Storage) put(ctx context.Context, tx pgx.Tx, stretch *core.Stretch) error {
	stream := [16]byte(stretch.Stream)
	if _, err := tx.Exec(ctx, putSilent); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `insert into heads (stream, org) values ($1, $2) on conflict do nothing`, stream, [16]byte(stretch.Org))
	if err != nil {
		return err
	}
	var org [16]byte
	var there core.Bounds
	var last *time.Time
	err = tx.QueryRow(ctx, `select org, first_offset, next_offset, last_at from heads where stream = $1 for update`, stream).
		Scan(&org, &there.First, &there.Next, &last)
	if err != nil {
		return err
	}
	if last != nil {
		there.Last = last.UTC()
	}
	if err := stretch.Of(org); err != nil {
		return err
	}
	known, fresh, err := stretch.Split(there)
	if err != nil {
		return err
	}
	if err := s.comparePut(ctx, stretch, known); err != nil {
		return err
	}
	if err := copyPut(ctx, tx, stretch, fresh); err != nil {
		return err
	}
	next, newest := max(there.Next, stretch.First), there.Last
	if len(stretch.Entries) == 0 && stretch.Last.After(newest) {
		newest = stretch.Last
	}
	if len(fresh) > 0 {
		next, newest = fresh[len(fresh)-1].Offset+1, fresh[len(fresh)-1].ReceivedAt
	}
	_, err = tx.Exec(ctx, `update heads set first_offset = greatest(first_offset, $2), next_offset = $3, last_at = $4 where stream = $1`,
		stream, int64(stretch.First), int64(next), nullTime(newest))
	return err
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

// copyPut stores events by COPY, day by day, and their keys.
func copyPut(ctx context.Context, tx pgx.Tx, stretch *core.Stretch, fresh []core.Entry) error {
	batch := &core.Batch{Org: stretch.Org, Stream: stretch.Stream}
	for len(fresh) > 0 {
		day := dayOf(fresh[0].ReceivedAt)
		end := slices.IndexFunc(fresh, func(e core.Entry) bool { return dayOf(e.ReceivedAt) != day })
		if end < 0 {
			end = len(fresh)
		}
		if err := copyDay(ctx, tx, batch, day, fresh[:end]); err != nil {
			return err
		}
		if err := putKeys(ctx, tx, stretch.Stream, fresh[:end]); err != nil {
			return err
		}
		fresh = fresh[end:]
	}
	return nil
}

func copyDay(ctx context.Context, tx pgx.Tx, batch *core.Batch, day int32, entries []core.Entry) error {
	if _, err := tx.Exec(ctx, `select eventflow_partition($1)`, day); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `insert into segments values ($1, $2, $3) on conflict do nothing`, [16]byte(batch.Stream), day, int64(entries[0].Offset))
	if err != nil {
		return err
	}
	data := appendCopyHeader(nil)
	for i := range entries {
		data = appendCopyRow(data, batch, day, &entries[i])
	}
	data = binary.BigEndian.AppendUint16(data, 0xffff)
	_, err = tx.Conn().PgConn().CopyFrom(ctx, bytes.NewReader(data), copyStatement(day))
	return err
}

// putKeys remembers the keys, in place of those of earlier events.
func putKeys(ctx context.Context, tx pgx.Tx, stream core.ID, entries []core.Entry) error {
	var keys, ids, fingerprints [][16]byte
	var offsets []int64
	var times []time.Time
	for i := range entries {
		if e := &entries[i]; e.Fingerprint != (core.Fingerprint{}) {
			keys, ids, fingerprints = append(keys, keyHash(e.IdempotencyKey)), append(ids, e.ID), append(fingerprints, e.Fingerprint)
			offsets, times = append(offsets, int64(e.Offset)), append(times, e.ReceivedAt)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `insert into event_keys (stream, key, "offset", id, received_at, fingerprint)
		select distinct on (key) $1::uuid, key, "offset", id, received_at, fingerprint
		from unnest($2::uuid[], $3::bigint[], $4::uuid[], $5::timestamptz[], $6::uuid[]) as put (key, "offset", id, received_at, fingerprint)
		order by key, "offset" desc
		on conflict (stream, key) do update set "offset" = excluded."offset", id = excluded.id,
			received_at = excluded.received_at, fingerprint = excluded.fingerprint`,
		[16]byte(stream), keys, offsets, ids, times, fingerprints)
	return err
}

func nullTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
