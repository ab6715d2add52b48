package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// segmentKey names a segment: no two of a stream have the same first offset.
type segmentKey struct {
	stream core.ID
	first  core.Offset
}

// heldSegment is a segment, and whether it was dropped.
type heldSegment struct {
	core.Segment
	dropped bool
}

// AddSegment implements [core.Segments].
func (c *Catalog) AddSegment(ctx context.Context, segment core.Segment) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	segment.FirstAt, segment.LastAt = utc(segment.FirstAt), utc(segment.LastAt)
	key, held := segmentKey{segment.Stream, segment.First}, heldSegment{Segment: segment}
	if known, is := c.segments[key]; is && known != held {
		return core.Errorf(core.CodeConflict, "the archive has another segment at offset %d of the stream", segment.First)
	}
	c.segments[key] = held
	return nil
}

// Segments implements [core.Segments].
func (c *Catalog) Segments(ctx context.Context, scan core.SegmentScan) ([]core.Segment, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	found := []core.Segment{}
	for _, held := range c.segments {
		if held.dropped == scan.Dropped && belongs(held.Segment, scan) {
			found = append(found, held.Segment)
		}
	}
	slices.SortFunc(found, func(a, b core.Segment) int {
		if scan.Backward {
			return cmp.Or(b.LastAt.Compare(a.LastAt), byID(b.Stream, a.Stream), cmp.Compare(b.First, a.First))
		}
		return cmp.Or(a.FirstAt.Compare(b.FirstAt), byID(a.Stream, b.Stream), cmp.Compare(a.First, b.First))
	})
	return found[:min(len(found), scan.Limit)], nil
}

func belongs(s core.Segment, scan core.SegmentScan) bool {
	return (scan.Stream.IsZero() || s.Stream == scan.Stream) && (scan.Org.IsZero() || s.Org == scan.Org) &&
		s.Next > scan.From && (scan.To == 0 || s.First < scan.To) &&
		!s.LastAt.Before(scan.After) && (scan.Before.IsZero() || !s.FirstAt.After(scan.Before))
}

// Archived implements [core.Segments].
func (c *Catalog) Archived(ctx context.Context, streams []core.ID) ([]core.Archived, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	all := make([]core.Archived, len(streams))
	for i, stream := range streams {
		for _, held := range c.segments {
			if held.Stream == stream && !held.dropped {
				all[i] = with(all[i], held.Segment)
			}
		}
	}
	return all, nil
}

// with adds a segment to a sum.
func with(sum core.Archived, s core.Segment) core.Archived {
	if sum.Objects == 0 || s.First < sum.First {
		sum.First, sum.OldestAt = s.First, s.FirstAt
	}
	if s.Next > sum.Next {
		sum.Next, sum.NewestAt = s.Next, s.LastAt
	}
	sum.Events, sum.Objects = sum.Events+int64(s.Next-s.First), sum.Objects+1
	sum.Bytes, sum.ObjectBytes = sum.Bytes+s.Bytes, sum.ObjectBytes+s.ObjectBytes
	return sum
}

// DropSegments implements [core.Segments].
func (c *Catalog) DropSegments(ctx context.Context, stream core.ID, before time.Time, end core.Offset) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	for key, held := range c.segments {
		if key.stream == stream && held.LastAt.Before(before) && held.Next <= end {
			held.dropped = true
			c.segments[key] = held
		}
	}
	return nil
}

// ForgetSegment implements [core.Segments].
func (c *Catalog) ForgetSegment(ctx context.Context, stream core.ID, first core.Offset) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	if key := (segmentKey{stream, first}); c.segments[key].dropped {
		delete(c.segments, key)
	}
	return nil
}
