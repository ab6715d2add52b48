package deliver

import (
	"context"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// Tracer says what has become of an event.
type Tracer struct {
	streams    *eventlog.Streams
	store      core.GroupStore
	log        core.Reader
	authorizer core.Authorizer
}

// Trace finds an event by its id and says what each group has made of it. It reads the
// stored progress, which may be a step behind, and disturbs nobody.
func (t *Tracer) Trace(ctx context.Context, who core.Principal, id string) (core.EventTrace, error) {
	if err := core.Authorize(t.authorizer, who, core.ActionReadEvents, core.ID{}); err != nil {
		return core.EventTrace{}, err
	}
	wanted, err := core.ParseID(id)
	if err != nil {
		return core.EventTrace{}, core.Invalid("event_id", "%v", err)
	}
	event, err := t.find(ctx, who, wanted)
	if err != nil {
		return core.EventTrace{}, core.StoreFailed(err)
	}
	trace := core.EventTrace{
		ID: event.ID, Stream: event.Stream, Offset: event.Offset, OccurredAt: event.OccurredAt, ReceivedAt: event.ReceivedAt,
		Source: event.Source, APIKeyID: event.APIKeyID, Groups: []core.GroupTrace{},
	}
	groups, err := t.store.Groups(ctx, event.Stream)
	if err != nil {
		return core.EventTrace{}, core.StoreFailed(err)
	}
	for i := range groups {
		one, err := t.traceGroup(ctx, &groups[i], event.Offset)
		if core.IsNotFound(err) {
			continue // deleted meanwhile
		}
		if err != nil {
			return core.EventTrace{}, core.StoreFailed(err)
		}
		trace.Groups = append(trace.Groups, one)
	}
	return trace, nil
}

// find looks for an event in all streams that the principal may see. An event's id
// holds the millisecond of its receipt, so the events of that millisecond are read and
// there is no index of ids.
func (t *Tracer) find(ctx context.Context, who core.Principal, id core.ID) (core.Event, error) {
	scan := core.AllScan{
		After: core.Position{ReceivedAt: id.Time()}, Before: core.Position{ReceivedAt: id.Time().Add(time.Millisecond)},
		Limit: core.MaxPageSize, Bytes: core.PageBytes,
	}
	var lacks error // why the event may be where nobody could look
	for {
		events, part, err := core.KnownEvents(t.log.ReadAll(ctx, who.Org, scan))
		if err != nil {
			return core.Event{}, err
		}
		if part != nil {
			lacks = part
		}
		for i := range events {
			if visible := len(who.Streams) == 0 || slices.Contains(who.Streams, events[i].Stream); events[i].ID == id && visible {
				// A deleted stream's events are nobody's any more.
				_, err := t.streams.Open(ctx, who, events[i].Stream.String(), core.ActionReadEvents)
				return events[i], err
			}
		}
		if !core.Full(events, scan.Limit, scan.Bytes) {
			if lacks != nil {
				return core.Event{}, lacks
			}
			return core.Event{}, core.Errorf(core.CodeNotFound, "there is no event %s: there never was, or retention has removed it", id)
		}
		last := &events[len(events)-1]
		scan.After = core.Position{ReceivedAt: last.ReceivedAt, Stream: last.Stream, Offset: last.Offset}
	}
}

// traceGroup says what one group has made of an event. A dead letter is the last word:
// its event is settled in the state, and its attempts go on in the letter.
func (t *Tracer) traceGroup(ctx context.Context, g *core.Group, offset core.Offset) (core.GroupTrace, error) {
	trace := core.GroupTrace{Group: g.ID, Name: g.Name, Processor: g.Processor}
	progress, err := t.store.Progress(ctx, g.ID)
	if err != nil {
		return trace, err
	}
	state, err := openState(progress.State)
	if err != nil {
		return trace, err
	}
	attempts, err := t.store.Attempts(ctx, g.ID, offset)
	if err != nil {
		return trace, err
	}
	trace.Attempts = append([]core.Attempt{}, attempts...)
	trace.State, trace.Until = state.trace(offset, attempts)
	letters, err := t.store.DeadLetters(ctx, g.Org, core.LetterScan{
		Filter: core.LetterFilter{Stream: g.Stream, Group: g.ID, Offset: &offset}, Backward: true, Limit: 1,
	})
	if err == nil && len(letters) > 0 {
		trace.DeadLetter, trace.State = letters[0].ID, core.TraceDeadLetter
		if letters[0].State == core.Replaying {
			trace.State = core.TraceReplaying
		}
	}
	return trace, err
}

// trace returns where an offset is in a group's state, and until when it stays there.
func (s *groupState) trace(offset core.Offset, attempts []core.Attempt) (core.TraceState, *time.Time) {
	for i := range s.Leases {
		if s.Leases[i].holds(offset) {
			return core.TraceLeased, &s.Leases[i].ExpiresAt
		}
	}
	for i := range s.Waiting {
		if w := &s.Waiting[i]; w.covers(offset) {
			return core.TraceWaiting, &w.Due
		}
	}
	// An event that is neither held nor waiting was settled, or never handed out. A
	// skip settles, too, and shows in the last attempt alone.
	switch {
	case offset >= s.Next || s.passed(offset):
		return core.TracePending, nil
	case len(attempts) > 0 && attempts[len(attempts)-1].Outcome == core.Skipped:
		return core.TraceSkipped, nil
	}
	return core.TraceSettled, nil
}
