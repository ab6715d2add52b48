package eventlog

import (
	"context"
	"errors"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// An Append of unknown outcome was sent to the store, and the connection broke
// before the answer came. The transaction may have been committed, may have been
// rolled back, or may still be on its way. This file finds out which.

// lookAgainAfter is how long an append whose connection broke may still be on
// its way to the store. Events that were not found are looked up again after it.
const lookAgainAfter = 250 * time.Millisecond

// resolve finds out what an Append of unknown outcome did. An Append is all or
// nothing, so one event that is found proves that the others are there.
//
// Nothing is ever appended again because it was not found: the lost transaction
// may still arrive, and then the event would be in the log twice. The client is
// told instead, and its retry is safe under an idempotency key.
//
// A store that says for clients why it does not know, as that it has no room, is quoted.
//
// The lane waits meanwhile, which keeps its streams in order.
func (l *lane) resolve(ctx context.Context, at time.Time, batches []core.Batch, cause error) error {
	l.options.Logger.WarnContext(ctx, "the outcome of a commit is unknown; looking up its events", "error", cause)
	ctx, cancel := context.WithTimeout(ctx, l.options.ResolveFor)
	defer cancel()
	told, quoted := errors.AsType[*core.Error](cause)
	looked := 0
	for {
		found, err := l.lookUp(ctx, at, batches)
		if err == nil && len(found) > 0 {
			err = l.confirm(ctx, batches)
		}
		switch {
		case err == nil && len(found) > 0:
			return l.settle(batches, found)
		case err == nil:
			// Not found once proves little: the transaction may arrive a moment later.
			looked++
		default:
			cause = err
		}
		switch {
		case looked == 2 && quoted:
			return told
		case looked == 2:
			return core.Unavailable(cause, time.Second, "the connection to the event store broke and the events were not found there; try again with the same idempotency key")
		}
		select {
		case <-time.After(lookAgainAfter):
		case <-ctx.Done():
			if quoted {
				return told
			}
			return core.Unavailable(cause, 5*time.Second, "the connection to the event store broke and it is not known whether the events were stored; try again with the same idempotency key")
		}
	}
}

// confirm waits until what was found is as safe as what is acknowledged.
func (l *lane) confirm(ctx context.Context, batches []core.Batch) error {
	if l.options.Confirmer == nil {
		return nil
	}
	for _, stream := range streamsOf(batches) {
		if err := l.options.Confirmer.Confirm(ctx, stream); err != nil {
			return err
		}
	}
	return nil
}

// lookUp returns the offsets of those events that are in the log, by the events'
// ids. Every event of an Append was received at the same time, so one short range
// of each stream holds them all.
func (l *lane) lookUp(ctx context.Context, at time.Time, batches []core.Batch) (map[core.ID]core.Offset, error) {
	wanted := map[core.ID]bool{}
	for i := range batches {
		for j := range batches[i].Entries {
			wanted[batches[i].Entries[j].ID] = true
		}
	}
	found, seen := map[core.ID]core.Offset{}, map[core.ID]bool{}
	for i := range batches {
		stream := batches[i].Stream
		if seen[stream] {
			continue
		}
		seen[stream] = true
		if err := lookUpIn(ctx, l.log, stream, at, wanted, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// lookUpIn adds to found the wanted events of one stream that were received at a
// time.
func lookUpIn(ctx context.Context, log core.Reader, stream core.ID, at time.Time, wanted map[core.ID]bool, found map[core.ID]core.Offset) error {
	from, err := log.OffsetAt(ctx, stream, at)
	if err != nil {
		return err
	}
	const page = 1000
	for {
		events, err := log.Read(ctx, stream, core.Scan{From: from, Limit: page})
		if err != nil {
			return err
		}
		for i := range events {
			if events[i].ReceivedAt.After(at) {
				return nil
			}
			if wanted[events[i].ID] {
				found[events[i].ID] = events[i].Offset
			}
		}
		if len(events) < page {
			return nil
		}
		from = events[page-1].Offset + 1
	}
}

// settle gives the entries of a committed transaction their offsets. An entry
// that was not found was no new event: its idempotency key was known before.
// Appending it again stores nothing and tells its outcome.
func (l *lane) settle(batches []core.Batch, found map[core.ID]core.Offset) error {
	var errs []error
	for i := range batches {
		var again []*core.Entry
		for j := range batches[i].Entries {
			entry := &batches[i].Entries[j]
			if offset, ok := found[entry.ID]; ok {
				entry.Offset, entry.Outcome = offset, core.Stored
			} else {
				again = append(again, entry)
			}
		}
		if len(again) > 0 {
			errs = append(errs, l.replay(batches[i], again))
		}
	}
	return errors.Join(errs...)
}

// replay appends entries whose keys are in the log already, to learn their
// outcome.
func (l *lane) replay(batch core.Batch, again []*core.Entry) error {
	batch.Entries = nil
	for _, entry := range again {
		batch.Entries = append(batch.Entries, *entry)
	}
	if err := l.append([]*pending{{batch: batch}}, []core.Batch{batch}); err != nil {
		return err
	}
	for i, entry := range again {
		*entry = batch.Entries[i]
	}
	return nil
}
