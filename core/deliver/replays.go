package deliver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// ReplayAll starts to give back all parked letters that match a query. A [Replayer]
// does the work, on any node; [Letters.Replayed] says how far it is. Letters that are
// parked after the start do not belong to the replay, so that it has an end.
func (l *Letters) ReplayAll(ctx context.Context, who core.Principal, spec core.ReplaySpec) (core.Replay, error) {
	scan, err := l.replayScan(ctx, who, spec)
	if err != nil {
		return core.Replay{}, err
	}
	if err := l.admit(ctx, who, scan.Filter); err != nil {
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
		ID: core.RandomID(now), Org: who.Org, Cursor: scan.After, Filter: scan.Filter, Streams: who.Streams, Rate: spec.Rate, CreatedBy: who.Creator(),
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

// admit refuses a replay when enough of its organization or its group are running. Nodes
// that are asked at the same moment may each let one through.
func (l *Letters) admit(ctx context.Context, who core.Principal, filter core.LetterFilter) error {
	allowed, err := l.shares.Allowed(ctx, who.Org)
	if err != nil {
		return err
	}
	most := int(min(allowed.Replays, core.MaxPageSize))
	running, err := l.store.Replays(ctx, who.Org, core.ReplayScan{State: core.ReplayRunning, Limit: most})
	if err != nil {
		return core.StoreFailed(err)
	}
	if len(running) >= most {
		return core.ShareUsed(core.ShareReplays, "organization", time.Minute)
	}
	same := 0
	for i := range running {
		if running[i].Filter.Stream == filter.Stream && running[i].Filter.Group == filter.Group {
			same++
		}
	}
	if same >= core.MaxGroupReplays {
		return core.ShareUsed(core.ShareReplays, "group", time.Minute)
	}
	return nil
}

// replayScan checks a replay's description and returns which letters it means.
func (l *Letters) replayScan(ctx context.Context, who core.Principal, spec core.ReplaySpec) (core.LetterScan, error) {
	if spec.Rate != 0 && !(spec.Rate >= core.MinReplayRate && spec.Rate <= core.MaxReplayRate) {
		return core.LetterScan{}, core.Invalid("rate", "must be %v to %d letters a second, or 0 for no limit", core.MinReplayRate, int(core.MaxReplayRate))
	}
	spec.Query.State = core.Parked
	scan, err := l.scan(ctx, who, spec.Query, core.ActionWriteLetters)
	if !spec.Since.IsZero() {
		scan.After = core.OldestID(spec.Since)
	}
	return scan, err
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
	return l.openReplay(ctx, who, id, core.ActionReadLetters)
}

func (l *Letters) openReplay(ctx context.Context, who core.Principal, id string, action core.Action) (core.Replay, error) {
	if err := core.Authorize(l.authorizer, who, action, core.ID{}); err != nil {
		return core.Replay{}, err
	}
	wanted, err := core.ParseID(id)
	if err != nil {
		return core.Replay{}, core.Invalid("id", "%v", err)
	}
	replay, err := l.store.Replay(ctx, who.Org, wanted)
	if err == nil && !seesReplay(who, &replay) {
		err = core.Errorf(core.CodeNotFound, "there is no such replay")
	}
	return replay, core.StoreFailed(err)
}

// seesReplay reports whether a principal may know of a replay, whose numbers are of all
// streams that it covers.
func seesReplay(who core.Principal, replay *core.Replay) bool {
	return len(who.Streams) == 0 || slices.Equal(replay.Streams, who.Streams)
}

// Replays returns the replays of an organization in pages, the newest first. A principal
// that is narrowed to some streams gets shorter pages, of those that it would find.
func (l *Letters) Replays(ctx context.Context, who core.Principal, q core.ReplayQuery) (core.Page[core.Replay], error) {
	var none core.Page[core.Replay]
	if err := core.Authorize(l.authorizer, who, core.ActionReadLetters, core.ID{}); err != nil {
		return none, err
	}
	limit, err := core.PageLimit(q.Limit)
	if err != nil {
		return none, err
	}
	switch q.State {
	case "", core.ReplayRunning, core.ReplayDone, core.ReplayFailed, core.ReplayStopped:
	default:
		return none, core.Invalid("state", "must be running, done, failed or stopped")
	}
	scope := fmt.Appendf(nil, "replays %s %q", who.Org, q.State)
	scan := core.ReplayScan{State: q.State, Limit: limit + 1}
	if scan.Before, err = core.ParseIDCursor(scope, q.Cursor); err != nil {
		return none, err
	}
	items, err := l.store.Replays(ctx, who.Org, scan)
	if err != nil {
		return none, core.StoreFailed(err)
	}
	page := core.Cut(items, limit, func(last *core.Replay) string { return core.IDCursor(scope, last.ID) })
	page.Items = slices.DeleteFunc(page.Items, func(r core.Replay) bool { return !seesReplay(who, &r) })
	return page, nil
}

// Stop ends a replay. What is on its way to the group already comes; the other letters
// stay parked. A replay that has ended stays as it is.
func (l *Letters) Stop(ctx context.Context, who core.Principal, id string) (core.Replay, error) {
	replay, err := stopReplay(ctx, l.store, l.now, "", func() (core.Replay, error) { return l.openReplay(ctx, who, id, core.ActionWriteLetters) })
	if errors.Is(err, errEnded) {
		return l.openReplay(ctx, who, id, core.ActionWriteLetters)
	}
	if err == nil {
		l.record.Record(ctx, who.Did(core.AuditReplayStopped, "replay", replay.ID))
	}
	return replay, err
}

// errEnded says that there is nothing to stop.
var errEnded = errors.New("the replay has ended")
