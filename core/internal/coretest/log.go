package coretest

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// WatchedLog is a log that counts how often it is asked. It shows no event while it is
// Blind, and takes its time to say how far streams reach while it is Slow, and to show
// events while it is SlowReading. The shard of one stream may be Away.
type WatchedLog struct {
	core.EventLog
	Reads, Asked atomic.Int64
	Blind        atomic.Bool
	// Slow and SlowReading are in nanoseconds.
	Slow, SlowReading atomic.Int64
	Away              atomic.Pointer[core.ID]
}

// Read implements [core.Reader].
func (l *WatchedLog) Read(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
	l.Reads.Add(1)
	if l.Blind.Load() {
		return nil, ErrBroken
	}
	time.Sleep(time.Duration(l.SlowReading.Load()))
	return l.EventLog.Read(ctx, stream, scan)
}

// Bounds implements [core.Reader].
func (l *WatchedLog) Bounds(ctx context.Context, streams []core.ID) ([]core.Bounds, error) {
	l.Asked.Add(1)
	select {
	case <-time.After(time.Duration(l.Slow.Load())):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	bounds, err := l.EventLog.Bounds(ctx, streams)
	away := l.Away.Load()
	if err != nil || away == nil || !slices.Contains(streams, *away) {
		return bounds, err
	}
	part := &core.BoundsError{Bounds: bounds, Unknown: make([]bool, len(streams)), Err: core.Unavailable(ErrBroken, time.Second, "its shard is away")}
	for i, stream := range streams {
		if part.Unknown[i] = stream == *away; part.Unknown[i] {
			part.Bounds[i] = core.Bounds{}
		}
	}
	return nil, part
}
