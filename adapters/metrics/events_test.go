package metrics_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/metrics"
	"github.com/eventflow-go/eventflow/core"
)

// accepting is a log that says of every batch that it was stored, and keeps none.
type accepting struct{ core.EventLog }

func (accepting) Append(context.Context, time.Time, []core.Batch) error { return nil }

// streamID makes the id of one of many streams.
func streamID(number int) core.ID { return core.NewID(at, []byte(fmt.Sprintf("%010d", number))) }

// storing returns batches of events that are stored.
func storing(stream core.ID, types ...string) []core.Batch {
	b := core.Batch{Stream: stream}
	for _, eventType := range types {
		b.Entries = append(b.Entries, core.Entry{Event: core.Event{Type: eventType}, Outcome: core.Stored})
	}
	return []core.Batch{b}
}

func typesUpTo(n int) (types []string) {
	for i := range n {
		types = append(types, fmt.Sprint("type ", i))
	}
	return types
}

func sum(counted map[string]float64) (total float64) {
	for _, count := range counted {
		total += count
	}
	return total
}

// Types are the producers' words: a stream with a hundred thousand of them takes the
// label of no other stream, and every event is counted.
func TestTypesDoNotTakeTheLabelsOfOthers(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	log := m.Log(accepting{})
	types := typesUpTo(100_000)
	for range 2 {
		require.NoError(t, log.Append(t.Context(), at, storing(core.ID{5}, types...)))
	}
	require.NoError(t, log.Append(t.Context(), at, storing(core.ID{6}, "paid", "sent")))
	counted := series(t, m, "eventflow_events_stored_total")
	require.Len(t, counted, 25+1+2)
	require.InDelta(t, 200_002, sum(counted), 0)
	require.InDelta(t, 2, counted[stored(5, "type 0")], 0)
	require.InDelta(t, 2, counted[stored(5, "type 24")], 0)
	require.InDelta(t, 2*(100_000-25), counted[stored(5, "other")], 0)
	require.InDelta(t, 1, counted[stored(6, "paid")], 0)
}

// Of ten thousand streams with a hundred thousand types together those that come first
// have labels. What Prometheus reads stays small, and with it the time for it.
func TestScrapesOfManyStreamsStaySmall(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	log := m.Log(accepting{})
	for number := range 10_000 {
		types := typesUpTo(10)
		require.NoError(t, log.Append(t.Context(), at, storing(streamID(number), types...)))
	}
	require.Less(t, len(scrape(t, m)), 1<<20)
	counted := series(t, m, "eventflow_events_stored_total")
	require.Len(t, counted, 5000+1500+1)
	require.InDelta(t, 100_000, sum(counted), 0)
	label := func(number int, eventType string) string {
		return fmt.Sprintf("eventflow_events_stored_total{stream=%q,type=%q}", streamID(number), eventType)
	}
	require.InDelta(t, 1, counted[label(499, "type 9")], 0)
	require.InDelta(t, 10, counted[label(500, "other")], 0)
	require.InDelta(t, 10, counted[label(1999, "other")], 0)
	require.InDelta(t, 80_000, counted[`eventflow_events_stored_total{stream="other",type="other"}`], 0)
	for name := range counted {
		require.NotContains(t, name, streamID(2000).String())
	}
}
