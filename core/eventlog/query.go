package eventlog

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// Query reads the log for people and programs that ask, rather than follow.
type Query struct {
	log     core.Reader
	streams *Streams
	now     core.Clock
}

// NewQuery returns the use case over a log and its streams.
func NewQuery(log core.Reader, streams *Streams, now func() time.Time) *Query {
	return &Query{log: log, streams: streams, now: now}
}

// The part of the log that one page looks at when a filter is set, and how
// many offsets one read of the store covers.
const (
	scanBudget = 1_000_000
	scanWindow = 100_000
)

// queryScope describes a query for its cursors: everything but the page.
func queryScope(eq *core.EventQuery, list core.ID) []byte {
	after := core.Offset(-1)
	if eq.After != nil {
		after = *eq.After
	}
	return fmt.Appendf(nil, "events %s %q %q %q %q %d %d %d %t", list, eq.Filter.Type, eq.Filter.Source, eq.Filter.Subject,
		eq.Payload, eq.From.UnixMicro(), eq.To.UnixMicro(), after, eq.Descending)
}

// filtered reports whether a query leaves out events.
func filtered(eq *core.EventQuery) bool { return eq.Filter != core.Filter{} || len(eq.Payload) > 0 }

// matchesPayload applies the part of a query that stores do not.
func matchesPayload(eq *core.EventQuery, event *core.Event) bool {
	for _, match := range eq.Payload {
		if !eventjson.Matches(match, event.Payload) {
			return false
		}
	}
	return true
}

// keepMatching narrows events, in place, to the matching ones.
func keepMatching(eq *core.EventQuery, events []core.Event) []core.Event {
	if len(eq.Payload) == 0 {
		return events
	}
	return slices.DeleteFunc(events, func(event core.Event) bool { return !matchesPayload(eq, &event) })
}

// Events answers one page, of one stream or, when stream is empty, of all.
func (q *Query) Events(ctx context.Context, who core.Principal, stream string, eq core.EventQuery) (core.EventPage, error) {
	walk, err := q.walk(ctx, who, stream, &eq, core.ActionReadEvents)
	if err != nil {
		return core.EventPage{}, err
	}
	return walk.page(ctx)
}

// Export answers every matching event that was stored before the call, in one
// sequence that reads page by page. It stops after an error.
func (q *Query) Export(ctx context.Context, who core.Principal, stream string, eq core.EventQuery) (iter.Seq2[core.Event, error], error) {
	// The end of one stream is an offset, which the walk notes by itself; that of
	// all is a time.
	if now := q.now().UTC(); stream == "" && (eq.To.IsZero() || eq.To.After(now)) {
		eq.To = now
	}
	eq.Limit = core.MaxPageSize
	walk, err := q.walk(ctx, who, stream, &eq, core.ActionExportEvents)
	if err != nil {
		return nil, err
	}
	return func(yield func(core.Event, error) bool) {
		for {
			page, err := walk.page(ctx)
			if err != nil {
				yield(core.Event{}, err)
				return
			}
			for _, event := range page.Items {
				if !yield(event, nil) {
					return
				}
			}
			if !page.HasMore {
				return
			}
		}
	}, nil
}

// walker goes through a list page by page.
type walker interface {
	page(ctx context.Context) (core.EventPage, error)
}

func (q *Query) walk(ctx context.Context, who core.Principal, stream string, eq *core.EventQuery, action core.Action) (walker, error) {
	limit, err := core.PageLimit(eq.Limit)
	if err != nil {
		return nil, err
	}
	eq.Limit = limit
	if !eq.From.IsZero() && !eq.To.IsZero() && eq.To.Before(eq.From) {
		return nil, core.Invalid("to", "must not be before from")
	}
	if stream == "" {
		return q.walkAll(who, eq, action)
	}
	open, err := q.streams.Open(ctx, who, stream, action)
	if err != nil {
		return nil, err
	}
	return q.walkStream(ctx, open.ID, eq)
}

// streamWalk is what is left to look at of one stream: offsets from low up to,
// not including, high.
type streamWalk struct {
	log       core.Reader
	stream    core.ID
	query     *core.EventQuery
	scope     []byte
	low, high core.Offset
}

func (q *Query) walkStream(ctx context.Context, stream core.ID, eq *core.EventQuery) (*streamWalk, error) {
	w := &streamWalk{log: q.log, stream: stream, query: eq, scope: queryScope(eq, stream)}
	if eq.After != nil {
		if *eq.After < -1 || *eq.After == math.MaxInt64 {
			return nil, core.Invalid("after", "must be an offset")
		}
		w.low = *eq.After + 1
	}
	if err := w.bound(ctx); err != nil {
		return nil, err
	}
	if eq.Cursor == "" {
		return w, nil
	}
	place, err := parseOffsetCursor(w.scope, eq.Cursor)
	if err != nil {
		return nil, err
	}
	if eq.Descending {
		w.high = min(w.high, place)
	} else {
		w.low = max(w.low, place)
	}
	return w, nil
}

// bound narrows the walk to what is stored, and to the query's times.
func (w *streamWalk) bound(ctx context.Context) error {
	bounds, err := w.log.Bounds(ctx, []core.ID{w.stream})
	if err != nil {
		return err
	}
	w.low, w.high = max(w.low, bounds[0].First), bounds[0].Next
	if !w.query.From.IsZero() {
		from, err := w.log.OffsetAt(ctx, w.stream, w.query.From)
		if err != nil {
			return err
		}
		w.low = max(w.low, from)
	}
	if !w.query.To.IsZero() {
		to, err := w.log.OffsetAt(ctx, w.stream, w.query.To)
		if err != nil {
			return err
		}
		w.high = min(w.high, to)
	}
	return nil
}

func (w *streamWalk) page(ctx context.Context) (core.EventPage, error) {
	var page core.EventPage
	room := core.PageBytes
	for budget := core.Offset(scanBudget); w.low < w.high && len(page.Items) < w.query.Limit && budget > 0 && room > 0; {
		before := w.high - w.low
		events, err := w.read(ctx, w.query.Limit-len(page.Items), room)
		if err != nil {
			return core.EventPage{}, err
		}
		matching := keepMatching(w.query, events)
		for i := range matching {
			room -= matching[i].Size()
		}
		if page.Items == nil {
			page.Items = matching // most pages are one read
		} else {
			page.Items = append(page.Items, matching...)
		}
		budget -= before - (w.high - w.low)
	}
	page.HasMore = w.low < w.high
	if page.HasMore && w.query.Descending {
		page.NextCursor = offsetCursor(w.scope, w.high)
	} else if page.HasMore {
		page.NextCursor = offsetCursor(w.scope, w.low)
	}
	return page, nil
}

// read looks at the next window and moves the walk past what it looked at.
func (w *streamWalk) read(ctx context.Context, want, room int) ([]core.Event, error) {
	scan := core.Scan{From: w.low, To: w.high, Backward: w.query.Descending, Limit: want, Bytes: room, Filter: w.query.Filter}
	if len(w.query.Payload) > 0 {
		scan.Limit = core.MaxPageSize
	}
	if filtered(w.query) && w.high-w.low > scanWindow {
		if scan.Backward {
			scan.From = w.high - scanWindow
		} else {
			scan.To = w.low + scanWindow
		}
	}
	events, err := w.log.Read(ctx, w.stream, scan)
	if err != nil {
		return nil, err
	}
	exhausted := !core.Full(events, scan.Limit, scan.Bytes)
	if len(w.query.Payload) > 0 {
		events, exhausted = w.cut(events, want, exhausted)
	}
	switch {
	case exhausted && scan.Backward:
		w.high = scan.From
	case exhausted:
		w.low = scan.To
	case scan.Backward:
		w.high = events[len(events)-1].Offset
	default:
		w.low = events[len(events)-1].Offset + 1
	}
	return events, nil
}

// cut ends a read at the want-th event that matches the payload filter, so
// that the walk goes on right behind it.
func (w *streamWalk) cut(events []core.Event, want int, exhausted bool) ([]core.Event, bool) {
	for i := range events {
		if matchesPayload(w.query, &events[i]) {
			if want--; want == 0 {
				return events[:i+1], exhausted && i == len(events)-1
			}
		}
	}
	return events, exhausted
}

// Event answers one event by its id. The id's own time leads to it.
func (q *Query) Event(ctx context.Context, who core.Principal, stream, id string) (core.Event, error) {
	open, err := q.streams.Open(ctx, who, stream, core.ActionReadEvents)
	if err != nil {
		return core.Event{}, err
	}
	wanted, err := core.ParseID(id)
	if err != nil {
		return core.Event{}, core.Invalid("event_id", "%v", err)
	}
	return FindEvent(ctx, q.log, open.ID, wanted)
}

// FindEvent finds an event by its id, which tells the millisecond it came in.
func FindEvent(ctx context.Context, log core.Reader, stream, id core.ID) (core.Event, error) {
	from, err := log.OffsetAt(ctx, stream, id.Time())
	if err != nil {
		return core.Event{}, err
	}
	to, err := log.OffsetAt(ctx, stream, id.Time().Add(time.Millisecond))
	if err != nil {
		return core.Event{}, err
	}
	if from < to {
		events, err := log.Read(ctx, stream, core.Scan{From: from, To: to, Limit: 1, Filter: core.Filter{ID: id}})
		if err != nil {
			return core.Event{}, err
		}
		if len(events) == 1 {
			return events[0], nil
		}
	}
	return core.Event{}, core.Errorf(core.CodeNotFound, "the stream holds no event %s: it never did, or retention has removed it", id)
}

func offsetCursor(scope []byte, offset core.Offset) string {
	return core.SealCursor(scope, binary.BigEndian.AppendUint64(nil, uint64(offset)))
}

func parseOffsetCursor(scope []byte, cursor string) (core.Offset, error) {
	place, err := core.OpenCursor(scope, cursor)
	if err != nil || len(place) != 8 || place[0]&0x80 != 0 {
		return 0, core.ErrBadCursor
	}
	return core.Offset(binary.BigEndian.Uint64(place)), nil
}

// Histogram counts a stream's events by the time of their receipt.
func (q *Query) Histogram(ctx context.Context, who core.Principal, ref string, from, to time.Time, buckets int) (core.Histogram, error) {
	stream, err := q.streams.Open(ctx, who, ref, core.ActionReadEvents)
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
	before, err := q.log.OffsetAt(ctx, stream.ID, from)
	if err != nil {
		return core.Histogram{}, core.StoreFailed(err)
	}
	for i := range buckets {
		// The last edge is to itself, whatever rounding makes of the others.
		edge := from.Add(time.Duration(float64(width) * float64(i+1) / float64(buckets)))
		if i == buckets-1 {
			edge = to
		}
		at, err := q.log.OffsetAt(ctx, stream.ID, edge)
		if err != nil {
			return core.Histogram{}, core.StoreFailed(err)
		}
		h.Counts[i], before = int64(max(at, before)-before), max(at, before)
	}
	return h, nil
}
