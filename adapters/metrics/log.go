package metrics

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eventflow-go/eventflow/core"
)

// Log returns log with its appends and reads measured. Whoever uses it does not
// know, and the log does not, either.
func (m *Metrics) Log(log core.EventLog) core.EventLog { return &measured{EventLog: log, metrics: m} }

type measured struct {
	core.EventLog
	metrics *Metrics
}

// Append implements core.Appender.
func (l *measured) Append(ctx context.Context, at time.Time, batches []core.Batch) error {
	started := time.Now()
	err := l.EventLog.Append(ctx, at, batches)
	l.metrics.appends.Observe(time.Since(started).Seconds())
	if err != nil {
		l.metrics.failures.WithLabelValues(reason(err)).Inc()
		return err
	}
	total := 0
	for i := range batches {
		total += len(batches[i].Entries)
		l.metrics.events.count(&batches[i])
	}
	l.metrics.group.Observe(float64(total))
	return nil
}

// reason is the label of a failure. There are few of them, whatever goes wrong:
// the text of an error would make a series for each.
func reason(err error) string {
	var behind *core.ClockError
	switch {
	case errors.As(err, &behind):
		return "clock"
	case errors.Is(err, core.ErrUnknownOutcome):
		return "unknown_outcome"
	}
	return string(core.CodeOf(err))
}

// Read implements core.Reader.
func (l *measured) Read(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
	started := time.Now()
	events, err := l.EventLog.Read(ctx, stream, scan)
	l.metrics.reads.Observe(time.Since(started).Seconds())
	return events, err
}

// maxSeries bounds the pairs of stream and type that are counted apart. Types are
// the producers' words: they must not be able to fill the memory of this server,
// nor of Prometheus.
const maxSeries = 2000

// eventCounter counts stored events by stream and type.
type eventCounter struct {
	vector *prometheus.CounterVec

	// mu guards series, and is held while a batch is counted: there are a few
	// commits at once, each with many events. series has the counters that exist,
	// at most maxSeries, so that the vector does not have to look labels up. None
	// is removed: a counter that went and came back would begin at zero.
	mu     sync.Mutex
	series map[seriesKey]prometheus.Counter
}

type seriesKey struct {
	stream    core.ID
	eventType string
}

func newEventCounter() *eventCounter {
	return &eventCounter{
		vector: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "eventflow_events_stored_total", Help: "Events stored, by stream id and type; the rarest streams and types count as 'other'.",
		}, []string{"stream", "type"}),
		series: map[seriesKey]prometheus.Counter{},
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

// counter returns the counter of a stream and type, or the one of all others where
// there are too many. mu is held.
func (c *eventCounter) counter(stream core.ID, eventType string) prometheus.Counter {
	key := seriesKey{stream, eventType}
	counter := c.series[key]
	if counter != nil {
		return counter
	}
	if len(c.series) >= maxSeries {
		return c.vector.WithLabelValues("other", "other")
	}
	counter = c.vector.WithLabelValues(stream.String(), eventType)
	c.series[key] = counter
	return counter
}
