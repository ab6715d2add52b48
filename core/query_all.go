package core

import (
	"context"
	"math"
	"slices"
	"time"
)

// allWalk is what is left to look at of all streams of an organization:
// positions after low and before high.
type allWalk struct {
	log       Reader
	streams   *Streams
	who       Principal
	query     *EventQuery
	scope     []byte
	low, high Position
	done      bool
}

func (q *Query) walkAll(who Principal, eq *EventQuery, action Action) (*allWalk, error) {
	if err := authorize(q.streams.authorizer, who, action, ID{}); err != nil {
		return nil, err
	}
	if eq.After != nil {
		return nil, Invalid("after", "is an offset of one stream; over all streams use from, to and cursor")
	}
	w := &allWalk{log: q.log, streams: q.streams, who: who, query: eq, scope: queryScope(eq, who.Org)}
	if !eq.From.IsZero() {
		w.low = justBefore(eq.From)
	}
	if !eq.To.IsZero() {
		w.high = Position{ReceivedAt: eq.To.UTC()}
	}
	if eq.Cursor == "" {
		return w, nil
	}
	place, err := parsePositionCursor(w.scope, eq.Cursor)
	if err != nil {
		return nil, err
	}
	w.pass(place)
	return w, nil
}

// justBefore is greater than the position of every event received before t,
// and less than all others.
func justBefore(t time.Time) Position {
	last := Position{ReceivedAt: t.UTC().Add(-time.Microsecond), Offset: math.MaxInt64}
	for i := range last.Stream {
		last.Stream[i] = 0xff
	}
	return last
}

// pass moves the walk past a position.
func (w *allWalk) pass(p Position) {
	if w.query.Descending {
		w.high = p
	} else {
		w.low = p
	}
}

func (w *allWalk) page(ctx context.Context) (EventPage, error) {
	page := EventPage{Names: map[ID]string{}}
	var last Position
	room := pageBytes
	for budget := scanBudget / 5; len(page.Items) < w.query.Limit && budget > 0 && room > 0 && !w.done; {
		events, err := w.read(ctx, room)
		if err != nil {
			return EventPage{}, err
		}
		budget -= len(events)
		for i := range events {
			last = Position{events[i].ReceivedAt, events[i].Stream, events[i].Offset}
			w.pass(last)
			name, err := w.shows(ctx, &events[i])
			if err != nil {
				return EventPage{}, err
			}
			if name == "" {
				continue
			}
			page.Items = append(page.Items, events[i])
			page.Names[events[i].Stream] = name
			if room -= events[i].Size(); len(page.Items) == w.query.Limit {
				w.done = w.done && i == len(events)-1
				break
			}
		}
	}
	if page.HasMore = !w.done; page.HasMore {
		page.NextCursor = positionCursor(w.scope, last)
	}
	return page, nil
}

// read reads on. One event more than the page may hold tells whether there is
// a next page; a filter looks further ahead.
func (w *allWalk) read(ctx context.Context, room int) ([]Event, error) {
	limit := w.query.Limit + 1
	if filtered(w.query) || len(w.who.Streams) > 0 {
		limit = MaxPageSize
	}
	scan := AllScan{After: w.low, Before: w.high, Backward: w.query.Descending, Limit: limit, Bytes: room}
	events, err := w.log.ReadAll(ctx, w.who.Org, scan)
	w.done = !full(events, limit, room)
	return events, err
}

// shows returns the name of an event's stream where the event belongs to the
// answer: it matches, and its stream still exists and is open to the principal.
func (w *allWalk) shows(ctx context.Context, event *Event) (stream string, err error) {
	if !w.query.Filter.matches(event) || !matchesPayload(w.query, event) {
		return "", nil
	}
	if len(w.who.Streams) > 0 && !slices.Contains(w.who.Streams, event.Stream) {
		return "", nil
	}
	return w.streams.name(ctx, w.who.Org, event.Stream)
}

// matches reports whether the event has the filter's fields.
func (f Filter) matches(event *Event) bool {
	return (f.ID.IsZero() || f.ID == event.ID) &&
		(f.Type == "" || f.Type == event.Type) &&
		(f.Source == "" || f.Source == event.Source) &&
		(f.Subject == "" || f.Subject == event.Subject)
}
