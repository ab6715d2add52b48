package deliver

import (
	"bytes"
	"context"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// turn is one step in the making. It belongs to the goroutine that leads the lane and
// is thrown away when the step is stored, or when another node was faster.
type turn struct {
	turns *turns
	lane  *lane
	group *core.Group
	// now is the one time of the whole step.
	now time.Time
	// state is a copy of the lane's, and takes its place when the step is stored.
	// Until then the lane's state is the stored one.
	state *groupState
	// changed says that there is something to store.
	changed bool
	// asked says that this turn has asked how far the stream reaches. All polls of a
	// turn share the answer.
	asked bool
	// ended, letters and remove are stored together with the state.
	ended   []ended
	letters []core.DeadLetter
	remove  []core.ID
}

// apply makes the changes, after it has taken back the leases that have expired. Among
// several ops, one that fails leaves nothing behind: the turn goes back to its state
// before. A lone op is spared the copy, because ops check before they change anything.
func (t *turn) apply(ops []*op) {
	t.ended = t.state.expire(t.now, t.group, t.turns.random)
	t.changed = len(t.ended) > 0
	for _, one := range ops {
		before := *t
		if len(ops) > 1 {
			before.state = t.state.clone()
		}
		if one.err = one.run(t); one.err == nil {
			continue
		}
		if len(ops) > 1 {
			*t = before
		}
		t.changed = before.changed
	}
}

// commit stores the step. It reports false when another node was faster, so that the
// turn must be made anew.
func (t *turn) commit(ctx context.Context) (moved bool, err error) {
	if !t.changed {
		return true, nil
	}
	step, err := t.step(core.ContextWithOrganization(ctx, t.group.Org))
	if err != nil {
		return false, err
	}
	l := t.lane
	err = t.turns.store.Advance(ctx, t.group.ID, step)
	switch core.CodeOf(err) {
	case "":
		l.state, l.revision = t.state, step.Revision
		return true, nil
	case core.CodePreconditionFailed:
		l.state = nil
		return false, nil
	case core.CodeNotFound:
		l.state = nil
		return false, errNoGroup
	}
	l.state = nil
	return t.look(ctx, step, err)
}

// look finds out whether a step was made whose answer was lost. The stored state
// tells: leases have random ids, so no other node's step looks the same.
func (t *turn) look(ctx context.Context, step core.Step, cause error) (moved bool, err error) {
	stored, err := t.turns.store.Progress(ctx, t.group.ID)
	if err == nil && stored.Revision == step.Revision && bytes.Equal(stored.State, step.State) {
		return true, nil
	}
	return false, core.StoreFailed(cause)
}

// step returns the change to be stored: the state, with the attempts that are over and
// the dead letters that come of them.
func (t *turn) step(ctx context.Context) (core.Step, error) {
	step := core.Step{Letters: t.letters, Remove: t.remove}
	for _, one := range t.ended {
		step.Attempts = append(step.Attempts, one.attempt())
		if !one.park {
			if one.outcome == core.Skipped && !one.ofLog() {
				step.Remove = append(step.Remove, one.Letter)
			}
			continue
		}
		parked, err := t.park(ctx, one)
		if err != nil {
			return core.Step{}, core.StoreFailed(err)
		}
		step.Letters = append(step.Letters, parked...)
	}
	// Parking may count events as missed, so the state is encoded last.
	step.Progress = core.Progress{Revision: t.lane.revision + 1, State: t.state.encode()}
	return step, nil
}

// attempt returns the attempt as the store remembers it.
func (e ended) attempt() core.Attempt {
	return core.Attempt{From: e.From, To: e.To, Number: e.Attempts, At: e.at.UTC(), Outcome: e.outcome, Reason: e.reason}
}

// bounds returns how far the stream reaches. head is its end as far as the caller
// knows. The log is asked only when nothing new is known to be there, or when the last
// answer is old enough for retention to have moved the beginning.
func (t *turn) bounds(ctx context.Context, head core.Offset) (core.Bounds, error) {
	l := t.lane
	l.reach.Next = max(l.reach.Next, head)
	age := t.now.Sub(l.reachAt)
	if t.asked || age >= 0 && age < eventlog.RecheckInterval && l.reach.Next > t.state.Next {
		return l.reach, nil
	}
	bounds, err := t.turns.log.Bounds(ctx, []core.ID{t.group.Stream})
	if err != nil {
		return core.Bounds{}, core.StoreFailed(err)
	}
	l.reach, l.reachAt, t.asked = bounds[0], t.now, true
	return l.reach, nil
}
