package deliver

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// Letters lets people decide about dead letters: they look at them, give them back to
// their groups, or throw them away.
type Letters struct {
	streams    *eventlog.Streams
	groups     *Groups
	store      core.GroupStore
	turns      *turns
	shares     *eventlog.Shares
	authorizer core.Authorizer
	record     core.Recorder
	now        core.Clock
}

// scan turns a query into a scan: it resolves the names of streams and groups, and
// narrows the scan to the streams that the principal may see.
func (l *Letters) scan(ctx context.Context, who core.Principal, q core.LetterQuery, action core.Action) (core.LetterScan, error) {
	if err := core.Authorize(l.authorizer, who, action, core.ID{}); err != nil {
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
			return scan, core.Invalid("stream", "is required with group, because groups belong to streams")
		}
		return scan, nil
	}
	open, err := l.streams.Open(ctx, who, q.Stream, action)
	if err != nil {
		return scan, err
	}
	scan.Filter.Stream = open.ID
	if q.Group != "" {
		g, err := l.groups.open(ctx, who, q.Stream, q.Group, action)
		if err != nil {
			return scan, err
		}
		scan.Filter.Group = g.ID
	}
	return scan, nil
}

// List returns dead letters in pages, the newest first. A page of large events is a short
// one. A principal that is narrowed to some streams sees the letters of these.
func (l *Letters) List(ctx context.Context, who core.Principal, q core.LetterQuery) (core.Page[core.DeadLetter], error) {
	limit, err := core.PageLimit(q.Limit)
	if err != nil {
		return core.Page[core.DeadLetter]{}, err
	}
	scan, err := l.scan(ctx, who, q, core.ActionReadLetters)
	if err != nil {
		return core.Page[core.DeadLetter]{}, err
	}
	// A cursor is of one query: with another one, it would skip letters in silence.
	scope := fmt.Appendf(nil, "letters %s %v %q %q", who.Org, scan.Filter.Stream, scan.Filter.Group, []string{q.Reason, q.Type, string(q.State)})
	if scan.Before, err = core.ParseIDCursor(scope, q.Cursor); err != nil {
		return core.Page[core.DeadLetter]{}, err
	}
	scan.Backward = true
	size := func(letter *core.DeadLetter) int { return letter.Event.Size() }
	cursor := func(last *core.DeadLetter) string { return core.IDCursor(scope, last.ID) }
	return core.Fill(limit, size, cursor, func(last *core.DeadLetter, limit int) ([]core.DeadLetter, error) {
		if scan.Limit = limit; last != nil {
			scan.Before = last.ID
		}
		letters, err := l.store.DeadLetters(ctx, who.Org, scan)
		return letters, core.StoreFailed(err)
	})
}

// maxLetterCounts bounds how many counts there are: one for each stream, group and
// reason.
const maxLetterCounts = 1000

// Counts returns how many dead letters there are by stream, group and reason, the most
// first.
func (l *Letters) Counts(ctx context.Context, who core.Principal, q core.LetterQuery) ([]core.LetterCount, error) {
	scan, err := l.scan(ctx, who, q, core.ActionReadLetters)
	if err != nil {
		return nil, err
	}
	scan.Limit = maxLetterCounts
	counts, err := l.store.CountDeadLetters(ctx, who.Org, scan)
	return counts, core.StoreFailed(err)
}

// Get returns a dead letter by its id.
func (l *Letters) Get(ctx context.Context, who core.Principal, id string) (core.DeadLetter, error) {
	return l.open(ctx, who, id, core.ActionReadLetters)
}

// open reads a dead letter for a principal that wants to do something with it.
func (l *Letters) open(ctx context.Context, who core.Principal, id string, action core.Action) (core.DeadLetter, error) {
	if err := core.Authorize(l.authorizer, who, action, core.ID{}); err != nil {
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
	// Which stream it is of shows only now. The letters of a stream go with it, and a
	// stream that the principal is not narrowed to is not there either.
	if _, err := l.streams.Open(ctx, who, letter.Stream.String(), action); core.IsNotFound(err) {
		return core.DeadLetter{}, errNoLetter
	} else if err != nil {
		return core.DeadLetter{}, err
	}
	return letter, nil
}

// errReplaying refuses to interfere with a replay: a consumer holds the letter, or is
// about to.
var errReplaying = core.Errorf(core.CodeConflict, "this dead letter is being replayed; wait for the outcome")

// errNoLetter answers for a letter that does not exist, or not any more.
var errNoLetter = core.Errorf(core.CodeNotFound, "there is no such dead letter")

// parked reads a letter that somebody wants to decide about, and refuses one that is
// being replayed. Letters change in the turns of their group only, so the answer holds
// until the turn is stored. The decisions of the turn itself are not in the store yet,
// so they are looked up here: of several callers at the same time, the first decides.
func (t *turn) parked(ctx context.Context, id core.ID) (core.DeadLetter, error) {
	letter, err := t.turns.store.DeadLetter(ctx, t.group.Org, id)
	switch {
	case err != nil:
		return core.DeadLetter{}, core.StoreFailed(err)
	case slices.Contains(t.remove, id):
		return core.DeadLetter{}, errNoLetter
	case letter.State == core.Replaying || t.replays(id):
		return core.DeadLetter{}, errReplaying
	}
	return letter, nil
}

// replays reports whether the turn gives a letter back already.
func (t *turn) replays(id core.ID) bool {
	return slices.ContainsFunc(t.letters, func(l core.DeadLetter) bool { return l.ID == id })
}

// Replay gives a dead letter back to its group, with another payload when one is
// given. The letter stays until a consumer has settled it.
func (l *Letters) Replay(ctx context.Context, who core.Principal, id string, payload json.RawMessage) (core.DeadLetter, error) {
	letter, err := l.open(ctx, who, id, core.ActionWriteLetters)
	if err != nil {
		return core.DeadLetter{}, err
	}
	if payload != nil {
		if err := eventjson.ValidJSON(payload); err != nil {
			return core.DeadLetter{}, core.Under(err, "payload.")
		}
	}
	group, err := groupOf(ctx, l.store, letter)
	if err != nil {
		return core.DeadLetter{}, err
	}
	err = l.turns.do(ctx, group, func(t *turn) error {
		current, err := t.parked(ctx, letter.ID)
		if err != nil {
			return err
		}
		if payload != nil {
			current.Event.Payload = slices.Clone(payload)
		}
		letter = t.replay(current)
		return nil
	})
	if err != nil {
		return core.DeadLetter{}, err
	}
	l.record.Record(ctx, who.Did(core.AuditLettersReplayed, "deadletter", letter.ID))
	return letter, nil
}

// replay puts a letter back into its group and notes that it is on its way.
func (t *turn) replay(letter core.DeadLetter) core.DeadLetter {
	letter.State = core.Replaying
	t.state.replay(&letter, t.now)
	t.letters = append(t.letters, letter)
	t.changed = true
	return letter
}

// groupOf returns the group of a letter, which may have been deleted.
func groupOf(ctx context.Context, store core.Groups, letter core.DeadLetter) (*core.Group, error) {
	groups, err := store.Groups(ctx, letter.Stream)
	if err != nil {
		return nil, core.StoreFailed(err)
	}
	i := slices.IndexFunc(groups, func(g core.Group) bool { return g.ID == letter.Group })
	if i < 0 {
		return nil, errNoGroup
	}
	return &groups[i], nil
}

// Discard throws a dead letter away for good. One that is being replayed is a
// [core.CodeConflict], because its consumer may be about to settle it.
func (l *Letters) Discard(ctx context.Context, who core.Principal, id string) error {
	letter, err := l.open(ctx, who, id, core.ActionWriteLetters)
	if err != nil {
		return err
	}
	group, err := groupOf(ctx, l.store, letter)
	if err != nil {
		return err
	}
	err = l.turns.do(ctx, group, func(t *turn) error {
		if _, err := t.parked(ctx, letter.ID); err != nil {
			return err
		}
		t.remove = append(t.remove, letter.ID)
		t.changed = true
		return nil
	})
	if err != nil {
		return err
	}
	l.record.Record(ctx, who.Did(core.AuditLetterDiscarded, "deadletter", letter.ID))
	return nil
}
