package deliver

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// op is one thing that a caller wants done to a group, and the answer to it.
type op struct {
	// mu is held while apply runs, and guards applied and left. So once leave has
	// returned, apply does not run any more, and the caller may let go of what it uses.
	mu sync.Mutex
	// ctx is the caller's. The step is not bound by it, only marked with it.
	ctx context.Context
	// apply changes the turn's state. It may run several times, each time on another
	// copy of the state. A variable outside the turn is therefore set anew each time,
	// never added to.
	apply func(*turn) error
	// applied says that apply has changed a state, which may be stored or not. left says
	// that the caller has gone and that apply must not run again.
	applied, left bool
	// err belongs to the goroutine that leads the lane until done is closed, and to
	// the caller after that.
	err  error
	done chan struct{}
}

// errLeft is the answer to an op whose caller has gone. Nobody reads it.
var errLeft = errors.New("the caller has gone")

// run applies the op to a turn, unless its caller has gone.
func (o *op) run(t *turn) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.left {
		return errLeft
	}
	err := o.apply(t)
	o.applied = o.applied || err == nil
	return err
}

// wait returns the answer, or an error when ctx ends before there is one. What was not
// applied by then never will be. What was applied may be stored or not.
func (o *op) wait(ctx context.Context) error {
	select {
	case <-o.done:
		return o.err
	case <-ctx.Done():
	}
	if o.leave() {
		return core.Unavailable(ctx.Err(), time.Second, "the database takes too long, and it is not known whether the change was stored; try again")
	}
	return errTooLong(ctx)
}

// leave ends the caller's part, and reports whether the op was applied to a state.
func (o *op) leave() (applied bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.left = true
	return o.applied
}

// errTooLong answers a request whose time was over before anything was changed.
func errTooLong(ctx context.Context) error {
	return core.Unavailable(ctx.Err(), time.Second, "the request took too long, and nothing was changed; try again")
}

// failOps gives all ops the same answer.
func failOps(ops []*op, err error) {
	for _, one := range ops {
		one.err = err
	}
}

// contextOf returns the context of a step, which leads to the contexts of its ops and
// ends with none of them.
func contextOf(ops []*op) context.Context {
	callers := make([]context.Context, 0, len(ops))
	for _, one := range ops {
		callers = append(callers, one.ctx)
	}
	return core.ContextWithRequests(context.Background(), callers)
}
