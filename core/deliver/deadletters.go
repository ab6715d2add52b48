package deliver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// Letters is what people do with dead letters: look, give back, throw away.
type Letters struct {
	consumers *Consumers
	store     core.GroupStore
	now       core.Clock
}

// NewLetters returns the use case over the consumers whose letters they are.
func NewLetters(consumers *Consumers) *Letters {
	return &Letters{consumers: consumers, store: consumers.store, now: consumers.now}
}

// scan resolves a query's names.
func (l *Letters) scan(ctx context.Context, who core.Principal, q core.LetterQuery, action core.Action) (core.LetterScan, error) {
	if err := core.Authorize(l.consumers.authorizer, who, action, core.ID{}); err != nil {
		return core.LetterScan{}, err
	}
	scan := core.LetterScan{Filter: core.LetterFilter{Reason: q.Reason, Type: q.Type, State: q.State}, Streams: who.Streams}
	switch q.State {
	case "", core.Parked, core.Replaying:
	default:
		return scan, core.Invalid("state", "must be parked or replaying")
	}
	if q.Stream == "" {
		if q.Group != "" {
			return scan, core.Invalid("stream", "is required where group is given: groups belong to streams")
		}
		return scan, nil
	}
	open, err := l.consumers.streams.Open(ctx, who, q.Stream, action)
	if err != nil {
		return scan, err
	}
	scan.Filter.Stream = open.ID
	if q.Group != "" {
		g, err := l.consumers.open(ctx, who, q.Stream, q.Group, action)
		if err != nil {
			return scan, err
		}
		scan.Filter.Group = g.ID
	}
	return scan, nil
}

// List returns dead letters, newest first.
func (l *Letters) List(ctx context.Context, who core.Principal, q core.LetterQuery) (core.Page[core.DeadLetter], error) {
	limit, err := core.PageLimit(q.Limit)
	if err != nil {
		return core.Page[core.DeadLetter]{}, err
	}
	scan, err := l.scan(ctx, who, q, core.ActionReadLetters)
	if err != nil {
		return core.Page[core.DeadLetter]{}, err
	}
	scope := fmt.Appendf(nil, "letters %s %v %q %q", who.Org, scan.Filter.Stream, scan.Filter.Group, []string{q.Reason, q.Type, string(q.State)})
	if scan.Before, err = core.ParseIDCursor(scope, q.Cursor); err != nil {
		return core.Page[core.DeadLetter]{}, err
	}
	scan.Backward, scan.Limit = true, limit+1
	items, err := l.store.DeadLetters(ctx, who.Org, scan)
	if err != nil {
		return core.Page[core.DeadLetter]{}, core.StoreFailed(err)
	}
	return core.Cut(items, limit, func(last *core.DeadLetter) string { return core.IDCursor(scope, last.ID) }), nil
}

// maxLetterCounts bounds how many reasons are counted apart.
const maxLetterCounts = 1000

// Counts returns how many dead letters there are by stream, group and reason,
// the most first.
func (l *Letters) Counts(ctx context.Context, who core.Principal, q core.LetterQuery) ([]core.LetterCount, error) {
	scan, err := l.scan(ctx, who, q, core.ActionReadLetters)
	if err != nil {
		return nil, err
	}
	scan.Limit = maxLetterCounts
	counts, err := l.store.CountDeadLetters(ctx, who.Org, scan)
	return counts, core.StoreFailed(err)
}

// Get returns a dead letter.
func (l *Letters) Get(ctx context.Context, who core.Principal, id string) (core.DeadLetter, error) {
	return l.open(ctx, who, id, core.ActionReadLetters)
}

func (l *Letters) open(ctx context.Context, who core.Principal, id string, action core.Action) (core.DeadLetter, error) {
	if err := core.Authorize(l.consumers.authorizer, who, action, core.ID{}); err != nil {
		return core.DeadLetter{}, err
	}
	wanted, err := core.ParseID(id)
	if err != nil {
		return core.DeadLetter{}, core.Invalid("id", "%v", err)
	}
	letter, err := l.store.DeadLetter(ctx, who.Org, wanted)
	if err != nil {
		return core.DeadLetter{}, core.StoreFailed(err)
	}
	return letter, core.Authorize(l.consumers.authorizer, who, action, letter.Stream)
}

var errReplaying = core.Errorf(core.CodeConflict, "this dead letter is being replayed; wait for the outcome")

// Replay gives a dead letter back to its group, with another payload when one
// is given.
func (l *Letters) Replay(ctx context.Context, who core.Principal, id string, payload json.RawMessage) (core.DeadLetter, error) {
	letter, err := l.open(ctx, who, id, core.ActionWriteLetters)
	if err != nil {
		return core.DeadLetter{}, err
	}
	if payload != nil {
		if err := eventjson.ValidJSON(payload); err != nil {
			return core.DeadLetter{}, core.Under(err, "payload: ")
		}
	}
	group, err := l.group(ctx, letter)
	if err != nil {
		return core.DeadLetter{}, err
	}
	err = l.consumers.do(ctx, group, func(t *turn) error {
		current, err := l.store.DeadLetter(ctx, who.Org, letter.ID)
		if err != nil {
			return core.StoreFailed(err)
		}
		if current.State == core.Replaying {
			return errReplaying
		}
		if payload != nil {
			current.Event.Payload = slices.Clone(payload)
		}
		letter = t.replay(current)
		return nil
	})
	return letter, err
}

// replay puts a letter back into its group.
func (t *turn) replay(letter core.DeadLetter) core.DeadLetter {
	letter.State = core.Replaying
	t.state.replay(&letter, t.now)
	t.letters = append(t.letters, letter)
	t.changed = true
	return letter
}

// group returns the group of a letter.
func (l *Letters) group(ctx context.Context, letter core.DeadLetter) (*core.Group, error) {
	groups, err := l.store.Groups(ctx, letter.Stream)
	if err != nil {
		return nil, core.StoreFailed(err)
	}
	i := slices.IndexFunc(groups, func(g core.Group) bool { return g.ID == letter.Group })
	if i < 0 {
		return nil, errNoGroup
	}
	return &groups[i], nil
}

// Discard throws a dead letter away.
func (l *Letters) Discard(ctx context.Context, who core.Principal, id string) error {
	letter, err := l.open(ctx, who, id, core.ActionWriteLetters)
	if err != nil {
		return err
	}
	group, err := l.group(ctx, letter)
	if err != nil {
		return err
	}
	return l.consumers.do(ctx, group, func(t *turn) error {
		current, err := l.store.DeadLetter(ctx, who.Org, letter.ID)
		if err != nil {
			return core.StoreFailed(err)
		}
		if current.State == core.Replaying {
			return errReplaying
		}
		t.remove = append(t.remove, letter.ID)
		t.changed = true
		return nil
	})
}

// maxReplayRate bounds a rate: more is the same as unbounded.
const maxReplayRate = 1e6

// ReplayAll starts to give back all parked letters that match. The work goes
// on without the caller; [Letters.Replayed] says how far it is.
func (l *Letters) ReplayAll(ctx context.Context, who core.Principal, spec core.ReplaySpec) (core.Replay, error) {
	scan, err := l.replayScan(ctx, who, spec)
	if err != nil {
		return core.Replay{}, err
	}
	total, until, err := l.extent(ctx, who, scan)
	if err != nil {
		return core.Replay{}, core.StoreFailed(err)
	}
	now := l.now.Stamp()
	replay := core.Replay{
		ID: core.RandomID(now), Org: who.Org, Filter: scan.Filter, Streams: who.Streams, Rate: spec.Rate,
		State: core.ReplayRunning, Total: total, Until: until, Revision: 1, CreatedAt: now, UpdatedAt: now,
	}
	if total == 0 {
		replay.State = core.ReplayDone
	}
	return replay, core.StoreFailed(l.store.CreateReplay(ctx, replay))
}

func (l *Letters) replayScan(ctx context.Context, who core.Principal, spec core.ReplaySpec) (core.LetterScan, error) {
	if spec.Rate < 0 || spec.Rate > maxReplayRate || spec.Rate != spec.Rate {
		return core.LetterScan{}, core.Invalid("rate", "must be 0 (unbounded) to %d letters a second", int(maxReplayRate))
	}
	spec.Query.State = core.Parked
	return l.scan(ctx, who, spec.Query, core.ActionWriteLetters)
}

// CountReplay returns how many letters ReplayAll would give back.
func (l *Letters) CountReplay(ctx context.Context, who core.Principal, spec core.ReplaySpec) (int64, error) {
	scan, err := l.replayScan(ctx, who, spec)
	if err != nil {
		return 0, err
	}
	total, _, err := l.extent(ctx, who, scan)
	return total, core.StoreFailed(err)
}

// extent counts the letters of a scan and returns the newest one.
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

// Replayed returns how far a replay is.
func (l *Letters) Replayed(ctx context.Context, who core.Principal, id string) (core.Replay, error) {
	if err := core.Authorize(l.consumers.authorizer, who, core.ActionReadLetters, core.ID{}); err != nil {
		return core.Replay{}, err
	}
	wanted, err := core.ParseID(id)
	if err != nil {
		return core.Replay{}, core.Invalid("id", "%v", err)
	}
	replay, err := l.store.Replay(ctx, who.Org, wanted)
	if err == nil && len(who.Streams) > 0 && !slices.Equal(replay.Streams, who.Streams) {
		err = core.Errorf(core.CodeNotFound, "there is no such replay")
	}
	return replay, core.StoreFailed(err)
}

// errBusy says that a group has no room for more replays now.
var errBusy = errors.New("the group has as much waiting as it may")
