package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// damagedLog is a log of which events were changed or lost, or cannot be read.
type damagedLog struct {
	core.Reader
	change func([]core.Event) []core.Event
	// unreadable is the offset that no read may touch, failure what one that does ends
	// with.
	unreadable core.Offset
	failure    error
	// trims is how many events are trimmed after the first question for the bounds.
	trims core.Offset
	asked bool
}

func (l *damagedLog) Read(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
	if l.failure != nil && scan.From <= l.unreadable && l.unreadable < scan.To {
		return nil, l.failure
	}
	if l.asked && l.trims > 0 {
		scan.From = max(scan.From, l.trims)
	}
	events, err := l.Reader.Read(ctx, stream, scan)
	if l.change != nil {
		events = l.change(events)
	}
	return events, err
}

func (l *damagedLog) Bounds(ctx context.Context, streams []core.ID) ([]core.Bounds, error) {
	bounds, err := l.Reader.Bounds(ctx, streams)
	if l.asked && err == nil {
		bounds[0].First = max(bounds[0].First, min(l.trims, bounds[0].Next))
	}
	l.asked = true
	return bounds, err
}

// findings examines a stream of twelve events in a damaged log.
func findings(t *testing.T, log *damagedLog) (all []core.Finding, err error) {
	t.Helper()
	r := coretest.NewRig(t, nil)
	stream := r.Create(core.StreamSpec{Name: "orders"})
	for range 3 {
		r.Put(stream, make([]core.Event, 4)...)
		r.Clock.Pass(time.Second)
	}
	log.Reader = r.Log
	examination := eventlog.Examination{Log: log, Streams: r.Catalog, Organizations: r.Catalog}
	examined, err := examination.Run(t.Context(), func(f core.Finding) { all = append(all, f) })
	require.Equal(t, min(len(all), 1), examined.Damaged)
	return all, err
}

// What is wrong with an event is told with its offset, and what is right is not.
func TestAnExaminationNamesTheEvent(t *testing.T) {
	t.Parallel()
	one := func(offset core.Offset, change func(*core.Event)) func([]core.Event) []core.Event {
		return func(events []core.Event) []core.Event {
			for i := range events {
				if events[i].Offset == offset {
					change(&events[i])
				}
			}
			return events
		}
	}
	for name, c := range map[string]struct {
		log    damagedLog
		offset core.Offset
		says   string
	}{
		"id of nobody": {damagedLog{change: one(3, func(e *core.Event) { e.ID[6] = 0x40 })}, 3, "none that EventFlow gives"},
		"other id":     {damagedLog{change: one(4, func(e *core.Event) { e.ID[0]++ })}, 4, "one of the two was changed"},
		"other time":   {damagedLog{change: one(4, func(e *core.Event) { e.ReceivedAt = e.ReceivedAt.Add(-time.Millisecond) })}, 4, "one of the two was changed"},
		"out of order": {damagedLog{change: one(6, func(e *core.Event) {
			e.ReceivedAt = e.ReceivedAt.Add(-time.Hour)
			e.ID = core.NewID(e.ReceivedAt, e.ID[6:])
		})}, 6, "before the event before it"},
		"late": {damagedLog{change: one(11, func(e *core.Event) {
			e.ReceivedAt = e.ReceivedAt.Add(time.Hour)
			e.ID = core.NewID(e.ReceivedAt, e.ID[6:])
		})}, 11, "when the stream's newest event was"},
		"payload":    {damagedLog{change: one(0, func(e *core.Event) { e.Payload = []byte(`{"a":`) })}, 0, "payload that is no valid JSON"},
		"context":    {damagedLog{change: one(1, func(e *core.Event) { e.Context = []byte("\xff") })}, 1, "context that is no valid JSON"},
		"version":    {damagedLog{change: one(2, func(e *core.Event) { e.Version = 0 })}, 2, "every event has both"},
		"unreadable": {damagedLog{unreadable: 7, failure: errors.New("malformed")}, 7, "cannot be read: malformed"},
		"lost": {damagedLog{change: func(all []core.Event) []core.Event {
			return slices.DeleteFunc(all, func(e core.Event) bool { return e.Offset == 8 })
		}}, 8, "is missing: "},
		"lost beginning": {damagedLog{change: func(all []core.Event) []core.Event {
			return slices.DeleteFunc(all, func(e core.Event) bool { return e.Offset < 3 })
		}}, 0, "so is all up to offset 2"},
		"all lost": {damagedLog{change: func([]core.Event) []core.Event { return nil }}, 0, "so is all up to offset 11"},
		"twice":    {damagedLog{change: func(all []core.Event) []core.Event { return append(all, all[len(all)-1]) }}, 11, "is there twice"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Events are named by their stream, and nothing else is told.
			c.log.change = orSame(c.log.change, withTypes)
			all, err := findings(t, &c.log)
			require.NoError(t, err)
			require.Len(t, all, 1, "%v", all)
			require.Equal(t, []any{"orders", c.offset, core.FindingProblem}, []any{all[0].Stream, *all[0].Offset, all[0].State})
			require.Contains(t, all[0].Text, c.says)
		})
	}
}

// withTypes gives events a type, which those of the rig lack.
func withTypes(all []core.Event) []core.Event {
	for i := range all {
		all[i].Type = "order.paid"
	}
	return all
}

func orSame(change, then func([]core.Event) []core.Event) func([]core.Event) []core.Event {
	if change == nil {
		return then
	}
	return func(all []core.Event) []core.Event { return then(change(all)) }
}

// A log that is sound has no findings, also when retention removes its beginning
// meanwhile. One that cannot be asked is no damage, and much damage is cut short.
func TestAnExaminationTellsDamageFromTheRest(t *testing.T) {
	t.Parallel()
	for _, log := range []*damagedLog{{change: withTypes}, {change: withTypes, trims: 5}, {change: withTypes, trims: 100}} {
		all, err := findings(t, log)
		require.NoError(t, err)
		require.Empty(t, all)
	}
	_, err := findings(t, &damagedLog{change: withTypes, failure: core.Unavailable(nil, time.Second, "away")})
	require.ErrorContains(t, err, "away")

	r := coretest.NewRig(t, nil)
	stream := r.Create(core.StreamSpec{Name: "orders"})
	r.Put(stream, make([]core.Event, 100)...) // none of which has a type
	var all []core.Finding
	examination := eventlog.Examination{Log: r.Log, Streams: r.Catalog, Organizations: r.Catalog}
	examined, err := examination.Run(t.Context(), func(f core.Finding) { all = append(all, f) })
	require.NoError(t, err)
	require.Equal(t, eventlog.Examined{Streams: 1, Events: 100, Damaged: 1}, examined)
	require.Len(t, all, 20)
	require.Equal(t, "and there is more damage from here on; the first 19 findings of a stream are told", all[19].Text, fmt.Sprint(all))
}
