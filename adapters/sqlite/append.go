package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

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
	return s.transact(ctx, func() error { return s.append(ctx, at, batches) })
}

// transact runs do on the writing connection as one transaction. Unless it
// returns nil nothing was stored, but for [core.ErrUnknownOutcome]. The
// connection is left without a transaction in every case: one that stayed open
// would keep all writers of all processes out.
func (s *Storage) transact(ctx context.Context, do func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.inserts.exec(ctx, begin)
	if err == nil {
		err = do()
	}
	ctx = context.WithoutCancel(ctx)
	if err != nil {
		// A BEGIN is rolled back too: the context may have ended when it had
		// taken place, which the driver reports as an error.
		return errors.Join(storeError(err), s.inserts.rollback(ctx))
	}
	if err := s.inserts.exec(ctx, commit); err != nil {
		return s.unsettled(ctx, err)
	}
	return nil
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

// head is a stream's counter within one transaction.
type head struct {
	number int64
	next   core.Offset
	moved  bool
}

func (s *Storage) append(ctx context.Context, at time.Time, batches []core.Batch) error {
	heads := make(map[core.ID]*head, 1)
	for i := range batches {
		if err := s.openHead(ctx, at, &batches[i], heads); err != nil {
			return err
		}
	}
	rows := s.inserts.rows(at)
	for i := range batches {
		if err := s.appendBatch(ctx, rows, heads[batches[i].Stream], &batches[i]); err != nil {
			return err
		}
	}
	if err := rows.flush(ctx); err != nil {
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

// openHead reads the counter of a batch's stream, which it makes when the
// stream is new.
func (s *Storage) openHead(ctx context.Context, at time.Time, batch *core.Batch, heads map[core.ID]*head) error {
	if heads[batch.Stream] != nil {
		return nil
	}
	h := &head{}
	var last int64
	err := s.inserts.queryRow(ctx, selectHead, batch.Stream[:]).Scan(&h.number, &h.next, &last)
	if errors.Is(err, sql.ErrNoRows) {
		err = s.inserts.queryRow(ctx, insertHead, batch.Stream[:], batch.Org[:]).Scan(&h.number)
	}
	if err != nil {
		return err
	}
	if at.UnixMicro() < last {
		return &core.ClockError{Last: time.UnixMicro(last).UTC()}
	}
	heads[batch.Stream] = h
	return nil
}

func (s *Storage) appendBatch(ctx context.Context, rows *rows, h *head, batch *core.Batch) error {
	for i := range batch.Entries {
		entry := &batch.Entries[i]
		if entry.IdempotencyKey != "" {
			known, err := s.recall(ctx, h.number, entry, batch.KeysSince)
			if err != nil {
				return err
			}
			if known {
				continue
			}
		}
		entry.Offset, entry.ReceivedAt, entry.Outcome = h.next, rows.at, core.Stored
		h.next++
		h.moved = true
		if err := rows.add(ctx, h.number, entry); err != nil {
			return err
		}
		if entry.IdempotencyKey != "" {
			if err := s.remember(ctx, h.number, entry); err != nil {
				return err
			}
		}
	}
	return nil
}

// recall looks an entry's idempotency key up and, when it is known, answers
// with the event that has it.
func (s *Storage) recall(ctx context.Context, stream int64, entry *core.Entry, since time.Time) (known bool, err error) {
	var offset, receivedAt int64
	var id, fingerprint []byte
	err = s.inserts.queryRow(ctx, selectKey, stream, entry.IdempotencyKey).Scan(&offset, &id, &receivedAt, &fingerprint)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	received := time.UnixMicro(receivedAt).UTC()
	if received.Before(since) {
		return false, nil
	}
	if core.Fingerprint(fingerprint) != entry.Fingerprint {
		entry.Outcome = core.Mismatch
		return true, nil
	}
	entry.ID, entry.Offset, entry.ReceivedAt, entry.Outcome = core.ID(id), core.Offset(offset), received, core.Duplicate
	return true, nil
}

func (s *Storage) remember(ctx context.Context, stream int64, entry *core.Entry) error {
	return s.inserts.exec(ctx, upsertKey, stream, entry.IdempotencyKey, int64(entry.Offset), entry.ID[:],
		entry.ReceivedAt.UnixMicro(), entry.Fingerprint[:])
}
