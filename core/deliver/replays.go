package deliver

import (
	"context"
	"slices"

	"github.com/eventflow-go/eventflow/core"
)

// maxReplayRate bounds a rate. A higher one means the same as none.
const maxReplayRate = 1e6

// ReplayAll starts to give back all parked letters that match a query. A [Replayer]
// does the work, on any node; [Letters.Replayed] says how far it is. Letters that are
// parked after the start do not belong to the replay, so that it has an end.
func (l *Letters) ReplayAll(ctx context.Context, who core.Principal, spec core.ReplaySpec) (core.Replay, error) {
	scan, err := l.replayScan(ctx, who, spec)
	if err != nil {
		return core.Replay{}, err
	}
	total, until, err := l.extent(ctx, who, scan)
	if err != nil {
		return core.Replay{}, core.StoreFailed(err)
	}
	// Letters that others discard or replay from now on make the total too high. The
	// replayer counts them as gone.
	now := l.now.Stamp()
	replay := core.Replay{
		ID: core.RandomID(now), Org: who.Org, Filter: scan.Filter, Streams: who.Streams, Rate: spec.Rate,
		State: core.ReplayRunning, Total: total, Until: until, Revision: 1, CreatedAt: now, UpdatedAt: now,
	}
	if total == 0 { // there is no letter to end at, so no node need look
		replay.State = core.ReplayDone
	}
	if err := l.store.CreateReplay(ctx, replay); err != nil {
		return core.Replay{}, core.StoreFailed(err)
	}
	l.record.Record(ctx, who.Did(core.AuditLettersReplayed, "replay", replay.ID))
	return replay, nil
}

// replayScan checks a replay's description and returns which letters it means.
func (l *Letters) replayScan(ctx context.Context, who core.Principal, spec core.ReplaySpec) (core.LetterScan, error) {
	if spec.Rate < 0 || spec.Rate > maxReplayRate || spec.Rate != spec.Rate {
		return core.LetterScan{}, core.Invalid("rate", "must be 0 (no limit) to %d letters a second", int(maxReplayRate))
	}
	spec.Query.State = core.Parked
	return l.scan(ctx, who, spec.Query, core.ActionWriteLetters)
}

// CountReplay returns how many letters ReplayAll would give back, for people who want
// to know before they start it.
func (l *Letters) CountReplay(ctx context.Context, who core.Principal, spec core.ReplaySpec) (int64, error) {
	scan, err := l.replayScan(ctx, who, spec)
	if err != nil {
		return 0, err
	}
	total, _, err := l.extent(ctx, who, scan)
	return total, core.StoreFailed(err)
}

// extent counts the letters of a scan and returns the id of the newest one.
func (l *Letters) extent(ctx context.Context, who core.Principal, scan core.LetterScan) (total int64, until core.ID, err error) {
	newest := scan
	newest.Backward, newest.Limit = true, 1
	last, err := l.store.DeadLetters(ctx, who.Org, newest)
	if err != nil || len(last) == 0 {
		return 0, core.ID{}, err
	}
	scan.Limit = maxLetterCounts
	counts, err := l.store.CountDeadLetters(ctx, who.Org, scan)
	for _, count := range counts {
		total += count.Count
	}
	return total, last[0].ID, err
}

// Replayed returns how far a replay is. A principal that is narrowed to some streams
// finds only the replays that were started with the same narrowing.
func (l *Letters) Replayed(ctx context.Context, who core.Principal, id string) (core.Replay, error) {
	if err := core.Authorize(l.authorizer, who, core.ActionReadLetters, core.ID{}); err != nil {
		return core.Replay{}, err
	}
	wanted, err := core.ParseID(id)
	if err != nil {
		return core.Replay{}, core.Invalid("id", "%v", err)
	}
	replay, err := l.store.Replay(ctx, who.Org, wanted)
	// Its numbers are of all streams that it covers.
	if err == nil && len(who.Streams) > 0 && !slices.Equal(replay.Streams, who.Streams) {
		err = core.Errorf(core.CodeNotFound, "there is no such replay")
	}
	return replay, core.StoreFailed(err)
}
