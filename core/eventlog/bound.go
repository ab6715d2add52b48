package eventlog

import (
	"context"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// reach returns the time before which the bounds of a stream let everything go, and the
// bound that reaches furthest. Nothing that one of the bounds by bytes or events wants
// to be kept was received before it.
func (r *Retention) reach(ctx context.Context, stream *core.Stream, bounds core.Bounds, now time.Time) (before time.Time, reason core.Reason, err error) {
	before, reason = now.AddDate(0, 0, -stream.RetentionDays), core.ReasonAge
	further := func(why core.Reason, first core.Offset) error {
		if first <= bounds.First {
			return nil
		}
		at, err := receivedAt(ctx, r.Log, stream.ID, first)
		if err == nil && at.After(before) {
			before, reason = at, why
		}
		return err
	}
	if stream.RetentionEvents > 0 {
		if err := further(core.ReasonEvents, bounds.Next-core.Offset(stream.RetentionEvents)); err != nil {
			return before, reason, err
		}
	}
	if stream.RetentionBytes > 0 {
		first, err := r.heaviest(ctx, stream.ID, bounds, stream.RetentionBytes)
		if err != nil {
			return before, reason, err
		}
		if err := further(core.ReasonBytes, first); err != nil {
			return before, reason, err
		}
	}
	return before, reason, nil
}

// weightBlock is how many successive offsets are weighed together.
const weightBlock = 10_000

// weights is how many bytes the blocks of a stream hold, by their numbers. Events never
// change, so that a block is weighed once, when it is full.
type weights map[core.Offset]int64

// heaviest returns the last offset from which on the events of a stream hold that many
// bytes, or its first one if all together hold less. It reads what was stored since it
// was asked before, and the block in which the offset lies.
func (r *Retention) heaviest(ctx context.Context, stream core.ID, bounds core.Bounds, least int64) (core.Offset, error) {
	known := r.weights[stream]
	kept := weights{}
	var sum int64
	for end := bounds.Next; end > bounds.First; {
		block := (end - 1) / weightBlock
		begin := max(block*weightBlock, bounds.First)
		weight, full := known[block], end-begin == weightBlock
		if weight == 0 || !full || sum+weight >= least {
			reached, read, err := backwards(ctx, r.Log, stream, begin, end, least-sum)
			if err != nil {
				return bounds.First, err
			}
			if read >= least-sum {
				r.weights[stream] = kept // the blocks before it are of no interest, and may come to be later
				return reached, nil
			}
			weight = read
		}
		if full {
			kept[block] = weight
		}
		sum, end = sum+weight, begin
	}
	r.weights[stream] = kept
	return bounds.First, nil
}

// weighPage bounds the memory of a look at the sizes of events.
var weighPage = core.Scan{Limit: 1000, Bytes: 4 << 20, Backward: true}

// backwards adds up the sizes of the events of a range, the newest first, until they
// have reached a sum, and says where that was.
func backwards(ctx context.Context, log core.Reader, stream core.ID, from, to core.Offset, least int64) (reached core.Offset, sum int64, err error) {
	for to > from {
		page := weighPage
		page.From, page.To = from, to
		events, err := log.Read(ctx, stream, page)
		if err != nil || len(events) == 0 { // another node has removed the rest
			return to, sum, err
		}
		for i := range events {
			sum, to = sum+int64(events[i].Size()), events[i].Offset
			if sum >= least {
				return to, sum, nil
			}
		}
	}
	return to, sum, nil
}

// A sample is this many events from each of so many places.
const (
	samplePlaces = 10
	sampleEvents = 100
)

// sample estimates how many bytes the events of a range hold. For as many events as a
// sample has, it is exact.
func sample(ctx context.Context, log core.Reader, stream core.ID, from, to core.Offset) (int64, error) {
	all := int64(to - from)
	if all <= 0 {
		return 0, nil
	}
	step := core.Offset(max(sampleEvents, all/samplePlaces))
	var bytes, seen int64
	for begin := from; begin < to; begin += step {
		events, err := log.Read(ctx, stream, core.Scan{From: begin, To: min(begin+sampleEvents, to), Limit: sampleEvents})
		if err != nil {
			return 0, err
		}
		for i := range events {
			bytes += int64(events[i].Size())
		}
		seen += int64(len(events))
	}
	if seen == 0 || seen == all {
		return bytes, nil
	}
	return int64(float64(bytes) / float64(seen) * float64(all)), nil
}

// weigh estimates how many bytes the events of a range hold. Of those in the archive it
// knows the sum, and fetches none.
func weigh(ctx context.Context, log core.Reader, archive core.Tiered, stream core.ID, from, to core.Offset) (int64, error) {
	if archive == nil {
		return sample(ctx, log, stream, from, to)
	}
	there, err := archive.Archived(ctx, []core.ID{stream})
	if err != nil {
		return 0, err
	}
	of := there[0]
	within := int64(min(to, of.Next) - max(from, of.First))
	if of.Events == 0 || within <= 0 {
		return sample(ctx, log, stream, from, to)
	}
	bytes, err := sample(ctx, log, stream, max(from, of.Next), to)
	return bytes + int64(float64(of.Bytes)*float64(within)/float64(of.Events)), err
}

// oldestAt is receivedAt for the first event of a stream.
func oldestAt(ctx context.Context, log core.Reader, archive core.Tiered, stream core.ID, first core.Offset) (time.Time, error) {
	if archive != nil {
		there, err := archive.Archived(ctx, []core.ID{stream})
		if err != nil {
			return time.Time{}, err
		}
		if there[0].Objects > 0 && there[0].First == first {
			return there[0].OldestAt, nil
		}
	}
	return receivedAt(ctx, log, stream, first)
}

// Retained says what is kept of a stream, by which bounds, and what was removed last.
func (s *Streams) Retained(ctx context.Context, who core.Principal, ref string) (core.StreamRetention, error) {
	open, err := s.Open(ctx, who, ref, core.ActionReadStreams)
	if err != nil {
		return core.StreamRetention{}, err
	}
	// Past the cache: a removal changes no revision, and nobody tells this node of one.
	stream, err := s.Catalog.Stream(ctx, open.Org, open.ID)
	if err != nil {
		return core.StreamRetention{}, core.StoreFailed(err)
	}
	bounds, err := s.Log.Bounds(ctx, []core.ID{stream.ID})
	if err != nil {
		return core.StreamRetention{}, err
	}
	kept := core.StreamRetention{
		HotDays:       stream.HotDays,
		RetentionDays: stream.RetentionDays, RetentionBytes: stream.RetentionBytes, RetentionEvents: stream.RetentionEvents,
		Events: int64(bounds[0].Next - bounds[0].First), LastRemoval: stream.LastRemoval,
	}
	if err := s.sayArchived(ctx, &stream, &kept); err != nil || kept.Events == 0 {
		return kept, err
	}
	if kept.ApproximateBytes, err = weigh(ctx, s.Log, s.Archive, stream.ID, bounds[0].First, bounds[0].Next); err != nil {
		return core.StreamRetention{}, err
	}
	oldest, err := oldestAt(ctx, s.Log, s.Archive, stream.ID, bounds[0].First)
	if !oldest.IsZero() {
		kept.OldestReceivedAt = &oldest
	}
	return kept, err
}

// sayArchived adds what is in the archive, and when events go there.
func (s *Streams) sayArchived(ctx context.Context, stream *core.Stream, kept *core.StreamRetention) error {
	if s.Archive == nil {
		return nil
	}
	kept.ArchiveAfterDays = hotDays(stream, s.HotDays)
	there, err := s.Archive.Archived(ctx, []core.ID{stream.ID})
	if err != nil || there[0].Events == 0 {
		return err
	}
	of := there[0]
	kept.ArchivedEvents, kept.ArchivedBytes, kept.ArchivedUntil, kept.ArchivedNextOffset = of.Events, of.ObjectBytes, &of.NewestAt, of.Next
	return nil
}
