package archive

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Trim implements [core.Trimmer] for both places. Segments are of one day each, so that
// whole periods go from the archive, too. It does not fail because an object could not be
// removed: nobody reads it any more, and the next Trim of the stream removes it.
//
// A segment is dropped when nothing of it is in the store any more. So none of its events
// is ever handed over again, into an object of the same name, which another node might be
// about to remove.
func (t *Tier) Trim(ctx context.Context, stream core.ID, before time.Time) error {
	if err := t.dropOlder(ctx, stream, before); err != nil {
		return err
	}
	// What is left in the archive ends in the store, or is not older than the time: there
	// will be no gap that matters to anybody.
	if err := t.Storage.Trim(ctx, stream, before); err != nil {
		return err
	}
	if err := t.dropOlder(ctx, stream, before); err != nil {
		return err
	}
	return t.clear(ctx, stream)
}

// dropOlder drops what is older than a time and has left the store.
func (t *Tier) dropOlder(ctx context.Context, stream core.ID, before time.Time) error {
	bounds, err := t.Storage.Bounds(ctx, []core.ID{stream})
	if err != nil || bounds[0].First == 0 || before.Year() < 1970 {
		return err
	}
	return core.StoreFailed(t.segments.DropSegments(ctx, stream, before, bounds[0].First))
}

// DiscardArchive implements [core.Tiered].
func (t *Tier) DiscardArchive(ctx context.Context, stream core.ID) error {
	ever := time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	if err := t.segments.DropSegments(ctx, stream, ever, math.MaxInt64); err != nil {
		return core.StoreFailed(err)
	}
	return t.clear(ctx, stream)
}

// clear removes the objects of dropped segments.
func (t *Tier) clear(ctx context.Context, stream core.ID) error {
	for {
		dropped, err := t.segments.Segments(ctx, core.SegmentScan{Stream: stream, Dropped: true, Limit: segmentPage})
		if err != nil || len(dropped) == 0 {
			return err
		}
		for _, segment := range dropped {
			err := t.state.call(ctx, getTimeout, func(ctx context.Context) error { return t.bucket.Remove(ctx, segment.Object) })
			if errors.Is(err, context.Canceled) {
				return err
			}
			if t.state.noteLeft(err); err != nil {
				return nil //nolint:nilerr // which health tells
			}
			if err := t.segments.ForgetSegment(ctx, stream, segment.First); err != nil {
				return err
			}
		}
	}
}
