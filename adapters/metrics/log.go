package metrics

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eventflow-go/eventflow/core"
)

// Log returns log with its appends and reads measured. Whoever uses it does not
// know, and the log does not, either.
func (m *Metrics) Log(log core.EventLog) core.EventLog {
	sharded, _ := log.(core.Sharded)
	return &measured{EventLog: log, sharded: sharded, metrics: m}
}

type measured struct {
	core.EventLog
	sharded core.Sharded // nil: one shard
	metrics *Metrics
}

// Append implements core.Appender.
func (l *measured) Append(ctx context.Context, at time.Time, batches []core.Batch) error {
	started := time.Now()
	err := l.EventLog.Append(ctx, at, batches)
	l.metrics.appends.WithLabelValues(l.shardOf(ctx, batches)).Observe(time.Since(started).Seconds())
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

// shardOf is the number of the shard that an append goes to.
func (l *measured) shardOf(ctx context.Context, batches []core.Batch) string {
	if l.sharded == nil || len(batches) == 0 {
		return "0"
	}
	shard, err := l.sharded.ShardOf(ctx, batches[0].Stream)
	if err != nil {
		return "unknown"
	}
	return strconv.Itoa(shard)
}

// The reasons of failures that have no code.
const (
	reasonClock   = "clock"
	reasonUnknown = "unknown_outcome"
)

// newFailures returns the failures of appends, none of each reason so far: without the
// zero nobody could tell by how much the first failure has raised them.
func newFailures() *prometheus.CounterVec {
	failures := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "eventflow_append_failures_total", Help: "Group commits that failed, by reason.",
	}, []string{"reason"})
	for _, reason := range []string{reasonClock, reasonUnknown, string(core.CodeInternal), string(core.CodeStorageFull), string(core.CodeUnavailable)} {
		failures.WithLabelValues(reason)
	}
	return failures
}

// reason is the label of a failure. There are few of them, whatever goes wrong:
// the text of an error would make a series for each.
func reason(err error) string {
	var behind *core.ClockError
	switch {
	case errors.As(err, &behind):
		return reasonClock
	case errors.Is(err, core.ErrUnknownOutcome):
		return reasonUnknown
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
