package core

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"
)

// Query reads the log for people and programs that ask, rather than follow.
type Query struct {
	log     Reader
	streams *Streams
	now     Clock
}

// NewQuery returns the use case over a log and its streams.
func NewQuery(log Reader, streams *Streams, now func() time.Time) *Query {
	return &Query{log: log, streams: streams, now: now}
}

// PayloadMatch selects events whose payload holds, at Path, a scalar whose
// text is Value: the characters of a string, the literal of anything else.
// Path names object keys and array indexes, joined by dots.
type PayloadMatch struct{ Path, Value string }

// EventQuery says which events to answer with. Its zero value is the first
// page of all, oldest first.
type EventQuery struct {
	Filter  Filter
	Payload []PayloadMatch
	// From and To bound ReceivedAt: From is included, To is not. Zero is open.
	From, To time.Time
	// After leaves out this offset and all before it; not over all streams.
	After      *Offset
	Descending bool
	// Cursor continues a page of the same query.
	Cursor string
	// Limit is the size of a page, [DefaultPageSize] when zero.
	Limit int
}

// EventPage is a part of a query's answer. A page may hold fewer events than
// asked for, or none, and still have more after it: a filter that matches
// rarely looks at a bounded part of the log per page.
type EventPage struct {
	Page[Event]
	// Names are the names of the events' streams, in a page of all streams.
	Names map[ID]string
}

// The part of the log that one page looks at when a filter is set, and how
// many offsets one read of the store covers.
const (
	scanBudget = 1_000_000
	scanWindow = 100_000
)

// pageBytes bounds the payloads of one page: a thousand events of the largest
// size would fill a gigabyte.
const pageBytes = 16 << 20

// queryScope describes a query for its cursors: everything but the page.
func queryScope(eq *EventQuery, list ID) []byte {
	after := Offset(-1)
	if eq.After != nil {
		after = *eq.After
	}
	return fmt.Appendf(nil, "events %s %q %q %q %q %d %d %d %t", list, eq.Filter.Type, eq.Filter.Source, eq.Filter.Subject,
		eq.Payload, eq.From.UnixMicro(), eq.To.UnixMicro(), after, eq.Descending)
}

// filtered reports whether a query leaves out events.
func filtered(eq *EventQuery) bool { return eq.Filter != Filter{} || len(eq.Payload) > 0 }

// matchesPayload applies the part of a query that stores do not.
func matchesPayload(eq *EventQuery, event *Event) bool {
	for _, match := range eq.Payload {
		if !Matches(match, event.Payload) {
			return false
		}
	}
	return true
}

// keepMatching narrows events, in place, to the matching ones.
func keepMatching(eq *EventQuery, events []Event) []Event {
	if len(eq.Payload) == 0 {
		return events
	}
	return slices.DeleteFunc(events, func(event Event) bool { return !matchesPayload(eq, &event) })
}

// Events answers one page, of one stream or, when stream is empty, of all.
func (q *Query) Events(ctx context.Context, who Principal, stream string, eq EventQuery) (EventPage, error) {
	walk, err := q.walk(ctx, who, stream, &eq, ActionReadEvents)
	if err != nil {
		return EventPage{}, err
	}
	return walk.page(ctx)
}

// Export answers every matching event that was stored before the call, in one
// sequence that reads page by page. It stops after an error.
func (q *Query) Export(ctx context.Context, who Principal, stream string, eq EventQuery) (iter.Seq2[Event, error], error) {
	// The end of one stream is an offset, which the walk notes by itself; that of
	// all is a time.
	if now := q.now().UTC(); stream == "" && (eq.To.IsZero() || eq.To.After(now)) {
		eq.To = now
	}
	eq.Limit = MaxPageSize
	walk, err := q.walk(ctx, who, stream, &eq, ActionExportEvents)
	if err != nil {
		return nil, err
	}
	return func(yield func(Event, error) bool) {
		for {
			page, err := walk.page(ctx)
			if err != nil {
				yield(Event{}, err)
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
	page(ctx context.Context) (EventPage, error)
}

func (q *Query) walk(ctx context.Context, who Principal, stream string, eq *EventQuery, action Action) (walker, error) {
	limit, err := pageLimit(eq.Limit)
	if err != nil {
		return nil, err
	}
	eq.Limit = limit
	if !eq.From.IsZero() && !eq.To.IsZero() && eq.To.Before(eq.From) {
		return nil, Invalid("to", "must not be before from")
	}
	if stream == "" {
		return q.walkAll(who, eq, action)
	}
	open, err := q.streams.open(ctx, who, stream, action)
	if err != nil {
		return nil, err
	}
	return q.walkStream(ctx, open.ID, eq)
}

// streamWalk is what is left to look at of one stream: offsets from low up to,
// not including, high.
type streamWalk struct {
	log       Reader
	stream    ID
	query     *EventQuery
	scope     []byte
	low, high Offset
}

func (q *Query) walkStream(ctx context.Context, stream ID, eq *EventQuery) (*streamWalk, error) {
	w := &streamWalk{log: q.log, stream: stream, query: eq, scope: queryScope(eq, stream)}
	if eq.After != nil {
		if *eq.After < -1 || *eq.After == math.MaxInt64 {
			return nil, Invalid("after", "must be an offset")
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
	bounds, err := w.log.Bounds(ctx, []ID{w.stream})
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

func (w *streamWalk) page(ctx context.Context) (EventPage, error) {
	var page EventPage
	room := pageBytes
	for budget := Offset(scanBudget); w.low < w.high && len(page.Items) < w.query.Limit && budget > 0 && room > 0; {
		before := w.high - w.low
		events, err := w.read(ctx, w.query.Limit-len(page.Items), room)
		if err != nil {
			return EventPage{}, err
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
func (w *streamWalk) read(ctx context.Context, want, room int) ([]Event, error) {
	scan := Scan{From: w.low, To: w.high, Backward: w.query.Descending, Limit: want, Bytes: room, Filter: w.query.Filter}
	if len(w.query.Payload) > 0 {
		scan.Limit = MaxPageSize
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
	exhausted := !full(events, scan.Limit, scan.Bytes)
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

// full reports whether an answer ended because of its limits, and not because
// nothing was left.
func full(events []Event, limit, bytes int) bool {
	size := 0
	for i := range events {
		size += events[i].Size()
	}
	return len(events) >= limit || size >= bytes
}

// cut ends a read at the want-th event that matches the payload filter, so
// that the walk goes on right behind it.
func (w *streamWalk) cut(events []Event, want int, exhausted bool) ([]Event, bool) {
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
func (q *Query) Event(ctx context.Context, who Principal, stream, id string) (Event, error) {
	open, err := q.streams.open(ctx, who, stream, ActionReadEvents)
	if err != nil {
		return Event{}, err
	}
	wanted, err := ParseID(id)
	if err != nil {
		return Event{}, Invalid("event_id", "%v", err)
	}
	return findEvent(ctx, q.log, open.ID, wanted)
}

// findEvent finds an event by its id, which tells the millisecond it came in.
func findEvent(ctx context.Context, log Reader, stream, id ID) (Event, error) {
	from, err := log.OffsetAt(ctx, stream, id.Time())
	if err != nil {
		return Event{}, err
	}
	to, err := log.OffsetAt(ctx, stream, id.Time().Add(time.Millisecond))
	if err != nil {
		return Event{}, err
	}
	if from < to {
		events, err := log.Read(ctx, stream, Scan{From: from, To: to, Limit: 1, Filter: Filter{ID: id}})
		if err != nil {
			return Event{}, err
		}
		if len(events) == 1 {
			return events[0], nil
		}
	}
	return Event{}, Errorf(CodeNotFound, "the stream holds no event %s: it never did, or retention has removed it", id)
}
