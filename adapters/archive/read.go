package archive

import (
	"context"
	"slices"
	"sort"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Read implements [core.Reader].
func (t *Tier) Read(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
	return read(ctx, &reader[core.Event]{
		tier: t, stream: stream, store: t.Storage.Read,
		event: func(e *core.Event) *core.Event { return e },
		entry: func(e core.Event) core.Event { return e },
	}, scan)
}

// reader reads a stream from both places, as events or as entries.
type reader[E any] struct {
	tier   *Tier
	stream core.ID
	store  func(context.Context, core.ID, core.Scan) ([]E, error)
	event  func(*E) *core.Event
	entry  func(core.Event) E
}

// read asks the store first, because most reads are of what is there. Where a stream begins
// in the store is asked behind that: so an event that leaves the store meanwhile is found
// in the archive, where it has been all the while.
func read[E any](ctx context.Context, r *reader[E], scan core.Scan) ([]E, error) {
	var found []E
	if !r.archivedAlone(scan) {
		var err error
		found, err = r.store(ctx, r.stream, scan)
		if err != nil || r.complete(found, scan) {
			return found, err
		}
	}
	bounds, err := r.tier.Storage.Bounds(ctx, []core.ID{r.stream})
	if err != nil {
		return nil, err
	}
	kept := bounds[0].First
	if scan.From >= kept {
		return found, nil
	}
	r.tier.remember(r.stream, kept)
	older := scan
	if older.To == 0 || older.To > kept {
		older.To = kept
	}
	if scan.Backward {
		found = slices.DeleteFunc(found, func(e E) bool { return r.event(&e).Offset < kept })
		return r.archived(ctx, older, found, scan)
	}
	found, err = r.archived(ctx, older, nil, scan)
	if err != nil || r.full(found, scan) || scan.To != 0 && scan.To <= kept {
		return found, err
	}
	newer := scan
	newer.From = kept
	newer.Limit, newer.Bytes = r.left(found, scan)
	rest, err := read(ctx, r, newer)
	return append(found, rest...), err
}

// archivedAlone reports whether the store is known to have nothing that the scan begins
// with.
func (r *reader[E]) archivedAlone(scan core.Scan) bool {
	kept := r.tier.keptSince(r.stream)
	if scan.Backward {
		return scan.To > 0 && scan.To <= kept
	}
	return scan.From < kept
}

// complete reports whether what the store has found is the answer, without a look at where
// the stream begins there.
func (r *reader[E]) complete(found []E, scan core.Scan) bool {
	if scan.Backward {
		return r.full(found, scan)
	}
	return len(found) > 0 && r.event(&found[0]).Offset == scan.From
}

func (r *reader[E]) size(found []E) (sum int) {
	for i := range found {
		sum += r.event(&found[i]).Size()
	}
	return sum
}

func (r *reader[E]) full(found []E, scan core.Scan) bool {
	return len(found) >= scan.Limit || scan.Bytes > 0 && r.size(found) >= scan.Bytes
}

// left is what remains of the limits of a scan that is not full.
func (r *reader[E]) left(found []E, scan core.Scan) (limit, bytes int) {
	if scan.Bytes > 0 {
		bytes = scan.Bytes - r.size(found)
	}
	return scan.Limit - len(found), bytes
}

// archived adds what the archive has within a range to what was found, up to the limits of
// the scan.
func (r *reader[E]) archived(ctx context.Context, of core.Scan, found []E, scan core.Scan) ([]E, error) {
	held := r.size(found)
	for segment, err := range r.tier.runs(ctx, core.SegmentScan{Stream: r.stream, From: of.From, To: of.To, Backward: scan.Backward}) {
		if err != nil {
			return nil, err
		}
		object, err := r.tier.shelf.get(ctx, segment)
		if err != nil {
			return nil, err
		}
		low, high := max(segment.First, of.From), min(segment.Next, of.To)
		for at := low; at < high; at++ {
			offset := at
			if scan.Backward {
				offset = high - 1 - (at - low)
			}
			event, err := object.event(offset)
			if err != nil {
				return nil, unread(segment, err)
			}
			if !scan.Filter.Matches(&event) {
				continue
			}
			found, held = append(found, r.entry(event)), held+event.Size()
			if len(found) >= scan.Limit || scan.Bytes > 0 && held >= scan.Bytes {
				return found, nil
			}
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// remember keeps where a stream begins in the store, and keptSince returns it.
func (t *Tier) remember(stream core.ID, kept core.Offset) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.kept) >= rememberedStreams {
		clear(t.kept)
	}
	t.kept[stream] = max(kept, t.kept[stream])
}

func (t *Tier) keptSince(stream core.ID) core.Offset {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.kept[stream]
}

// rememberedStreams bounds the memory of where streams begin in the store.
const rememberedStreams = 100_000

// OffsetAt implements [core.Reader].
func (t *Tier) OffsetAt(ctx context.Context, stream core.ID, at time.Time) (core.Offset, error) {
	offset, err := t.Storage.OffsetAt(ctx, stream, at)
	if err != nil {
		return 0, err
	}
	bounds, err := t.Storage.Bounds(ctx, []core.ID{stream})
	if err != nil || bounds[0].First == 0 || offset > bounds[0].First {
		return offset, err
	}
	kept := bounds[0].First // an older event may be the first one, in the archive
	if err := t.stretch(ctx, []core.ID{stream}, bounds); err != nil {
		return 0, err
	}
	if bounds[0].First >= kept {
		return offset, nil
	}
	for segment, err := range t.runs(ctx, core.SegmentScan{Stream: stream, From: bounds[0].First, To: kept, After: ceil(at)}) {
		if err != nil {
			return 0, err
		}
		if !segment.FirstAt.Before(at) {
			return segment.First, nil
		}
		object, err := t.shelf.get(ctx, segment)
		if err != nil {
			return 0, err
		}
		found, err := object.search(func(e *core.Event) bool { return !e.ReceivedAt.Before(at) })
		return min(found, max(offset, kept)), err
	}
	return max(offset, kept), nil
}

// ceil is the first time not before at that an event can have. The zero time is open to
// a scan of segments, which is right: it is before all events.
func ceil(at time.Time) time.Time {
	at = at.UTC()
	if at.Year() < 1970 {
		return time.Time{}
	}
	if cut := at.Truncate(time.Microsecond); cut.Before(at) {
		return cut.Add(time.Microsecond)
	}
	return at
}

// search returns the first offset whose event is behind a place, where all that follow
// it are, too, or the offset behind the segment.
func (o *opened) search(behind func(*core.Event) bool) (core.Offset, error) {
	var failed error
	at := sort.Search(len(o.ends), func(i int) bool {
		event, err := o.event(o.segment.First + core.Offset(i))
		if err != nil && failed == nil {
			failed = unread(o.segment, err)
		}
		return err == nil && behind(&event)
	})
	return o.segment.First + core.Offset(at), failed
}
