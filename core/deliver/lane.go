package deliver

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// lane is the queue of one group's steps on this node, with the node's knowledge of
// that group.
//
// One goroutine at a time leads a lane. A caller that finds the lane idle starts the
// leader, which makes steps until the queue is empty. So the steps of a group come one
// after the other without a lock around the store.
type lane struct {
	// mu guards queue and busy. It is never held while a store is asked, so that
	// joining the queue costs nothing.
	mu sync.Mutex
	// queue holds the ops that came since the current step began. The next step does
	// all of them.
	queue []*op
	// busy says that a goroutine leads the lane. It changes under mu, and each leader
	// sets out after the one before it has left, so the fields below need no lock:
	// only the leader touches them.
	busy bool

	// state is the group's as of revision. It is nil whenever it may be out of date:
	// at the start, after another node was faster, and after a step whose outcome is
	// unknown. The next round reads it anew.
	state    *groupState
	revision int64
	// reach is how far the stream went when the log was last asked, at reachAt.
	reach   core.Bounds
	reachAt time.Time

	// ahead has a lock of its own: polls read keys into it, outside of their turns.
	ahead *lookahead
	// behind says that as many more events were left as the last poll got at most.
	behind atomic.Bool
}

// maxLanes bounds the lanes, and so the states, that a node keeps.
const maxLanes = 20_000

// laneOf returns the lane of a group.
func (u *turns) laneOf(group core.ID) *lane {
	u.mu.Lock()
	defer u.mu.Unlock()
	l := u.lanes[group]
	if l == nil {
		if len(u.lanes) >= maxLanes {
			u.evictLanes()
		}
		l = &lane{ahead: newLookahead()}
		u.lanes[group] = l
	}
	return l
}

// evictLanes makes room by forgetting some lanes that have nothing to do. A caller may
// have got such a lane a moment ago and lead it beside a new one of the same group.
// That costs a round and breaks nothing: revisions keep the two apart as they keep two
// nodes apart.
func (u *turns) evictLanes() {
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

// join adds an op to the queue, and reports whether the caller must start the leader.
func (l *lane) join(one *op) (first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = append(l.queue, one)
	first, l.busy = !l.busy, true
	return first
}

// next takes all that is queued. With nothing queued it ends the leadership, in the same
// moment, so that no op is left behind without a leader.
func (l *lane) next() (ops []*op, more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ops, l.queue = l.queue, nil
	l.busy = len(ops) > 0
	return ops, l.busy
}
