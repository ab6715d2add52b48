package core

import (
	"context"
	"slices"
	"time"
)

// TraceState is what has become of an event in a group.
type TraceState string

// The states of an event in a group.
const (
	TracePending    TraceState = "pending"     // not handed out yet
	TraceLeased     TraceState = "leased"      // a consumer has it
	TraceWaiting    TraceState = "waiting"     // to be tried again
	TraceSettled    TraceState = "settled"     // acknowledged, or before the group's start
	TraceSkipped    TraceState = "skipped"     // given up by a consumer
	TraceDeadLetter TraceState = "dead_letter" // it had its attempts
	TraceReplaying  TraceState = "replaying"   // a dead letter that is tried again
)

// EventTrace is the way of one event through the system.
type EventTrace struct {
	ID     ID     `json:"event_id"`
	Stream ID     `json:"stream_id"`
	Offset Offset `json:"offset"`
	// OccurredAt is by the producer's clock. ReceivedAt is when the event became
	// durable.
	OccurredAt time.Time    `json:"occurred_at"`
	ReceivedAt time.Time    `json:"received_at"`
	Source     string       `json:"source"`
	APIKeyID   ID           `json:"api_key_id,omitzero"`
	Groups     []GroupTrace `json:"groups"`
}

// GroupTrace is what has become of an event in one group.
type GroupTrace struct {
	Group ID         `json:"group_id"`
	Name  string     `json:"name"`
	State TraceState `json:"state"`
	// Until is the end of the lease of a leased event, the next attempt of a
	// waiting one.
	Until      *time.Time `json:"until,omitempty"`
	DeadLetter ID         `json:"dead_letter_id,omitzero"`
	// Attempts are the failed ones, of the last seven days.
	Attempts []Attempt `json:"attempts"`
}

// Trace finds an event by its id and says what each group has made of it.
func (c *Consumers) Trace(ctx context.Context, who Principal, id string) (EventTrace, error) {
	if err := authorize(c.streams.authorizer, who, ActionReadEvents, ID{}); err != nil {
		return EventTrace{}, err
	}
	wanted, err := ParseID(id)
	if err != nil {
		return EventTrace{}, Invalid("event_id", "%v", err)
	}
	event, err := c.find(ctx, who, wanted)
	if err != nil {
		return EventTrace{}, StoreFailed(err)
	}
	trace := EventTrace{
		ID: event.ID, Stream: event.Stream, Offset: event.Offset, OccurredAt: event.OccurredAt, ReceivedAt: event.ReceivedAt,
		Source: event.Source, APIKeyID: event.APIKeyID, Groups: []GroupTrace{},
	}
	groups, err := c.store.Groups(ctx, event.Stream)
	if err != nil {
		return EventTrace{}, StoreFailed(err)
	}
	for i := range groups {
		one, err := c.traceGroup(ctx, &groups[i], event.Offset)
		if IsNotFound(err) {
			continue // deleted meanwhile
		}
		if err != nil {
			return EventTrace{}, StoreFailed(err)
		}
		trace.Groups = append(trace.Groups, one)
	}
	return trace, nil
}

// find looks for an event in all streams that the principal may see.
func (c *Consumers) find(ctx context.Context, who Principal, id ID) (Event, error) {
	scan := AllScan{
		After: Position{ReceivedAt: id.Time()}, Before: Position{ReceivedAt: id.Time().Add(time.Millisecond)},
		Limit: MaxPageSize, Bytes: pageBytes,
	}
	for {
		events, err := c.log.ReadAll(ctx, who.Org, scan)
		if err != nil {
			return Event{}, err
		}
		for i := range events {
			if visible := len(who.Streams) == 0 || slices.Contains(who.Streams, events[i].Stream); events[i].ID == id && visible {
				// A deleted stream's events are nobody's any more.
				_, err := c.streams.open(ctx, who, events[i].Stream.String(), ActionReadEvents)
				return events[i], err
			}
		}
		if !full(events, scan.Limit, scan.Bytes) {
			return Event{}, Errorf(CodeNotFound, "there is no event %s: there never was, or retention has removed it", id)
		}
		last := &events[len(events)-1]
		scan.After = Position{ReceivedAt: last.ReceivedAt, Stream: last.Stream, Offset: last.Offset}
	}
}

func (c *Consumers) traceGroup(ctx context.Context, g *Group, offset Offset) (GroupTrace, error) {
	trace := GroupTrace{Group: g.ID, Name: g.Name}
	progress, err := c.store.Progress(ctx, g.ID)
	if err != nil {
		return trace, err
	}
	state, err := openState(progress.State)
	if err != nil {
		return trace, err
	}
	attempts, err := c.store.Attempts(ctx, g.ID, offset)
	if err != nil {
		return trace, err
	}
	trace.Attempts = append([]Attempt{}, attempts...)
	trace.State, trace.Until = state.trace(offset, attempts)
	letters, err := c.store.DeadLetters(ctx, g.Org, LetterScan{
		Filter: LetterFilter{Stream: g.Stream, Group: g.ID, Offset: &offset}, Backward: true, Limit: 1,
	})
	if err == nil && len(letters) > 0 {
		trace.DeadLetter, trace.State = letters[0].ID, TraceDeadLetter
		if letters[0].State == Replaying {
			trace.State = TraceReplaying
		}
	}
	return trace, err
}

// trace is what a group's state says about an offset.
func (s *groupState) trace(offset Offset, attempts []Attempt) (TraceState, *time.Time) {
	for i := range s.Leases {
		if s.Leases[i].holds(offset) {
			return TraceLeased, &s.Leases[i].ExpiresAt
		}
	}
	for i := range s.Waiting {
		if w := &s.Waiting[i]; w.Letter.IsZero() && w.From <= offset && offset < w.To {
			return TraceWaiting, &w.Due
		}
	}
	switch {
	case offset >= s.Next:
		return TracePending, nil
	case len(attempts) > 0 && attempts[len(attempts)-1].Outcome == Skipped:
		return TraceSkipped, nil
	}
	return TraceSettled, nil
}
