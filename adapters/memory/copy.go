package memory

import (
	"bytes"
	"context"
	"slices"

	"github.com/eventflow-go/eventflow/core"
)

var _ core.Copyable = (*Storage)(nil)

// Logs implements [core.Copyable].
func (s *Storage) Logs(context.Context) ([]core.StreamLog, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, errClosed
	}
	var logs []core.StreamLog
	for id, of := range s.streams {
		if of.next() > 0 {
			logs = append(logs, core.StreamLog{Org: of.org, Stream: id, Bounds: core.Bounds{First: of.first, Next: of.next(), Last: of.last}})
		}
	}
	slices.SortFunc(logs, func(a, b core.StreamLog) int { return bytes.Compare(a.Stream[:], b.Stream[:]) })
	return logs, nil
}

// Entries implements [core.Copyable].
func (s *Storage) Entries(ctx context.Context, id core.ID, scan core.Scan) ([]core.Entry, error) {
	events, err := s.Read(ctx, id, scan)
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	entries := make([]core.Entry, len(events))
	for i := range events {
		entries[i].Event = events[i]
		if s.streams[id] == nil { // discarded meanwhile
			return nil, nil
		}
		if known, ok := s.streams[id].keys[events[i].IdempotencyKey]; ok && known.offset == events[i].Offset {
			entries[i].Fingerprint = known.fingerprint
		}
	}
	return entries, nil
}

// Put implements [core.Copyable].
func (s *Storage) Put(ctx context.Context, stretch core.Stretch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	of := s.streams[stretch.Stream]
	if of == nil {
		of = &stream{org: stretch.Org, keys: map[string]key{}}
	}
	if err := stretch.Of(of.org); err != nil {
		return err
	}
	known, fresh, err := stretch.Split(core.Bounds{First: of.first, Next: of.next(), Last: of.last})
	if err != nil {
		return err
	}
	if len(known) > 0 {
		from := known[0].Offset - of.first
		if err := stretch.SameEvents(known, of.events[from:][:len(known)]); err != nil {
			return err
		}
	}
	of.put(&stretch, fresh)
	s.streams[stretch.Stream] = of
	return nil
}

// put begins the stream where the stretch says, and adds what is new.
func (s *stream) put(stretch *core.Stretch, fresh []core.Entry) {
	if stretch.First > s.first {
		s.remove(min(int(stretch.First-s.first), len(s.events)))
		s.first = stretch.First
	}
	if len(stretch.Entries) == 0 && stretch.Last.After(s.last) {
		s.last = stretch.Last
	}
	for i := range fresh {
		event := clone(fresh[i].Event)
		event.Stream = stretch.Stream
		s.events, s.last = append(s.events, event), event.ReceivedAt
		if fresh[i].Fingerprint != (core.Fingerprint{}) {
			s.keys[event.IdempotencyKey] = key{event.Offset, event.ID, event.ReceivedAt, fresh[i].Fingerprint}
		}
	}
}
