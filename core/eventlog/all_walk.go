package eventlog

import (
	"context"
	"encoding/binary"
	"math"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// allWalk goes through the events of all streams of an organization, page by page.
type allWalk struct {
	log     core.Reader
	streams *Streams
	who     core.Principal
	query   *core.EventQuery
	pace    *stride
	// scope describes the query, so that a cursor of another one is refused.
	scope []byte
	// The positions after low and before high are left to look at. A page moves
	// one of the two: low, or high when the order is descending.
	low, high core.Position
	// done says that nothing is left between them.
	done bool
	// missing is what the page lacks, nil while it lacks nothing. parts is how many of its
	// reads have lacked something.
	missing *core.Missing
	parts   int
}

// maxParts bounds the reads of a page that lack something: each may have waited for a shard
// that hangs.
const maxParts = 2

// walkAll begins a walk where the query, or its cursor, says.
func (q *Query) walkAll(who core.Principal, eq *core.EventQuery, action core.Action) (*allWalk, error) {
	if err := core.Authorize(q.Authorizer, who, action, core.ID{}); err != nil {
		return nil, err
	}
	if eq.After != nil {
		return nil, core.Invalid("after", "is an offset in one stream; over all streams, use from, to and cursor")
	}
	w := &allWalk{log: q.Log, streams: q.Streams, who: who, query: eq, scope: queryScope(eq, who.Org), pace: q.stride(who, action)}
	if !eq.From.IsZero() {
		w.low = justBefore(eq.From)
	}
	if !eq.To.IsZero() {
		w.high = core.Position{ReceivedAt: eq.To.UTC()}
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

// of returns zero, which stands for all streams.
func (w *allWalk) of() core.ID { return core.ID{} }

// pass moves the walk past a position.
func (w *allWalk) pass(p core.Position) {
	if w.query.Descending {
		w.high = p
	} else {
		w.low = p
	}
}

// page reads until the page is full, the log ends, or the page has looked at its
// part of the log. Over all streams the part is a fifth of one stream's, because
// every event that does not match has been fetched.
func (w *allWalk) page(ctx context.Context) (core.EventPage, error) {
	page := core.EventPage{Names: map[core.ID]string{}}
	w.missing, w.parts = nil, 0
	var last core.Position
	room, begun := core.PageBytes, time.Now()
	for budget := scanBudget / 5; len(page.Items) < w.query.Limit && budget > 0 && room > 0 && !w.done && w.parts < maxParts && time.Since(begun) < scanFor; {
		events, err := w.read(ctx, room)
		if err != nil {
			return core.EventPage{}, err
		}
		budget -= len(events)
		for i := range events {
			// The walk passes every event that it has looked at, also one that does not
			// belong to the answer. The next page begins behind it.
			last = core.Position{ReceivedAt: events[i].ReceivedAt, Stream: events[i].Stream, Offset: events[i].Offset}
			w.pass(last)
			name, err := w.shows(ctx, &events[i])
			if err != nil {
				return core.EventPage{}, err
			}
			if name == "" {
				continue
			}
			page.Items = append(page.Items, events[i])
			page.Names[events[i].Stream] = name
			// A full page ends here, and the rest of the read belongs to the next one.
			if room -= events[i].Size(); len(page.Items) == w.query.Limit {
				w.done = w.done && i == len(events)-1
				break
			}
		}
	}
	page.Missing = w.missing
	if page.HasMore = !w.done; page.HasMore {
		page.NextCursor = positionCursor(w.scope, last)
	}
	return page, nil
}

// read returns the next events. It asks for one more than the page may hold, which
// tells whether there is a next page. With a filter it asks for as many as it may,
// because most of them will not match.
func (w *allWalk) read(ctx context.Context, room int) ([]core.Event, error) {
	limit := w.query.Limit + 1
	if filtered(w.query) || len(w.who.Streams) > 0 || w.missing != nil {
		limit = core.MaxPageSize
	}
	if w.missing != nil {
		w.pace.begun = false // the second read is the last, and rests would count a shard that hangs as work
	}
	scan := core.AllScan{After: w.low, Before: w.high, Backward: w.query.Descending, Limit: limit, Bytes: room}
	events, err := w.pace.read(ctx, func() ([]core.Event, error) { return w.ask(ctx, scan) })
	w.done = !core.Full(events, limit, room)
	return events, err
}

// ask reads a part of the log. While shards are away it is what the others have, where the
// principal has no stream there or takes a page that says what is missing.
func (w *allWalk) ask(ctx context.Context, scan core.AllScan) ([]core.Event, error) {
	events, part, err := core.KnownEvents(w.log.ReadAll(ctx, w.who.Org, scan))
	if err != nil || part == nil {
		return events, err
	}
	missing, err := w.streams.onShards(ctx, w.who, part.Away)
	switch {
	case err != nil:
		return nil, err
	case missing == nil:
		return events, nil
	case !w.query.Partial:
		return nil, part
	}
	w.missing = missing
	w.parts++
	return events, nil
}

// shows returns the name of an event's stream when the event belongs to the
// answer, and "" otherwise. An event belongs to it when it matches, and when its
// stream exists and is open to the principal.
func (w *allWalk) shows(ctx context.Context, event *core.Event) (stream string, err error) {
	if !w.query.Filter.Matches(event) || !matchesPayload(w.query, event) {
		return "", nil
	}
	if len(w.who.Streams) > 0 && !slices.Contains(w.who.Streams, event.Stream) {
		return "", nil
	}
	return w.streams.name(ctx, w.who.Org, event.Stream)
}

func justBefore(t time.Time) core.Position {
	last := core.Position{ReceivedAt: t.UTC().Add(-time.Microsecond), Offset: math.MaxInt64}
	for i := range last.Stream {
		last.Stream[i] = 0xff
	}
	return last
}

// positionCursor seals the position of the last event that was looked at.
func positionCursor(scope []byte, p core.Position) string {
	place := binary.BigEndian.AppendUint64(nil, uint64(p.ReceivedAt.UnixMicro()))
	place = append(place, p.Stream[:]...)
	return core.SealCursor(scope, binary.BigEndian.AppendUint64(place, uint64(p.Offset)))
}

func parsePositionCursor(scope []byte, cursor string) (core.Position, error) {
	place, err := core.OpenCursor(scope, cursor)
	if err != nil || len(place) != 32 {
		return core.Position{}, core.ErrBadCursor
	}
	return core.Position{
		ReceivedAt: time.UnixMicro(int64(binary.BigEndian.Uint64(place))).UTC(),
		Stream:     core.ID(place[8:24]),
		Offset:     core.Offset(binary.BigEndian.Uint64(place[24:])),
	}, nil
}
