package core

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Letters is what people do with dead letters: look, give back, throw away.
type Letters struct {
	consumers *Consumers
	store     GroupStore
	now       Clock
}

// NewLetters returns the use case over the consumers whose letters they are.
func NewLetters(consumers *Consumers) *Letters {
	return &Letters{consumers: consumers, store: consumers.store, now: consumers.now}
}

// LetterQuery selects dead letters. Stream and Group are ids or names; a Group
// needs its Stream.
type LetterQuery struct {
	Stream, Group string
	Reason, Type  string
	State         LetterState
	Cursor        string
	Limit         int
}

// scan resolves a query's names.
func (l *Letters) scan(ctx context.Context, who Principal, q LetterQuery, action Action) (LetterScan, error) {
	if err := authorize(l.consumers.streams.authorizer, who, action, ID{}); err != nil {
		return LetterScan{}, err
	}
	scan := LetterScan{Filter: LetterFilter{Reason: q.Reason, Type: q.Type, State: q.State}, Streams: who.Streams}
	switch q.State {
	case "", Parked, Replaying:
	default:
		return scan, Invalid("state", "must be parked or replaying")
	}
	if q.Stream == "" {
		if q.Group != "" {
			return scan, Invalid("stream", "is required where group is given: groups belong to streams")
		}
		return scan, nil
	}
	open, err := l.consumers.streams.open(ctx, who, q.Stream, action)
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
func (l *Letters) List(ctx context.Context, who Principal, q LetterQuery) (Page[DeadLetter], error) {
	limit, err := pageLimit(q.Limit)
	if err != nil {
		return Page[DeadLetter]{}, err
	}
	scan, err := l.scan(ctx, who, q, ActionReadLetters)
	if err != nil {
		return Page[DeadLetter]{}, err
	}
	scope := fmt.Appendf(nil, "letters %s %v %q %q", who.Org, scan.Filter.Stream, scan.Filter.Group, []string{q.Reason, q.Type, string(q.State)})
	if scan.Before, err = parseIDCursor(scope, q.Cursor); err != nil {
		return Page[DeadLetter]{}, err
	}
	scan.Backward, scan.Limit = true, limit+1
	items, err := l.store.DeadLetters(ctx, who.Org, scan)
	if err != nil {
		return Page[DeadLetter]{}, StoreFailed(err)
	}
	return cut(items, limit, func(last *DeadLetter) string { return idCursor(scope, last.ID) }), nil
}

// maxLetterCounts bounds how many reasons are counted apart.
const maxLetterCounts = 1000

// Counts returns how many dead letters there are by stream, group and reason,
// the most first.
func (l *Letters) Counts(ctx context.Context, who Principal, q LetterQuery) ([]LetterCount, error) {
	scan, err := l.scan(ctx, who, q, ActionReadLetters)
	if err != nil {
		return nil, err
	}
	scan.Limit = maxLetterCounts
	counts, err := l.store.CountDeadLetters(ctx, who.Org, scan)
	return counts, StoreFailed(err)
}

// Get returns a dead letter.
func (l *Letters) Get(ctx context.Context, who Principal, id string) (DeadLetter, error) {
	return l.open(ctx, who, id, ActionReadLetters)
}

func (l *Letters) open(ctx context.Context, who Principal, id string, action Action) (DeadLetter, error) {
	if err := authorize(l.consumers.streams.authorizer, who, action, ID{}); err != nil {
		return DeadLetter{}, err
	}
	wanted, err := ParseID(id)
	if err != nil {
		return DeadLetter{}, Invalid("id", "%v", err)
	}
	letter, err := l.store.DeadLetter(ctx, who.Org, wanted)
	if err != nil {
		return DeadLetter{}, StoreFailed(err)
	}
	return letter, authorize(l.consumers.streams.authorizer, who, action, letter.Stream)
}

var errReplaying = Errorf(CodeConflict, "this dead letter is being replayed; wait for the outcome")

// Replay gives a dead letter back to its group, with another payload when one
// is given.
func (l *Letters) Replay(ctx context.Context, who Principal, id string, payload json.RawMessage) (DeadLetter, error) {
	letter, err := l.open(ctx, who, id, ActionWriteLetters)
	if err != nil {
		return DeadLetter{}, err
	}
	if payload != nil {
		if err := ValidJSON(payload); err != nil {
			return DeadLetter{}, Under(err, "payload: ")
		}
	}
	group, err := l.group(ctx, letter)
	if err != nil {
		return DeadLetter{}, err
	}
	err = l.consumers.do(ctx, group, func(t *turn) error {
		current, err := l.store.DeadLetter(ctx, who.Org, letter.ID)
		if err != nil {
			return StoreFailed(err)
		}
		if current.State == Replaying {
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
func (t *turn) replay(letter DeadLetter) DeadLetter {
	letter.State = Replaying
	t.state.replay(&letter, t.now)
	t.letters = append(t.letters, letter)
	t.changed = true
	return letter
}

// group returns the group of a letter.
func (l *Letters) group(ctx context.Context, letter DeadLetter) (*Group, error) {
	groups, err := l.store.Groups(ctx, letter.Stream)
	if err != nil {
		return nil, StoreFailed(err)
	}
	i := slices.IndexFunc(groups, func(g Group) bool { return g.ID == letter.Group })
	if i < 0 {
		return nil, errNoGroup
	}
	return &groups[i], nil
}

// Discard throws a dead letter away.
func (l *Letters) Discard(ctx context.Context, who Principal, id string) error {
	letter, err := l.open(ctx, who, id, ActionWriteLetters)
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
			return StoreFailed(err)
		}
		if current.State == Replaying {
			return errReplaying
		}
		t.remove = append(t.remove, letter.ID)
		t.changed = true
		return nil
	})
}

// ReplaySpec says which dead letters to give back, and how fast.
type ReplaySpec struct {
	Query LetterQuery
	// Rate is how many letters a second are given back at most; 0 is unbounded.
	Rate float64
}

// maxReplayRate bounds a rate: more is the same as unbounded.
const maxReplayRate = 1e6

// ReplayAll starts to give back all parked letters that match. The work goes
// on without the caller; [Letters.Replayed] says how far it is.
func (l *Letters) ReplayAll(ctx context.Context, who Principal, spec ReplaySpec) (Replay, error) {
	scan, err := l.replayScan(ctx, who, spec)
	if err != nil {
		return Replay{}, err
	}
	total, until, err := l.extent(ctx, who, scan)
	if err != nil {
		return Replay{}, StoreFailed(err)
	}
	now := l.now.Stamp()
	replay := Replay{
		ID: newID(now), Org: who.Org, Filter: scan.Filter, Streams: who.Streams, Rate: spec.Rate,
		State: ReplayRunning, Total: total, Until: until, Revision: 1, CreatedAt: now, UpdatedAt: now,
	}
	if total == 0 {
		replay.State = ReplayDone
	}
	return replay, StoreFailed(l.store.CreateReplay(ctx, replay))
}

func (l *Letters) replayScan(ctx context.Context, who Principal, spec ReplaySpec) (LetterScan, error) {
	if spec.Rate < 0 || spec.Rate > maxReplayRate || spec.Rate != spec.Rate {
		return LetterScan{}, Invalid("rate", "must be 0 (unbounded) to %d letters a second", int(maxReplayRate))
	}
	spec.Query.State = Parked
	return l.scan(ctx, who, spec.Query, ActionWriteLetters)
}

// CountReplay returns how many letters ReplayAll would give back.
func (l *Letters) CountReplay(ctx context.Context, who Principal, spec ReplaySpec) (int64, error) {
	scan, err := l.replayScan(ctx, who, spec)
	if err != nil {
		return 0, err
	}
	total, _, err := l.extent(ctx, who, scan)
	return total, StoreFailed(err)
}

// extent counts the letters of a scan and returns the newest one.
func (l *Letters) extent(ctx context.Context, who Principal, scan LetterScan) (total int64, until ID, err error) {
	newest := scan
	newest.Backward, newest.Limit = true, 1
	last, err := l.store.DeadLetters(ctx, who.Org, newest)
	if err != nil || len(last) == 0 {
		return 0, ID{}, err
	}
	scan.Limit = maxLetterCounts
	counts, err := l.store.CountDeadLetters(ctx, who.Org, scan)
	for _, count := range counts {
		total += count.Count
	}
	return total, last[0].ID, err
}

// Replayed returns how far a replay is.
func (l *Letters) Replayed(ctx context.Context, who Principal, id string) (Replay, error) {
	if err := authorize(l.consumers.streams.authorizer, who, ActionReadLetters, ID{}); err != nil {
		return Replay{}, err
	}
	wanted, err := ParseID(id)
	if err != nil {
		return Replay{}, Invalid("id", "%v", err)
	}
	replay, err := l.store.Replay(ctx, who.Org, wanted)
	if err == nil && len(who.Streams) > 0 && !slices.Equal(replay.Streams, who.Streams) {
		err = Errorf(CodeNotFound, "there is no such replay")
	}
	return replay, StoreFailed(err)
}

// errBusy says that a group has no room for more replays now.
var errBusy = errors.New("the group has as much waiting as it may")
