package eventlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Retention removes what is beyond the bounds of its stream.
type Retention struct {
	RetentionPorts
	// oldest and weights remember what never changes, so that a sweep over many streams
	// that have nothing to remove reads nothing. Only Sweep uses them, and one Sweep
	// runs at a time.
	oldest  map[core.ID]oldestEvent
	weights map[core.ID]weights
}

// RetentionPorts is what Retention works with.
type RetentionPorts struct {
	Catalog  core.StreamCatalog
	Log      core.EventLog
	Attempts core.Progresses
	Sessions core.Sessions
	// Quarantine is nil where there is none.
	Quarantine core.Quarantine
	// Archive takes old events over, those that were received HotDays ago, where their
	// stream says nothing else. It is nil where there is none.
	Archive core.Tiered
	HotDays int
	// HandedOver is told of what went into the archive. It may be nil.
	HandedOver func(core.HandedOver)
	// Room makes room ahead. It is nil where the storage needs none.
	Room core.Preparer
	// Removed is told of each removal, and Swept of the end of each sweep. They may be
	// nil.
	Removed func(core.Removal)
	Swept   func(Sweep)
	Logger  *slog.Logger
	Now     core.Clock
}

// Sweep is how one look at all streams ended.
type Sweep struct {
	At time.Time
	// Oldest is when the oldest event of all streams was received, zero where there is
	// none.
	Oldest time.Time
	Failed bool
}

// oldestEvent says when the event at an offset was received.
type oldestEvent struct {
	at     core.Offset
	timeOf time.Time
}

// NewRetention returns the use case over its ports.
func NewRetention(ports RetentionPorts) *Retention {
	return &Retention{RetentionPorts: ports, oldest: map[core.ID]oldestEvent{}, weights: map[core.ID]weights{}}
}

// attemptDays is how long failed attempts are remembered. A dead letter has a copy of
// its own attempts, which it keeps.
const attemptDays = 7

// sweepInterval is how often old events are looked for.
const sweepInterval = time.Hour

// sweepAgain is when they are looked for again after a sweep that failed, which may have been
// because a shard was away.
const sweepAgain = 5 * time.Minute

// sweepPage is how many streams are listed at once.
const sweepPage = 1000

// roomAhead is for how long from now on a sweep makes room. It is much more than the
// interval, so that sweeps may fail for a day before an append has to do it.
const roomAhead = 48 * time.Hour

// Run sweeps at once and then every hour, or sooner after a failure, until ctx ends. Several
// servers may run it on one store: trimming what is trimmed does nothing. It tells ran of
// `retention`.
func (r *Retention) Run(ctx context.Context, ran core.Ran) {
	for {
		err := r.Sweep(ctx, r.Now())
		if ctx.Err() != nil {
			return
		}
		pause := sweepInterval
		if err != nil {
			pause = sweepAgain
			r.Logger.Error("retention failed; it will be tried again in five minutes", "error", err)
		}
		ran.Tell("retention", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// Sweep trims every stream once, deleted ones too, makes room for what comes, and
// forgets failed attempts and expired sessions. A stream that fails does not keep the
// others from being trimmed; the error joins all failures. One Sweep runs at a time.
func (r *Retention) Sweep(ctx context.Context, now time.Time) error {
	now = now.UTC()
	err := errors.Join(r.upkeep(ctx, now)...)
	oldest, failed := r.sweepStreams(ctx, now)
	err = errors.Join(err, failed)
	if r.Swept != nil {
		r.Swept(Sweep{At: now, Oldest: oldest, Failed: err != nil})
	}
	return err
}

// upkeep is all that concerns no single stream.
func (r *Retention) upkeep(ctx context.Context, now time.Time) (failures []error) {
	if r.Room != nil {
		if err := r.Room.Prepare(ctx, now, now.Add(roomAhead)); err != nil {
			failures = append(failures, fmt.Errorf("room for the next days: %w", err))
		}
	}
	if err := r.Attempts.ForgetAttempts(ctx, now.AddDate(0, 0, -attemptDays)); err != nil {
		failures = append(failures, fmt.Errorf("failed attempts: %w", err))
	}
	if r.Quarantine != nil {
		if err := r.Quarantine.ForgetQuarantined(ctx, now); err != nil {
			failures = append(failures, fmt.Errorf("quarantine: %w", err))
		}
	}
	if err := r.Sessions.ForgetSessions(ctx, now); err != nil {
		failures = append(failures, fmt.Errorf("expired sessions: %w", err))
	}
	return failures
}

// sweepStreams trims all streams, and says how old the oldest event is that is left.
func (r *Retention) sweepStreams(ctx context.Context, now time.Time) (oldest time.Time, err error) {
	known, weighed := r.oldest, r.weights
	r.oldest, r.weights = map[core.ID]oldestEvent{}, map[core.ID]weights{}
	var failures []error
	away := false
	// By id and not by name: a stream that is renamed meanwhile is not passed over.
	for after := (core.ID{}); ; {
		streams, err := r.Catalog.AllStreams(ctx, after, sweepPage)
		if err != nil {
			return oldest, errors.Join(append(failures, err)...)
		}
		ids := make([]core.ID, len(streams))
		for i := range streams {
			ids[i] = streams[i].ID
			r.oldest[ids[i]], r.weights[ids[i]] = known[ids[i]], weighed[ids[i]]
		}
		bounds, err := r.Log.Bounds(ctx, ids)
		bounds, unknown := core.KnownBounds(bounds, err)
		switch {
		case err != nil && bounds == nil:
			return oldest, errors.Join(append(failures, err)...)
		case err != nil: // the streams of other shards are swept all the same
			failures = append(failures, err)
		}
		for i := range streams {
			if unknown(i) {
				continue
			}
			left, err := r.sweepStream(ctx, &streams[i], bounds[i], now)
			if !away {
				failed := r.handOver(ctx, &streams[i], bounds[i], now)
				away = failed != nil && r.Archive.CheckArchive(ctx) != nil // and would keep each stream waiting
				err = errors.Join(err, failed)
			}
			if err != nil {
				failures = append(failures, fmt.Errorf("stream %s: %w", streams[i].ID, err))
			}
			if oldest.IsZero() || !left.IsZero() && left.Before(oldest) {
				oldest = left
			}
		}
		if len(streams) < sweepPage {
			return oldest, errors.Join(failures...)
		}
		after = ids[len(ids)-1]
	}
}

// sweepStream trims one stream, and returns when its oldest event was received, zero
// where there is none.
func (r *Retention) sweepStream(ctx context.Context, stream *core.Stream, bounds core.Bounds, now time.Time) (oldest time.Time, err error) {
	before, reason, err := r.reach(ctx, stream, bounds, now)
	if err != nil {
		return time.Time{}, err
	}
	oldest, unread := r.oldestOf(ctx, stream.ID, bounds)
	// Where nothing is old enough Trim is called, too: it may have been interrupted.
	if unread == nil && (oldest.IsZero() || !oldest.Before(before)) {
		return oldest, r.Log.Trim(ctx, stream.ID, before)
	}
	removal, err := r.trim(ctx, stream, bounds, before)
	if removal.Events == 0 {
		return oldest, errors.Join(unread, err)
	}
	removal.At, removal.Reason = now, reason
	r.tell(ctx, stream, removal)
	bounds.First = removal.UntilOffset
	oldest, left := r.oldestOf(ctx, stream.ID, bounds)
	return oldest, errors.Join(unread, err, left)
}

// trim removes what was received before a time, and says what that was. Two nodes that
// trim a stream at the very same moment may both count what went. What cannot be read is
// not kept longer for that: it goes, and weighs nothing, and the error tells of it.
func (r *Retention) trim(ctx context.Context, stream *core.Stream, bounds core.Bounds, before time.Time) (core.Removal, error) {
	end, bytes, unread := r.weighUntil(ctx, stream.ID, bounds.First, before)
	if err := r.Log.Trim(ctx, stream.ID, before); err != nil {
		return core.Removal{}, errors.Join(unread, err)
	}
	after, err := r.Log.Bounds(ctx, []core.ID{stream.ID})
	if err != nil {
		return core.Removal{}, errors.Join(unread, err)
	}
	events := int64(after[0].First - bounds.First)
	if unread == nil && end > bounds.First { // the storage may have left a period that was not over
		bytes = int64(float64(bytes) * float64(events) / float64(end-bounds.First))
	}
	return core.Removal{Events: events, ApproximateBytes: bytes, UntilOffset: after[0].First}, unread
}

// weighUntil says where what was received from a time on begins, and what weighs all before.
func (r *Retention) weighUntil(ctx context.Context, stream core.ID, first core.Offset, until time.Time) (end core.Offset, bytes int64, err error) {
	if end, err = r.Log.OffsetAt(ctx, stream, until); err != nil {
		return 0, 0, err
	}
	if bytes, err = weigh(ctx, r.Log, r.Archive, stream, first, end); err != nil {
		return 0, 0, err
	}
	return end, bytes, nil
}

// tell says what was removed, to everybody who wants to know. It is done by then, so
// that a catalog that does not take the note is no failure of retention.
func (r *Retention) tell(ctx context.Context, stream *core.Stream, removal core.Removal) {
	if r.Removed != nil {
		r.Removed(removal)
	}
	r.Logger.Info("retention removed events", "org_id", stream.Org, "stream_id", stream.ID, "reason", removal.Reason,
		"events", removal.Events, "approximate_bytes", removal.ApproximateBytes, "until_offset", removal.UntilOffset)
	if err := r.Catalog.NoteRemoval(ctx, stream.ID, removal); err != nil {
		r.Logger.Warn("what retention removed was not noted; the stream's page shows an earlier removal", "stream_id", stream.ID, "error", err)
	}
}

// oldestOf returns when the oldest event of a stream was received, zero where there is
// none.
func (r *Retention) oldestOf(ctx context.Context, stream core.ID, bounds core.Bounds) (time.Time, error) {
	if bounds.First >= bounds.Next {
		return time.Time{}, nil
	}
	if known := r.oldest[stream]; known.at == bounds.First && !known.timeOf.IsZero() {
		return known.timeOf, nil
	}
	at, err := oldestAt(ctx, r.Log, r.Archive, stream, bounds.First)
	if err == nil && !at.IsZero() {
		r.oldest[stream] = oldestEvent{bounds.First, at}
	}
	return at, err
}

// receivedAt returns when the event at an offset was received, or the first one behind
// it if another node removes events meanwhile. It is zero where there is none.
func receivedAt(ctx context.Context, log core.Reader, stream core.ID, offset core.Offset) (time.Time, error) {
	events, err := log.Read(ctx, stream, core.Scan{From: offset, Limit: 1})
	if err != nil || len(events) == 0 {
		return time.Time{}, err
	}
	return events[0].ReceivedAt, nil
}
