package otel

import (
	"context"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Log returns log with spans for what it does on behalf of requests that are followed.
func (t *Telemetry) Log(log core.EventLog) core.EventLog {
	if t.provider == nil {
		return log
	}
	return &tracedLog{EventLog: log, telemetry: t}
}

type tracedLog struct {
	core.EventLog
	telemetry *Telemetry
}

// Append implements [core.Appender].
func (l *tracedLog) Append(ctx context.Context, at time.Time, batches []core.Batch) error {
	ctx, span := l.telemetry.begin(ctx, "commit group")
	if span == nil {
		return l.EventLog.Append(ctx, at, batches)
	}
	events, streams := 0, map[core.ID]struct{}{}
	for i := range batches {
		events += len(batches[i].Entries)
		streams[batches[i].Stream] = struct{}{}
	}
	span.SetAttributes(keyBatches.Int(len(batches)), keyEvents.Int(events), keyStreams.Int(len(streams)))
	err := l.EventLog.Append(ctx, at, batches)
	end(span, err)
	return err
}

// Read implements [core.Reader].
func (l *tracedLog) Read(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
	return read(ctx, l.telemetry, func(ctx context.Context) ([]core.Event, error) { return l.EventLog.Read(ctx, stream, scan) })
}

// ReadAll implements [core.Reader].
func (l *tracedLog) ReadAll(ctx context.Context, org core.ID, scan core.AllScan) ([]core.Event, error) {
	return read(ctx, l.telemetry, func(ctx context.Context) ([]core.Event, error) { return l.EventLog.ReadAll(ctx, org, scan) })
}

func read(ctx context.Context, t *Telemetry, read func(context.Context) ([]core.Event, error)) ([]core.Event, error) {
	ctx, span := t.child(ctx, "read events")
	events, err := read(ctx)
	if span != nil {
		span.SetAttributes(keyEvents.Int(len(events)))
		end(span, err)
	}
	return events, err
}
