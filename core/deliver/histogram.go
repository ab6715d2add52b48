package deliver

import (
	"context"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Histogram counts a stream's events by the time of their receipt, in buckets of equal
// length. Offsets follow that time, so each edge of a bucket is one search of the log,
// and two edges are a count.
func (n *Numbers) Histogram(ctx context.Context, who core.Principal, ref string, from, to time.Time, buckets int) (core.Histogram, error) {
	stream, err := n.streams.Open(ctx, who, ref, core.ActionReadEvents)
	if err != nil {
		return core.Histogram{}, err
	}
	if buckets < 1 || buckets > core.MaxHistogramBuckets {
		return core.Histogram{}, core.Invalid("buckets", "must be 1 to %d", core.MaxHistogramBuckets)
	}
	if !from.Before(to) {
		return core.Histogram{}, core.Invalid("from", "must be before to")
	}
	h := core.Histogram{From: from.UTC(), To: to.UTC(), Counts: make([]int64, buckets)}
	width := to.Sub(from)
	before, err := n.log.OffsetAt(ctx, stream.ID, from)
	if err != nil {
		return core.Histogram{}, core.StoreFailed(err)
	}
	for i := range buckets {
		// The last edge is to itself, whatever rounding makes of the others.
		edge := from.Add(time.Duration(float64(width) * float64(i+1) / float64(buckets)))
		if i == buckets-1 {
			edge = to
		}
		at, err := n.log.OffsetAt(ctx, stream.ID, edge)
		if err != nil {
			return core.Histogram{}, core.StoreFailed(err)
		}
		// A commit between two searches may not make a bucket negative.
		h.Counts[i], before = int64(max(at, before)-before), max(at, before)
	}
	return h, nil
}
