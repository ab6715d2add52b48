package sharded

import (
	"bytes"
	"cmp"
	"context"

	"github.com/eventflow-go/eventflow/core"
)

// ReadAll implements [core.Reader]: it merges what the shards have, each in the order over
// all streams. It reads all of them at once, by pages that are as large as the answer may
// be, and goes on with a shard whose page is used up. Shards that are away, or hang, are left
// out, and the error has the rest as a part.
func (s *Storage) ReadAll(ctx context.Context, org core.ID, scan core.AllScan) ([]core.Event, error) {
	all := make([]*source, len(s.shards))
	for i, one := range s.shards {
		all[i] = &source{storage: s, shard: one, org: org, scan: scan}
	}
	_ = s.each(func(one *shard) error { // each source keeps its error
		all[one.number].fill(ctx)
		return nil
	})
	var events []core.Event
	for size := 0; len(events) < scan.Limit && (scan.Bytes == 0 || size < scan.Bytes); {
		next := first(all, scan.Backward)
		if next == nil {
			break
		}
		event := next.take()
		events, size = append(events, event), size+event.Size()
		next.fill(ctx)
	}
	if err := without(all, events); err != nil {
		return nil, cmp.Or(ctx.Err(), err) // who has waited for too long is told that, and no part
	}
	return events, nil
}

// without returns the error of an answer that lacks the events of some shards, nil where it
// lacks none.
func without(all []*source, events []core.Event) error {
	part := &core.EventsError{Events: events}
	for _, one := range all {
		if one.err != nil {
			part.Away = append(part.Away, one.shard.number)
			part.Err = cmp.Or(part.Err, one.err)
		}
	}
	switch {
	case part.Err == nil:
		return nil
	case len(part.Away) == len(all): // and nothing is known
		return part.Err
	}
	return part
}

// source is the events of one shard in the order over all streams.
type source struct {
	storage *Storage
	shard   *shard
	org     core.ID
	// scan is what is left to read.
	scan core.AllScan
	// page is what was read and not yet taken, ended that there is no more behind it, or
	// that err was in the way.
	page  []core.Event
	ended bool
	err   error
}

// fill reads on if nothing is left to take. Streams that have another home are left out:
// the shard has a copy of them that is being made, or is to be removed.
func (s *source) fill(ctx context.Context) {
	for len(s.page) == 0 && !s.ended {
		var page []core.Event
		err := s.shard.hurried(ctx, func(ctx context.Context, storage core.Storage) (err error) {
			page, err = storage.ReadAll(ctx, s.org, s.scan)
			return err
		})
		if err == nil {
			s.ended = !full(page, s.scan)
			if len(page) > 0 {
				s.pass(positionOf(&page[len(page)-1]))
			}
			s.page, err = s.atHome(ctx, page)
		}
		if err != nil {
			s.page, s.ended, s.err = nil, true, err
		}
	}
}

// full reports whether an answer ended because of its limits.
func full(page []core.Event, scan core.AllScan) bool {
	if scan.Bytes == 0 {
		return len(page) >= scan.Limit
	}
	return core.Full(page, scan.Limit, scan.Bytes)
}

// pass has the next page begin behind a place.
func (s *source) pass(place core.Position) {
	if s.scan.Backward {
		s.scan.Before = place
	} else {
		s.scan.After = place
	}
}

func (s *source) atHome(ctx context.Context, page []core.Event) ([]core.Event, error) {
	var streams []core.ID
	seen := map[core.ID]bool{}
	for i := range page {
		if !seen[page[i].Stream] {
			seen[page[i].Stream] = true
			streams = append(streams, page[i].Stream)
		}
	}
	if len(streams) == 0 {
		return nil, nil
	}
	homes, err := s.storage.homes.of(ctx, streams...)
	if err != nil {
		return nil, err
	}
	for i, home := range homes {
		seen[streams[i]] = home == s.shard.number
	}
	kept := page[:0]
	for i := range page {
		if seen[page[i].Stream] {
			kept = append(kept, page[i])
		}
	}
	return kept, nil
}

// take removes the next event.
func (s *source) take() core.Event {
	event := s.page[0]
	s.page = s.page[1:]
	return event
}

// first is the source whose next event comes first, nil when none has any.
func first(all []*source, backward bool) (found *source) {
	for _, one := range all {
		if len(one.page) == 0 {
			continue
		}
		if found == nil {
			found = one
			continue
		}
		c := compare(positionOf(&one.page[0]), positionOf(&found.page[0]))
		if c < 0 && !backward || c > 0 && backward {
			found = one
		}
	}
	return found
}

func positionOf(event *core.Event) core.Position {
	return core.Position{ReceivedAt: event.ReceivedAt, Stream: event.Stream, Offset: event.Offset}
}

func compare(a, b core.Position) int {
	return cmp.Or(a.ReceivedAt.Compare(b.ReceivedAt), bytes.Compare(a.Stream[:], b.Stream[:]), cmp.Compare(a.Offset, b.Offset))
}
