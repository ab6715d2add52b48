package deliver

import (
	"bytes"
	"context"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// A group's lane makes the steps of its progress, one after the other. What
// many consumers ask for at the same time becomes one step: like the group
// commit of the log, this costs nothing when idle and one write when busy. The
// state is kept between steps; that of another node shows when a step is
// refused, or when there is nothing to do, and is read then.

// turn is one step in the making.
type turn struct {
	consumers *Consumers
	lane      *groupLane
	group     *core.Group
	now       time.Time
	state     *groupState
	// changed: there is something to be stored.
	changed bool
	// asked: how far the stream reaches was asked in this turn.
	asked   bool
	ended   []ended
	letters []core.DeadLetter
	remove  []core.ID
}

type groupLane struct {
	mu    sync.Mutex
	queue []*groupOp
	busy  bool

	// What follows belongs to whoever is busy.
	state    *groupState // nil: not known
	revision int64
	// reach is how far the stream went when it was last asked, at reachAt.
	reach   core.Bounds
	reachAt time.Time
}

// groupOp is something to be done in a turn, and its answer.
type groupOp struct {
	apply func(*turn) error
	err   error
	done  chan struct{}
}

// laneTimeout bounds one round of a lane's work.
const laneTimeout = 15 * time.Second

// maxLanes bounds the states that are kept.
const maxLanes = 20_000

func (c *Consumers) lane(group core.ID) *groupLane {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.lanes[group]
	if l == nil {
		if len(c.lanes) >= maxLanes {
			c.evictLanes()
		}
		l = &groupLane{}
		c.lanes[group] = l
	}
	return l
}

// evictLanes makes room by forgetting lanes that have nothing to do.
func (c *Consumers) evictLanes() {
	room := maxLanes / 8
	for id, l := range c.lanes {
		l.mu.Lock()
		idle := !l.busy
		l.mu.Unlock()
		if idle {
			delete(c.lanes, id)
			room--
		}
		if room == 0 {
			return
		}
	}
}

// do applies a change to a group's progress and returns when it is durable.
// The change may be applied more than once, each time to another state.
func (c *Consumers) do(ctx context.Context, g *core.Group, apply func(*turn) error) error {
	if err := ctx.Err(); err != nil {
		return core.Unavailable(err, time.Second, "the request took too long; try again")
	}
	op := &groupOp{apply: apply, done: make(chan struct{})}
	l := c.lane(g.ID)
	l.mu.Lock()
	l.queue = append(l.queue, op)
	if !l.busy {
		l.busy = true
		go c.lead(g, l)
	}
	l.mu.Unlock()
	<-op.done
	return op.err
}

// lead works until the queue is empty.
func (c *Consumers) lead(g *core.Group, l *groupLane) {
	for {
		l.mu.Lock()
		ops := l.queue
		l.queue = nil
		if len(ops) == 0 {
			l.busy = false
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
		c.round(g, l, ops)
		for _, op := range ops {
			close(op.done)
		}
	}
}

// laneRounds bounds how often a step is made anew because another node was
// faster.
const laneRounds = 20

// round makes one step of all ops, or fails them all.
func (c *Consumers) round(g *core.Group, l *groupLane, ops []*groupOp) {
	// The group was found for its organization: what is stored of it needs no
	// second look, which would cost each step as much as the step.
	ctx, cancel := context.WithTimeout(context.Background(), laneTimeout)
	defer cancel()
	for range laneRounds {
		fresh := l.state == nil
		if fresh {
			if err := c.load(ctx, g, l); err != nil {
				failOps(ops, err)
				return
			}
		}
		t := &turn{consumers: c, lane: l, group: g, now: c.now.Stamp(), state: l.state.clone()}
		t.apply(ops)
		if !t.changed && !fresh {
			// Nothing will be stored that would show whether the state is current,
			// and it could be that only this node's says no.
			l.state = nil
			continue
		}
		moved, err := c.commit(ctx, t)
		if err != nil {
			failOps(ops, err)
			return
		}
		if moved {
			return
		}
	}
	failOps(ops, core.Unavailable(nil, time.Second, "other nodes change this group too fast; try again"))
}

func failOps(ops []*groupOp, err error) {
	for _, op := range ops {
		op.err = err
	}
}

func (c *Consumers) load(ctx context.Context, g *core.Group, l *groupLane) error {
	progress, err := c.store.Progress(ctx, g.ID)
	if core.IsNotFound(err) {
		return errNoGroup
	}
	if err != nil {
		return core.StoreFailed(err)
	}
	state, err := openState(progress.State)
	if err != nil {
		return err
	}
	l.state, l.revision = state, progress.Revision
	return nil
}

// apply makes the changes, each on a copy so that one that fails leaves
// nothing.
func (t *turn) apply(ops []*groupOp) {
	t.ended = t.state.expire(t.now, t.group, t.consumers.random)
	t.changed = len(t.ended) > 0
	for _, op := range ops {
		before := *t
		if len(ops) > 1 {
			before.state = t.state.clone()
		}
		if op.err = op.apply(t); op.err == nil {
			continue
		}
		if len(ops) > 1 {
			*t = before
		}
		t.changed = before.changed
	}
}

// commit stores a turn's step. It reports false when another node was faster,
// so that the turn must be made anew.
func (c *Consumers) commit(ctx context.Context, t *turn) (moved bool, err error) {
	if !t.changed {
		return true, nil
	}
	step, err := t.step(core.ContextWithOrganization(ctx, t.group.Org))
	if err != nil {
		return false, err
	}
	l := t.lane
	err = c.store.Advance(ctx, t.group.ID, step)
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
	return c.look(ctx, t, step, err)
}

// look finds out what became of a step whose outcome is unknown.
func (c *Consumers) look(ctx context.Context, t *turn, step core.Step, cause error) (moved bool, err error) {
	stored, err := c.store.Progress(ctx, t.group.ID)
	if err == nil && stored.Revision == step.Revision && bytes.Equal(stored.State, step.State) {
		return true, nil
	}
	return false, core.StoreFailed(cause)
}

var errNoGroup = core.Errorf(core.CodeNotFound, "there is no such consumer group")

// step is what the turn stores: the state, and what became of failed attempts.
func (t *turn) step(ctx context.Context) (core.Step, error) {
	step := core.Step{Letters: t.letters, Remove: t.remove}
	for _, one := range t.ended {
		step.Attempts = append(step.Attempts, one.attempt())
		if !one.park {
			if one.outcome == core.Skipped && !one.Letter.IsZero() {
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
	step.Progress = core.Progress{Revision: t.lane.revision + 1, State: t.state.encode()}
	return step, nil
}

func (e ended) attempt() core.Attempt {
	return core.Attempt{From: e.From, To: e.To, Number: e.Attempts, At: e.at.UTC(), Outcome: e.outcome, Reason: e.reason}
}

// park makes dead letters of a span. Events that retention has removed cannot
// become letters; they count as missed.
func (t *turn) park(ctx context.Context, one ended) ([]core.DeadLetter, error) {
	c := t.consumers
	if !one.Letter.IsZero() {
		return t.parkAgain(ctx, one)
	}
	var all []core.DeadLetter
	for from := one.From; from < one.To; {
		events, err := c.log.Read(ctx, t.group.Stream, core.Scan{From: from, To: one.To, Limit: core.MaxPageSize, Bytes: core.PageBytes})
		if err != nil {
			return nil, err
		}
		next := one.To
		if core.Full(events, core.MaxPageSize, core.PageBytes) {
			next = events[len(events)-1].Offset + 1
		}
		t.state.Missed += int64(next-from) - int64(len(events))
		from = next
		for _, event := range events {
			letter, err := t.letter(ctx, event, one)
			if err != nil {
				return nil, err
			}
			all = append(all, letter)
		}
	}
	return all, nil
}

func (t *turn) letter(ctx context.Context, event core.Event, one ended) (core.DeadLetter, error) {
	var history []core.Attempt
	var err error
	if one.Attempts > 1 {
		history, err = t.consumers.store.Attempts(ctx, t.group.ID, event.Offset)
	}
	return core.DeadLetter{
		ID: core.RandomID(t.now), Org: t.group.Org, Stream: t.group.Stream, Group: t.group.ID, Event: event, State: core.Parked,
		Reason: one.reason, Attempts: lastAttempts(append(history, one.attempt())), ParkedAt: t.now,
	}, err
}

// maxAttemptsKept bounds the history that a letter carries.
const maxAttemptsKept = 200

func lastAttempts(all []core.Attempt) []core.Attempt { return all[max(len(all)-maxAttemptsKept, 0):] }

// parkAgain parks a letter whose replay failed.
func (t *turn) parkAgain(ctx context.Context, one ended) ([]core.DeadLetter, error) {
	letter, err := t.consumers.store.DeadLetter(ctx, t.group.Org, one.Letter)
	if core.IsNotFound(err) {
		return nil, nil
	}
	letter.State, letter.Reason, letter.ParkedAt = core.Parked, one.reason, t.now
	letter.Attempts = lastAttempts(append(letter.Attempts, one.attempt()))
	return []core.DeadLetter{letter}, err
}

// bounds returns how far the stream reaches, asking the log when what is known
// leaves nothing to hand out, or is old.
func (t *turn) bounds(ctx context.Context, head core.Offset) (core.Bounds, error) {
	l := t.lane
	l.reach.Next = max(l.reach.Next, head)
	age := t.now.Sub(l.reachAt)
	if t.asked || age >= 0 && age < eventlog.RecheckInterval && l.reach.Next > t.state.Next {
		return l.reach, nil
	}
	bounds, err := t.consumers.log.Bounds(ctx, []core.ID{t.group.Stream})
	if err != nil {
		return core.Bounds{}, core.StoreFailed(err)
	}
	l.reach, l.reachAt, t.asked = bounds[0], t.now, true
	return l.reach, nil
}
