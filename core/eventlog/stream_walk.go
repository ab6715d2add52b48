package eventlog

import (
	"context"
	"encoding/binary"
	"math"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// scanBudget is how many offsets one page looks at when a filter is set, and for
// how long, and scanWindow how many one read of the store covers. The first read of
// a walk waits for no turn, so it is shorter. A filter that matches rarely gets a
// short page and goes on with the cursor, instead of running for minutes.
const (
	scanBudget = 1_000_000
	scanFor    = 2 * time.Second
	scanWindow = 100_000
	scanFirst  = 10_000
)

// streamWalk goes through the events of one stream, page by page.
type streamWalk struct {
	log    core.Reader
	stream core.ID
	query  *core.EventQuery
	pace   *stride
	// scope describes the query, so that a cursor of another one is refused.
	scope []byte
	// The offsets from low up to, not including, high are left to look at. A page
	// moves one of the two: low, or high when the order is descending. high is
	// fixed at the start, so a walk ends although events keep arriving.
	low, high core.Offset
}

// newStreamWalk begins a walk where the query, or its cursor, says.
func newStreamWalk(ctx context.Context, log core.Reader, stream core.ID, eq *core.EventQuery, pace *stride) (*streamWalk, error) {
	w := &streamWalk{log: log, stream: stream, query: eq, pace: pace, scope: queryScope(eq, stream)}
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

// of returns the stream.
func (w *streamWalk) of() core.ID { return w.stream }

// bound narrows the walk to what is stored, and to the query's times.
func (w *streamWalk) bound(ctx context.Context) error {
	bounds, err := w.log.Bounds(ctx, []core.ID{w.stream})
	if err != nil {
		return err
	}
	w.low, w.high = bounds[0].First, bounds[0].Next
	if w.query.After != nil {
		if w.low, err = bounds[0].Behind("after", *w.query.After); err != nil {
			return err
		}
	}
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

// page reads until the page is full, the walk ends, or the page has looked at its
// part of the log.
func (w *streamWalk) page(ctx context.Context) (core.EventPage, error) {
	var page core.EventPage
	room, begun := core.PageBytes, time.Now()
	for budget := core.Offset(scanBudget); w.low < w.high && len(page.Items) < w.query.Limit && budget > 0 && room > 0 && time.Since(begun) < scanFor; {
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
		budget -= before - (w.high - w.low) // by offsets looked at, not by events found
	}
	page.HasMore = w.low < w.high
	if page.HasMore && w.query.Descending {
		page.NextCursor = offsetCursor(w.scope, w.high)
	} else if page.HasMore {
		page.NextCursor = offsetCursor(w.scope, w.low)
	}
	return page, nil
}

// read returns the matching events of the next window and moves the walk past
// everything that it has looked at. A store's answer that is not full covers the
// whole window. One that is full ends the look at its last event.
func (w *streamWalk) read(ctx context.Context, want, room int) ([]core.Event, error) {
	scan := core.Scan{From: w.low, To: w.high, Backward: w.query.Descending, Limit: want, Bytes: room, Filter: w.query.Filter}
	if len(w.query.Payload) > 0 {
		scan.Limit = core.MaxPageSize // the store cannot tell how many of them match
	}
	if window := w.window(); w.high-w.low > window {
		if scan.Backward {
			scan.From = w.high - window
		} else {
			scan.To = w.low + window
		}
	}
	events, err := w.pace.read(ctx, func() ([]core.Event, error) { return w.log.Read(ctx, w.stream, scan) })
	if err != nil {
		return nil, err
	}
	// exhausted says that nothing in the window is left to look at.
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

// window is how many offsets the next read covers. Without a filter that is any number,
// because the read ends with its page.
func (w *streamWalk) window() core.Offset {
	switch {
	case !filtered(w.query):
		return math.MaxInt64
	case !w.pace.begun:
		return scanFirst
	}
	return scanWindow
}

// cut ends a read at the want-th event that matches the payload filter, so that
// the walk goes on behind that event and not behind the whole read.
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

// offsetCursor seals the offset where the walk goes on: low, or high when the
// order is descending.
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
