package metrics

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eventflow-go/eventflow/core"
)

// Streams and types are the clients' words: they must not be able to fill the memory of
// this server, nor of Prometheus. So those that come first since the start have labels
// of their own, and the bounds are such that a stream with any number of types takes
// nothing from another stream:
//
//   - Of each stream the first maxTypes types have their own label, and the others of
//     that stream have the type "other".
//   - The first maxStreams streams have their own label, and the others have the
//     stream "other" and the type "other".
//   - maxPairs pairs have the label of a type, over all streams. After that a stream
//     that is new has the type "other" for all of its events.
//
// That makes maxPairs + maxStreams + 1 series at most. First come counts, and not most
// used, because a series that went and came back would begin at zero.
const (
	maxTypes   = 25
	maxStreams = 2000
	maxPairs   = 5000
)

// eventCounter counts stored events by stream and type.
type eventCounter struct {
	vector *prometheus.CounterVec

	// mu guards what is below, and is held while a batch is counted: there are a few
	// commits at once, each with many events. The maps have the counters that exist,
	// so that the vector does not have to look labels up.
	mu      sync.Mutex
	streams map[core.ID]*streamCounter
	// pairs is how many pairs have a label of their own.
	pairs int
	// rest counts the streams that have none.
	rest *streamCounter
}

// streamCounter counts the events of one stream.
type streamCounter struct {
	label string
	types map[string]prometheus.Counter
	// rest counts the types that have no label of their own; nil until there is one.
	rest prometheus.Counter
}

func newEventCounter() *eventCounter {
	return &eventCounter{
		vector: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "eventflow_events_stored_total",
			Help: "Events stored, by stream id and type; those beyond a bounded number of streams and types count as 'other'.",
		}, []string{"stream", "type"}),
		streams: map[core.ID]*streamCounter{},
		rest:    &streamCounter{label: other},
	}
}

// count adds the stored entries of a batch; duplicates are no new events.
// Neighbours of one type are added up first, as most batches hold few types.
func (c *eventCounter) count(batch *core.Batch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	run, eventType := 0, ""
	for i := range batch.Entries {
		if batch.Entries[i].Outcome != core.Stored {
			continue
		}
		if batch.Entries[i].Type != eventType && run > 0 {
			c.counter(batch.Stream, eventType).Add(float64(run))
			run = 0
		}
		eventType = batch.Entries[i].Type
		run++
	}
	if run > 0 {
		c.counter(batch.Stream, eventType).Add(float64(run))
	}
}

// counter returns the counter of a stream and type. mu is held.
func (c *eventCounter) counter(id core.ID, eventType string) prometheus.Counter {
	stream := c.stream(id)
	if counter := stream.types[eventType]; counter != nil {
		return counter
	}
	if stream != c.rest && len(stream.types) < maxTypes && c.pairs < maxPairs {
		c.pairs++
		counter := c.vector.WithLabelValues(stream.label, eventType)
		stream.types[eventType] = counter
		return counter
	}
	if stream.rest == nil {
		stream.rest = c.vector.WithLabelValues(stream.label, other)
	}
	return stream.rest
}

// stream returns the counter of a stream, or the one of all others where there are too
// many. mu is held.
func (c *eventCounter) stream(id core.ID) *streamCounter {
	stream := c.streams[id]
	if stream != nil {
		return stream
	}
	if len(c.streams) >= maxStreams {
		return c.rest
	}
	stream = &streamCounter{label: id.String(), types: map[string]prometheus.Counter{}}
	c.streams[id] = stream
	return stream
}
