package eventlog

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// Query answers questions about what is stored: pages, exports and single events.
// Whoever wants the events that come next follows a stream instead.
type Query struct{ QueryPorts }

// QueryPorts is what Query works with.
type QueryPorts struct {
	Log        core.Reader
	Streams    *Streams
	Authorizer core.Authorizer
	Record     core.Recorder
	Now        core.Clock
	// Turns are what walks that go on read in. Without them nobody waits.
	Turns *Turns
}

// NewQuery returns the use case.
func NewQuery(ports QueryPorts) *Query { return &Query{ports} }

// queryScope describes a query for its cursors. It holds everything but the place
// and the size of the page.
func queryScope(eq *core.EventQuery, list core.ID) []byte {
	after := core.Offset(-1)
	if eq.After != nil {
		after = *eq.After
	}
	return fmt.Appendf(nil, "events %s %q %q %q %q %d %d %d %t", list, eq.Filter.Type, eq.Filter.Source, eq.Filter.Subject,
		eq.Payload, eq.From.UnixMicro(), eq.To.UnixMicro(), after, eq.Descending)
}

// filtered reports whether a query may leave out events between others.
func filtered(eq *core.EventQuery) bool { return eq.Filter != core.Filter{} || len(eq.Payload) > 0 }

// matchesPayload applies the part of a query that stores do not: they would
// disagree about JSON.
func matchesPayload(eq *core.EventQuery, event *core.Event) bool {
	for _, match := range eq.Payload {
		if !eventjson.Matches(match, event.Payload) {
			return false
		}
	}
	return true
}

// keepMatching removes, in place, the events whose payload does not match.
func keepMatching(eq *core.EventQuery, events []core.Event) []core.Event {
	if len(eq.Payload) == 0 {
		return events
	}
	return slices.DeleteFunc(events, func(event core.Event) bool { return !matchesPayload(eq, &event) })
}

// Events returns one page of a stream's events, or of all streams' when stream is
// empty.
func (q *Query) Events(ctx context.Context, who core.Principal, stream string, eq core.EventQuery) (core.EventPage, error) {
	walk, err := q.walk(ctx, who, stream, &eq, core.ActionReadEvents)
	if err != nil {
		return core.EventPage{}, err
	}
	return walk.page(ctx)
}

// Export returns every matching event that was stored before the call, as a
// sequence that reads page by page. It ends after an error. The audit trail has a
// record of every export, also of one that is broken off.
func (q *Query) Export(ctx context.Context, who core.Principal, stream string, eq core.EventQuery) (iter.Seq2[core.Event, error], error) {
	// An export ends although events keep arriving. The walk over one stream notes
	// its end by itself, as an offset; over all streams the end is a time.
	if now := q.Now().UTC(); stream == "" && (eq.To.IsZero() || eq.To.After(now)) {
		eq.To = now
	}
	eq.Limit = core.MaxPageSize
	walk, err := q.walk(ctx, who, stream, &eq, core.ActionExportEvents)
	if err != nil {
		return nil, err
	}
	q.Record.Record(ctx, who.Did(core.AuditExported, "stream", walk.of()))
	return func(yield func(core.Event, error) bool) {
		for {
			err := q.permitted(ctx, who, walk.of(), core.ActionExportEvents)
			var page core.EventPage
			if err == nil {
				page, err = walk.page(ctx)
			}
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

// permitted looks whether an answer that lasts may go on.
func (q *Query) permitted(ctx context.Context, who core.Principal, stream core.ID, action core.Action) error {
	who, err := who.Now(ctx)
	if err != nil {
		return err
	}
	if stream.IsZero() {
		return core.Authorize(q.Authorizer, who, action, core.ID{})
	}
	_, err = q.Streams.Open(ctx, who, stream.String(), action)
	return err
}

// walker goes through the answer to a query: a [streamWalk] or an [allWalk].
type walker interface {
	// page returns the next page.
	page(ctx context.Context) (core.EventPage, error)
	// of returns the stream that is walked, zero for all.
	of() core.ID
}

// walk checks the query and the principal, and begins the walk that answers it.
func (q *Query) walk(ctx context.Context, who core.Principal, stream string, eq *core.EventQuery, action core.Action) (walker, error) {
	limit, err := core.PageLimit(eq.Limit)
	if err != nil {
		return nil, err
	}
	eq.Limit = limit
	if !eq.From.IsZero() && !eq.To.IsZero() && eq.To.Before(eq.From) {
		return nil, core.Invalid("to", "must not be before from")
	}
	for _, match := range eq.Payload {
		if err := eventjson.CheckPath(match.Path); err != nil {
			return nil, err
		}
	}
	if stream == "" {
		return q.walkAll(who, eq, action)
	}
	open, err := q.Streams.Open(ctx, who, stream, action)
	if err != nil {
		return nil, err
	}
	return newStreamWalk(ctx, q.Log, open.ID, eq, q.stride(who, action))
}

// stride is the pace of a walk for what somebody may do.
func (q *Query) stride(who core.Principal, action core.Action) *stride {
	rests := walkRests
	if action == core.ActionExportEvents {
		rests = exportRests
	}
	return &stride{turns: q.Turns, org: who.Org, rests: rests}
}

// Event returns one event by its id.
func (q *Query) Event(ctx context.Context, who core.Principal, stream, id string) (core.Event, error) {
	open, err := q.Streams.Open(ctx, who, stream, core.ActionReadEvents)
	if err != nil {
		return core.Event{}, err
	}
	wanted, err := core.ParseID(id)
	if err != nil {
		return core.Event{}, core.Invalid("event_id", "%v", err)
	}
	return FindEvent(ctx, q.Log, open.ID, wanted)
}

// FindEvent finds an event by its id. No store has an index on ids: an id says in
// which millisecond the event was received, and the offsets of a time are found by
// binary search.
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
	return core.Event{}, core.Errorf(core.CodeNotFound, "the stream has no event %s: it never did, or retention has removed it", id)
}
