package archive

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/eventflow-go/eventflow/core"
)

// ReadAll implements [core.Reader]. It asks the store first, as [Tier.Read] does, and then
// looks for segments that lie before the end of the answer.
func (t *Tier) ReadAll(ctx context.Context, org core.ID, scan core.AllScan) ([]core.Event, error) {
	if !core.SeesOrganization(ctx, org) {
		return nil, ctx.Err()
	}
	found, part, err := core.KnownEvents(t.Storage.ReadAll(ctx, org, scan))
	if err != nil {
		return nil, err
	}
	events, err := t.withArchived(ctx, org, scan, found)
	if err == nil && part != nil { // what is in the archive is known, wherever its stream is
		return nil, &core.EventsError{Events: events, Away: part.Away, Err: part.Err}
	}
	return events, err
}

// withArchived adds what the archive has of a range to what the store has of it.
func (t *Tier) withArchived(ctx context.Context, org core.ID, scan core.AllScan, found []core.Event) ([]core.Event, error) {
	segments := core.SegmentScan{Org: org, After: scan.After.ReceivedAt, Before: scan.Before.ReceivedAt, Backward: scan.Backward, Limit: segmentPage}
	merging := &merging{scan: scan, events: found}
	if merging.full() {
		if end := found[len(found)-1].ReceivedAt; scan.Backward {
			segments.After = end
		} else {
			segments.Before = end
		}
	}
	for seen := 0; ; segments.Limit *= 2 {
		page, err := t.segments.Segments(ctx, segments)
		if err != nil {
			return nil, core.StoreFailed(err)
		}
		for _, segment := range page[min(seen, len(page)):] {
			if merging.full() && merging.ended(segment) {
				return merging.events, nil
			}
			if err := t.merge(ctx, merging, segment); err != nil {
				return nil, err
			}
		}
		if len(page) < segments.Limit {
			return merging.events, nil
		}
		seen = len(page)
	}
}

// merging is an answer to which segments are added, one after the other.
type merging struct {
	scan   core.AllScan
	events []core.Event // in the order of the scan, cut to its limits
}

func (m *merging) full() bool {
	size := 0
	for i := range m.events {
		size += m.events[i].Size()
	}
	return len(m.events) >= m.scan.Limit || m.scan.Bytes > 0 && size >= m.scan.Bytes
}

// ended reports whether a segment, and so all that follow it, is behind a full answer.
func (m *merging) ended(segment core.Segment) bool {
	last := m.events[len(m.events)-1].ReceivedAt
	if m.scan.Backward {
		return segment.LastAt.Before(last)
	}
	return segment.FirstAt.After(last)
}

// merge adds the events of a segment that lie within the range, as many as fit.
func (t *Tier) merge(ctx context.Context, m *merging, segment core.Segment) error {
	object, err := t.shelf.get(ctx, segment)
	if err != nil {
		return err
	}
	low, high := segment.First, segment.Next
	if !m.scan.After.IsZero() {
		if low, err = object.search(func(e *core.Event) bool { return compare(position(e), m.scan.After) > 0 }); err != nil {
			return err
		}
	}
	if !m.scan.Before.IsZero() {
		if high, err = object.search(func(e *core.Event) bool { return compare(position(e), m.scan.Before) >= 0 }); err != nil {
			return err
		}
	}
	if m.scan.Backward {
		low = max(low, high-core.Offset(m.scan.Limit))
	} else {
		high = min(high, low+core.Offset(m.scan.Limit))
	}
	for at := low; at < high; at++ {
		event, err := object.event(at)
		if err != nil {
			return unread(segment, err)
		}
		m.events = append(m.events, event)
	}
	m.cut()
	return nil
}

// cut brings the events in order, each of them once, and leaves out what is beyond the
// limits. An event is there twice while it moves from the store into the archive.
func (m *merging) cut() {
	slices.SortStableFunc(m.events, func(a, b core.Event) int {
		if m.scan.Backward {
			a, b = b, a
		}
		return compare(position(&a), position(&b))
	})
	m.events = slices.CompactFunc(m.events, func(a, b core.Event) bool { return a.Stream == b.Stream && a.Offset == b.Offset })
	m.events = m.events[:min(len(m.events), m.scan.Limit)]
	size := 0
	for i := range m.events {
		if size += m.events[i].Size(); m.scan.Bytes > 0 && size >= m.scan.Bytes {
			m.events = m.events[:i+1]
			return
		}
	}
}

func position(event *core.Event) core.Position {
	return core.Position{ReceivedAt: event.ReceivedAt, Stream: event.Stream, Offset: event.Offset}
}

func compare(a, b core.Position) int {
	return cmp.Or(a.ReceivedAt.Compare(b.ReceivedAt), bytes.Compare(a.Stream[:], b.Stream[:]), cmp.Compare(a.Offset, b.Offset))
}
