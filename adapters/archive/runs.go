package archive

import (
	"context"
	"errors"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Bounds implements [core.Reader]: a stream begins where the archive does.
func (t *Tier) Bounds(ctx context.Context, streams []core.ID) ([]core.Bounds, error) {
	bounds, err := t.Storage.Bounds(ctx, streams)
	if part, ok := errors.AsType[*core.BoundsError](err); ok {
		if failed := t.stretch(ctx, streams, part.Bounds); failed != nil {
			return nil, failed
		}
	}
	if err != nil {
		return nil, err
	}
	return bounds, t.stretch(ctx, streams, bounds)
}

// Archived implements [core.Tiered].
func (t *Tier) Archived(ctx context.Context, streams []core.ID) ([]core.Archived, error) {
	all, err := t.segments.Archived(ctx, streams)
	return all, core.StoreFailed(err)
}

// ArchivedAt implements [core.Tiered]. A segment is of one day, over which its events are
// taken to be spread evenly.
func (t *Tier) ArchivedAt(ctx context.Context, stream core.ID, offset core.Offset) (time.Time, error) {
	found, err := t.segments.Segments(ctx, core.SegmentScan{Stream: stream, From: offset, To: offset + 1, Limit: 1})
	if err != nil || len(found) == 0 {
		return time.Time{}, core.StoreFailed(err)
	}
	of := found[0]
	part := float64(offset-of.First) / float64(of.Next-of.First)
	return of.FirstAt.Add(time.Duration(part * float64(of.LastAt.Sub(of.FirstAt)))), nil
}

// stretch moves the bounds that the store has of streams to where the archive begins. A
// stream of which nothing has left the store is in the archive with nothing, so it costs
// nothing.
func (t *Tier) stretch(ctx context.Context, streams []core.ID, bounds []core.Bounds) error {
	var shortened []core.ID
	var at []int
	for i, stream := range streams {
		if bounds[i].First > 0 {
			shortened, at = append(shortened, stream), append(at, i)
		}
	}
	if len(shortened) == 0 {
		return nil
	}
	sums, err := t.segments.Archived(ctx, shortened)
	if err != nil {
		return core.StoreFailed(err)
	}
	for i, sum := range sums {
		first, err := t.first(ctx, shortened[i], sum, bounds[at[i]].First)
		if err != nil {
			return err
		}
		bounds[at[i]].First = first
	}
	return nil
}

// first returns where a stream begins of which the archive holds so much, and the store
// what is behind kept. Segments count from the last gap on: what is before one was to be
// removed, by a node that did not get to it, or by one that knew of no archive.
func (t *Tier) first(ctx context.Context, stream core.ID, sum core.Archived, kept core.Offset) (core.Offset, error) {
	if sum.Objects == 0 || sum.Next < kept || sum.First >= kept {
		return kept, nil
	}
	if sum.Events == int64(sum.Next-sum.First) {
		return sum.First, nil
	}
	first := kept
	for segment, err := range t.runs(ctx, core.SegmentScan{Stream: stream, To: kept, Backward: true}) {
		if err != nil {
			return 0, err
		}
		if segment.Next < first {
			break
		}
		first = min(first, segment.First)
	}
	return first, nil
}

// segmentPage is how many segments are listed at once.
const segmentPage = 16

// runs yields the segments of a stream within a scan, page by page.
func (t *Tier) runs(ctx context.Context, scan core.SegmentScan) func(yield func(core.Segment, error) bool) {
	return func(yield func(core.Segment, error) bool) {
		scan.Limit = segmentPage
		for {
			page, err := t.segments.Segments(ctx, scan)
			if err != nil {
				yield(core.Segment{}, core.StoreFailed(err))
				return
			}
			for i := range page {
				if !yield(page[i], nil) {
					return
				}
			}
			if len(page) < scan.Limit {
				return
			}
			if last := page[len(page)-1]; scan.Backward {
				scan.To = last.First
			} else {
				scan.From = last.Next
			}
			if scan.Backward && scan.To == 0 {
				return
			}
		}
	}
}
