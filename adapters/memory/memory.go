// Package memory keeps the log and the catalog in the process's memory: for tests,
// and for trying things without a file. Nothing survives a restart.
package memory

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Storage is the log in memory. It implements [core.Storage].
type Storage struct {
	mu      sync.RWMutex
	closed  bool
	streams map[core.ID]*stream
	fences  map[core.ID]fence
	label   core.ShardLabel
}

type stream struct {
	org    core.ID
	first  core.Offset // of events[0]
	events []core.Event
	last   time.Time
	keys   map[string]key
}

// key is what is remembered of an idempotency key.
type key struct {
	offset      core.Offset
	id          core.ID
	receivedAt  time.Time
	fingerprint core.Fingerprint
}

func (s *stream) next() core.Offset { return s.first + core.Offset(len(s.events)) }

// Open returns an empty log, whatever the URL says.
func Open(context.Context, *url.URL) (core.Storage, error) {
	return &Storage{streams: map[core.ID]*stream{}, fences: map[core.ID]fence{}}, nil
}

var errClosed = errors.New("the store in memory is closed")

// Append implements [core.Appender].
func (s *Storage) Append(ctx context.Context, at time.Time, batches []core.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	for i := range batches {
		if s.fences[batches[i].Stream].up {
			return &core.FencedError{Stream: batches[i].Stream}
		}
		if known := s.streams[batches[i].Stream]; known != nil && at.Before(known.last) {
			return &core.ClockError{Last: known.last}
		}
	}
	for i := range batches {
		s.open(&batches[i]).append(at, &batches[i])
	}
	return nil
}

func (s *Storage) open(batch *core.Batch) *stream {
	known := s.streams[batch.Stream]
	if known == nil {
		known = &stream{org: batch.Org, keys: map[string]key{}}
		s.streams[batch.Stream] = known
	}
	return known
}

func (s *stream) append(at time.Time, batch *core.Batch) {
	for i := range batch.Entries {
		entry := &batch.Entries[i]
		if entry.IdempotencyKey != "" && s.recall(entry, batch.KeysSince) {
			continue
		}
		entry.Stream, entry.Offset, entry.ReceivedAt, entry.Outcome = batch.Stream, s.next(), at, core.Stored
		s.events = append(s.events, clone(entry.Event))
		s.last = at
		if entry.IdempotencyKey != "" {
			s.keys[entry.IdempotencyKey] = key{entry.Offset, entry.ID, at, entry.Fingerprint}
		}
	}
}

// recall answers an entry whose key is known.
func (s *stream) recall(entry *core.Entry, since time.Time) bool {
	known, ok := s.keys[entry.IdempotencyKey]
	switch {
	case !ok || known.receivedAt.Before(since):
		return false
	case known.fingerprint != entry.Fingerprint:
		entry.Outcome = core.Mismatch
	default:
		entry.Outcome = core.Duplicate
		entry.ID, entry.Offset, entry.ReceivedAt = known.id, known.offset, known.receivedAt
	}
	return true
}

// clone copies what a caller could change behind the log's back.
func clone(event core.Event) core.Event {
	event.Payload, event.Context = bytes.Clone(event.Payload), bytes.Clone(event.Context)
	if len(event.Context) == 0 {
		event.Context = nil
	}
	return event
}

// Read implements [core.Reader].
func (s *Storage) Read(ctx context.Context, id core.ID, scan core.Scan) ([]core.Event, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, errClosed
	}
	of := s.seen(ctx, id)
	if of == nil {
		return nil, nil
	}
	low, high := max(scan.From, of.first), of.next()
	if scan.To > 0 {
		high = min(high, scan.To)
	}
	if low >= high {
		return nil, nil
	}
	return pick(of.events[low-of.first:high-of.first], scan.Backward, scan.Limit, scan.Bytes, scan.Filter), nil
}

// seen returns a stream, or nil where there is none of an organization that the context
// may see.
func (s *Storage) seen(ctx context.Context, id core.ID) *stream {
	of := s.streams[id]
	if of == nil || !core.SeesOrganization(ctx, of.org) {
		return nil
	}
	return of
}

// pick returns the events that match, up to a limit and a size.
func pick(events []core.Event, backward bool, limit, size int, filter core.Filter) (picked []core.Event) {
	held := 0
	for i := 0; i < len(events) && len(picked) < limit && (size == 0 || held < size); i++ {
		event := &events[i]
		if backward {
			event = &events[len(events)-1-i]
		}
		if matches(filter, event) {
			picked = append(picked, clone(*event))
			held += event.Size()
		}
	}
	return picked
}

func matches(f core.Filter, event *core.Event) bool {
	return (f.ID.IsZero() || f.ID == event.ID) && (f.Type == "" || f.Type == event.Type) &&
		(f.Source == "" || f.Source == event.Source) && (f.Subject == "" || f.Subject == event.Subject)
}

// ReadAll implements [core.Reader].
func (s *Storage) ReadAll(ctx context.Context, org core.ID, scan core.AllScan) ([]core.Event, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, errClosed
	}
	var all []core.Event
	for _, of := range s.streams {
		if of.org != org || !core.SeesOrganization(ctx, org) {
			continue
		}
		for i := range of.events {
			p := position(&of.events[i])
			if (scan.After.IsZero() || compare(p, scan.After) > 0) && (scan.Before.IsZero() || compare(p, scan.Before) < 0) {
				all = append(all, of.events[i])
			}
		}
	}
	slices.SortFunc(all, func(a, b core.Event) int { return compare(position(&a), position(&b)) })
	return pick(all, scan.Backward, scan.Limit, scan.Bytes, core.Filter{}), nil
}

func position(event *core.Event) core.Position {
	return core.Position{ReceivedAt: event.ReceivedAt, Stream: event.Stream, Offset: event.Offset}
}

func compare(a, b core.Position) int {
	return cmp.Or(a.ReceivedAt.Compare(b.ReceivedAt), bytes.Compare(a.Stream[:], b.Stream[:]), cmp.Compare(a.Offset, b.Offset))
}

// Bounds implements [core.Reader].
func (s *Storage) Bounds(ctx context.Context, ids []core.ID) ([]core.Bounds, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, errClosed
	}
	bounds := make([]core.Bounds, len(ids))
	for i, id := range ids {
		if of := s.seen(ctx, id); of != nil {
			bounds[i] = core.Bounds{First: of.first, Next: of.next(), Last: of.last}
		}
	}
	return bounds, nil
}

// Remembered implements [core.Rememberer].
func (s *Storage) Remembered(_ context.Context, id core.ID, from, to core.Offset) (all []core.Remembered, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, errClosed
	}
	if of := s.streams[id]; of != nil {
		for _, one := range of.keys {
			if one.offset >= from && one.offset < to {
				all = append(all, core.Remembered{Offset: one.offset, ID: one.id, Fingerprint: one.fingerprint})
			}
		}
	}
	slices.SortFunc(all, func(a, b core.Remembered) int { return cmp.Compare(a.Offset, b.Offset) })
	return all, nil
}

// OffsetAt implements [core.Reader].
func (s *Storage) OffsetAt(ctx context.Context, id core.ID, at time.Time) (core.Offset, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return 0, errClosed
	}
	of := s.seen(ctx, id)
	if of == nil {
		return 0, nil
	}
	return of.first + core.Offset(of.before(at)), nil
}

// before is how many retained events were received before a time.
func (s *stream) before(at time.Time) int {
	return sort.Search(len(s.events), func(i int) bool { return !s.events[i].ReceivedAt.Before(at) })
}

// Trim implements [core.Trimmer], in whole hours.
func (s *Storage) Trim(ctx context.Context, id core.ID, before time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	of := s.seen(ctx, id)
	if of == nil {
		return nil
	}
	of.remove(of.before(before.UTC().Truncate(time.Hour)))
	return nil
}

// remove takes the oldest events away, and their keys.
func (s *stream) remove(gone int) {
	s.events = slices.Clone(s.events[gone:])
	s.first += core.Offset(gone)
	for name, known := range s.keys {
		if known.offset < s.first {
			delete(s.keys, name)
		}
	}
}

// Check implements [core.Storage]. It always says that durability is relaxed:
// nothing survives the process.
func (s *Storage) Check(context.Context) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return errClosed
	}
	return fmt.Errorf("events are in memory only: %w", core.ErrRelaxedDurability)
}

// Close implements [core.Storage].
func (s *Storage) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}
