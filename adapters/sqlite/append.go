package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/eventflow-go/eventflow/adapters/sqlitefile"
	"github.com/eventflow-go/eventflow/core"
)

// Append implements [core.Appender].
func (s *Storage) Append(ctx context.Context, at time.Time, batches []core.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	// An append that has begun is not cut short by its caller's context: whether
	// a transaction that was cut during its COMMIT took place would be unknown.
	ctx = context.WithoutCancel(ctx)
	s.appends.Add(1)
	return s.transact(ctx, func() error {
		return s.tracer.Tell(ctx, "INSERT", "insert into events", func(ctx context.Context) error { return s.append(ctx, at, batches) })
	})
}

// transact runs do on the writing connection as one transaction. Unless it
// returns nil nothing was stored, but for [core.ErrUnknownOutcome]. The
// connection is left without a transaction in every case: one that stayed open
// would keep all writers of all processes out.
func (s *Storage) transact(ctx context.Context, do func() error) error {
	if err := s.turn.Take(ctx); err != nil {
		return err
	}
	defer s.turn.Leave()
	s.trying.CompareAndSwap(0, time.Now().UnixNano())
	err := s.inserts.exec(ctx, begin)
	if err == nil {
		err = do()
	}
	ctx = context.WithoutCancel(ctx)
	if err != nil {
		s.note(err)
		// A BEGIN is rolled back too: the context may have ended when it had
		// taken place, which the driver reports as an error.
		return errors.Join(storeError(err), s.inserts.rollback(ctx))
	}
	err = s.tracer.Tell(ctx, "COMMIT", "commit", func(ctx context.Context) error { return s.inserts.exec(ctx, commit) })
	s.note(err)
	if err != nil {
		return s.unsettled(ctx, err)
	}
	return nil
}

// note keeps for Check whether there was room for a transaction, and whether another process
// let it be.
func (s *Storage) note(err error) {
	if !sqlitefile.Busy(err) {
		s.trying.Store(0)
	}
	if err == nil || sqlitefile.Full(err) {
		s.full.Store(err != nil)
	}
}

// unsettled ends a transaction whose COMMIT failed: SQLite has either rolled it
// back already or still holds it open. If it cannot be rolled back either, then
// nobody knows.
func (s *Storage) unsettled(ctx context.Context, cause error) error {
	if err := s.inserts.rollback(ctx); err != nil {
		return fmt.Errorf("%w: %w", core.ErrUnknownOutcome, errors.Join(cause, err))
	}
	return storeError(cause)
}

// head is a stream's counter during one append. It is read from the table heads
// after BEGIN and written back before COMMIT: between the two nobody else can
// move it, in this process or another.
type head struct {
	number int64 // by which the other tables name the stream
	next   core.Offset
	moved  bool // whether an event was stored
}

// append stores the events of all batches, inside a transaction.
func (s *Storage) append(ctx context.Context, at time.Time, batches []core.Batch) error {
	heads := make(map[core.ID]*head, 1)
	for i := range batches {
		if err := s.openHead(ctx, at, &batches[i], heads); err != nil {
			return err
		}
	}
	rows, keys := s.inserts.rows(), s.inserts.keys()
	for i := range batches {
		if err := appendBatch(ctx, at, rows, keys, heads[batches[i].Stream], &batches[i]); err != nil {
			return err
		}
	}
	if err := errors.Join(rows.flush(ctx), keys.flush(ctx)); err != nil {
		return err
	}
	for _, h := range heads {
		if !h.moved {
			continue
		}
		if err := s.inserts.exec(ctx, updateHead, int64(h.next), at.UnixMicro(), h.number); err != nil {
			return err
		}
	}
	return nil
}

// openHead reads the counter of a batch's stream once in an append, and makes it
// when the stream is new. It refuses a fenced stream, and a time before the stream's
// newest event.
func (s *Storage) openHead(ctx context.Context, at time.Time, batch *core.Batch, heads map[core.ID]*head) error {
	if heads[batch.Stream] != nil {
		return nil
	}
	h := &head{}
	var last int64
	var fenced bool
	err := s.inserts.queryRow(ctx, selectHead, batch.Stream[:]).Scan(&h.number, &h.next, &last, &fenced)
	if errors.Is(err, sql.ErrNoRows) {
		err = s.inserts.queryRow(ctx, insertHead, batch.Stream[:], batch.Org[:]).Scan(&h.number)
	}
	if err != nil {
		return err
	}
	if fenced {
		return &core.FencedError{Stream: batch.Stream}
	}
	if at.UnixMicro() < last {
		return &core.ClockError{Last: fromMicros(last)}
	}
	heads[batch.Stream] = h
	return nil
}

// appendBatch gives offsets to those events of a batch that are new, and hands
// them to rows and their keys to keys.
func appendBatch(ctx context.Context, at time.Time, rows *rows, keys *keys, h *head, batch *core.Batch) error {
	if err := keys.look(ctx, h.number, batch.Entries); err != nil {
		return err
	}
	for i := range batch.Entries {
		entry := &batch.Entries[i]
		if entry.IdempotencyKey != "" && keys.recall(h.number, entry, batch.KeysSince) {
			continue
		}
		entry.Offset, entry.ReceivedAt, entry.Outcome = h.next, at, core.Stored
		h.next++
		h.moved = true
		if err := rows.add(ctx, h.number, entry); err != nil {
			return err
		}
		if entry.IdempotencyKey == "" {
			continue
		}
		if err := keys.add(ctx, h.number, entry); err != nil {
			return err
		}
	}
	return nil
}
