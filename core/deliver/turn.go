package deliver

import (
	"bytes"
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// Turns makes the steps of groups' progress, those of one group one after the
// other. What many consumers ask for at the same time becomes one step: like the
// group commit of the log, this costs nothing when idle and one write when busy.
//
// The state is kept between steps. A step of another node shows when one of this
// node is refused, or when there is nothing to do, and the state is read then.
type Turns struct {
	store  core.GroupStore
	log    core.Reader
	now    core.Clock
	random func() float64

	// mu guards lanes.
	mu    sync.Mutex
	lanes map[core.ID]*lane
}

// NewTurns returns what makes steps over the store of groups and the log that
// they read.
func NewTurns(store core.GroupStore, log core.Reader, now func() time.Time) *Turns {
	return &Turns{store: store, log: log, now: now, random: rand.Float64, lanes: map[core.ID]*lane{}}
}

// turn is one step in the making. It belongs to the goroutine that leads its
// lane.
type turn struct {
	turns *Turns
	lane  *lane
	group *core.Group
	now   time.Time
	// state is a copy of the lane's, which takes its place once the step is
	// stored.
	state *groupState
	// changed says that there is something to be stored.
	changed bool
	// asked says that this turn has asked how far the stream reaches.
	asked   bool
	ended   []ended
	letters []core.DeadLetter
	remove  []core.ID
}

// lane is the queue of one group's steps, and what this node knows of the group.
type lane struct {
	// mu guards queue and busy. It is never held while a store is asked.
	mu    sync.Mutex
	queue []*op
	// busy says that a goroutine leads the lane. Only that goroutine touches the
	// fields below: it sets and leaves busy under mu, so they need no lock.
	busy bool

	// state is the group's, as of revision; nil where it is not known.
	state    *groupState
	revision int64
	// reach is how far the stream went when it was last asked, at reachAt.
	reach   core.Bounds
	reachAt time.Time
}

// op is something to be done in a turn, and its answer.
type op struct {
	apply func(*turn) error
	err   error
	done  chan struct{}
}

// laneTimeout bounds one round of a lane's work.
const laneTimeout = 15 * time.Second

// maxLanes bounds the states that are kept.
const maxLanes = 20_000

func (u *Turns) laneOf(group core.ID) *lane {
	u.mu.Lock()
	defer u.mu.Unlock()
	l := u.lanes[group]
	if l == nil {
		if len(u.lanes) >= maxLanes {
			u.evictLanes()
		}
		l = &lane{}
		u.lanes[group] = l
	}
	return l
}

// evictLanes makes room by forgetting lanes that have nothing to do.
func (u *Turns) evictLanes() {
	room := maxLanes / 8
	for id, l := range u.lanes {
		l.mu.Lock()
		idle := !l.busy
		l.mu.Unlock()
		if idle {
			delete(u.lanes, id)
			room--
		}
		if room == 0 {
			return
		}
	}
}

// do applies a change to a group's progress and returns when it is durable.
// The change may be applied more than once, each time to another state.
func (u *Turns) do(ctx context.Context, g *core.Group, apply func(*turn) error) error {
	if err := ctx.Err(); err != nil {
		return core.Unavailable(err, time.Second, "the request took too long; try again")
	}
	one := &op{apply: apply, done: make(chan struct{})}
	l := u.laneOf(g.ID)
	l.mu.Lock()
	l.queue = append(l.queue, one)
	if !l.busy {
		l.busy = true
		go u.lead(g, l)
	}
	l.mu.Unlock()
	<-one.done
	return one.err
}

// lead works until the queue is empty.
func (u *Turns) lead(g *core.Group, l *lane) {
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
		u.round(g, l, ops)
		for _, one := range ops {
			close(one.done)
		}
	}
}

// laneRounds bounds how often a step is made anew because another node was
// faster.
const laneRounds = 20

// round makes one step of all ops, or fails them all.
func (u *Turns) round(g *core.Group, l *lane, ops []*op) {
	// The group was found for its organization: what is stored of it needs no
	// second look, which would cost each step as much as the step.
	ctx, cancel := context.WithTimeout(context.Background(), laneTimeout)
	defer cancel()
	for range laneRounds {
		fresh := l.state == nil
		if fresh {
			if err := u.load(ctx, g, l); err != nil {
				failOps(ops, err)
				return
			}
		}
		t := &turn{turns: u, lane: l, group: g, now: u.now.Stamp(), state: l.state.clone()}
		t.apply(ops)
		if !t.changed && !fresh {
			// Nothing will be stored that would show whether the state is current,
			// and it could be that only this node's says no.
			l.state = nil
			continue
		}
		moved, err := u.commit(ctx, t)
		if err != nil {
			failOps(ops, err)
			return
		}
		if moved {
			return
		}
	}
	failOps(ops, core.Unavailable(nil, time.Second, "other servers keep changing this group; try again"))
}

func failOps(ops []*op, err error) {
	for _, one := range ops {
		one.err = err
	}
}

func (u *Turns) load(ctx context.Context, g *core.Group, l *lane) error {
	progress, err := u.store.Progress(ctx, g.ID)
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
func (t *turn) apply(ops []*op) {
	t.ended = t.state.expire(t.now, t.group, t.turns.random)
	t.changed = len(t.ended) > 0
	for _, one := range ops {
		before := *t
		if len(ops) > 1 {
			before.state = t.state.clone()
		}
		if one.err = one.apply(t); one.err == nil {
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
func (u *Turns) commit(ctx context.Context, t *turn) (moved bool, err error) {
	if !t.changed {
		return true, nil
	}
	step, err := t.step(core.ContextWithOrganization(ctx, t.group.Org))
	if err != nil {
		return false, err
	}
	l := t.lane
	err = u.store.Advance(ctx, t.group.ID, step)
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
	return u.look(ctx, t, step, err)
}

// look finds out what became of a step whose outcome is unknown.
func (u *Turns) look(ctx context.Context, t *turn, step core.Step, cause error) (moved bool, err error) {
	stored, err := u.store.Progress(ctx, t.group.ID)
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
	if !one.Letter.IsZero() {
		return t.parkAgain(ctx, one)
	}
	var all []core.DeadLetter
	for from := one.From; from < one.To; {
		events, err := t.turns.log.Read(ctx, t.group.Stream, core.Scan{From: from, To: one.To, Limit: core.MaxPageSize, Bytes: core.PageBytes})
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
		history, err = t.turns.store.Attempts(ctx, t.group.ID, event.Offset)
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
	letter, err := t.turns.store.DeadLetter(ctx, t.group.Org, one.Letter)
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
	bounds, err := t.turns.log.Bounds(ctx, []core.ID{t.group.Stream})
	if err != nil {
		return core.Bounds{}, core.StoreFailed(err)
	}
	l.reach, l.reachAt, t.asked = bounds[0], t.now, true
	return l.reach, nil
}
