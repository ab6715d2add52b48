package deliver

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// turns makes the steps of groups' progress, and of one group one step after the
// other. The requests that many consumers make at the same time become one step: like
// the group commit of the log, this costs nothing when idle and one write when busy.
//
// A node keeps the state of a group between steps. It learns of another node's step
// when one of its own is refused, and it asks again before it says that there is
// nothing to do.
type turns struct {
	store  core.GroupStore
	log    core.Reader
	now    core.Clock
	random func() float64

	// mu guards lanes, and is never held while a lane works.
	mu    sync.Mutex
	lanes map[core.ID]*lane
}

// newTurns returns turns over a store of groups and the log that the groups read.
func newTurns(store core.GroupStore, log core.Reader, now core.Clock) *turns {
	return &turns{store: store, log: log, now: now, random: rand.Float64, lanes: map[core.ID]*lane{}}
}

const (
	// laneTimeout bounds one round of a lane's work.
	laneTimeout = 15 * time.Second
	// laneRounds bounds how often a step is made anew because another node was faster.
	laneRounds = 20
)

// do applies a change to a group's progress and returns when it is durable, or when ctx
// ends: others' steps may be in front, and a database may not answer. The change may be
// applied more than once, each time to another state.
//
// The change does not run any more after do has returned, but a step that it was in may
// still be on its way. So after an error nothing that it has written counts.
func (u *turns) do(ctx context.Context, g *core.Group, apply func(*turn) error) error {
	return u.begin(ctx, g, apply).wait(ctx)
}

// begin queues a change. The caller waits for the answer.
func (u *turns) begin(ctx context.Context, g *core.Group, apply func(*turn) error) *op {
	one := &op{ctx: ctx, apply: apply, done: make(chan struct{})}
	if ctx.Err() != nil {
		one.err = errTooLong(ctx)
		close(one.done)
		return one
	}
	l := u.laneOf(g.ID)
	if l.join(one) {
		go u.lead(g, l)
	}
	return one
}

// lead makes steps until the queue is empty.
func (u *turns) lead(g *core.Group, l *lane) {
	for {
		ops, more := l.next()
		if !more {
			return
		}
		u.round(g, l, ops)
		for _, one := range ops {
			close(one.done)
		}
	}
}

// round makes one step of all ops, or fails them all. It begins again, with the state
// read anew, when another node was faster, or when there is nothing to store as far as
// this node remembers.
func (u *turns) round(g *core.Group, l *lane, ops []*op) {
	// The context leads to those of the callers, and is without the organization. The
	// group was found for its organization, so the store need not check again, which
	// would cost each step as much as the step itself.
	ctx, cancel := context.WithTimeout(contextOf(ops), laneTimeout)
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
			// Nothing will be stored, so no store will refuse it and show that the
			// state is old. An empty answer or a refusal counts only when it comes
			// from a state that was read in this round.
			l.state = nil
			continue
		}
		moved, err := t.commit(ctx)
		if err != nil {
			failOps(ops, err)
			return
		}
		if moved {
			return
		}
	}
	failOps(ops, core.Unavailable(nil, time.Second, "other nodes are changing this group too fast; try again"))
}

// load reads a group's state into its lane.
func (u *turns) load(ctx context.Context, g *core.Group, l *lane) error {
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
