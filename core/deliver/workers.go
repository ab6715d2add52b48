package deliver

import (
	"context"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/internal/lookout"
)

// Workers hands events to consumers that are part of the server. They need no
// permission, and their groups are a processor's. Everything else is as for other
// consumers: leases, attempts, dead letters.
type Workers struct {
	consumers *Consumers
}

// Worker reads one group. One goroutine may use its Next at a time, and any number its
// other methods. It must be closed.
type Worker struct {
	consumers *Consumers
	group     *core.Group
	poll      *longPoll
	moves     lookout.Watch[core.ID]
	ahead     ahead
	// behind says that the stream had another whole lease when the last one was taken.
	behind bool
}

// Work returns a worker of a group. The group's fields are as they are now: a group
// that has changed needs another worker.
func (w *Workers) Work(ctx context.Context, group core.Group) (*Worker, error) {
	follower, err := w.consumers.recent.Follow(ctx, group.Stream)
	if err != nil {
		return nil, core.StoreFailed(err)
	}
	worker := &Worker{consumers: w.consumers, group: &group}
	worker.poll = &longPoll{consumers: w.consumers, g: worker.group, follower: follower}
	worker.moves = w.consumers.moves.Join(group.ID, w.consumers.moved(worker.group))
	return worker, nil
}

// Close ends the worker. Its leases stay until they expire.
func (w *Worker) Close() {
	w.ahead.stop()
	w.moves.Leave()
	w.poll.follower.Close()
}

// Next waits for events and hands out at most limit of them, in a lease. It returns an
// empty delivery when ctx ends or the server stops.
func (w *Worker) Next(ctx context.Context, limit int) (core.Delivery, error) {
	c := w.consumers
	first := limit
	near := w.ahead.end(&first)
	for poll := (core.Poll{Limit: first, Gone: func() bool { return ctx.Err() != nil }}); ; poll.Limit = limit {
		head, grown := w.poll.follower.Head() // before the look: later news closes grown
		changed := news{grown: grown, moved: w.moves.News()}
		d, wake, err := w.deliver(ctx, head, poll, near)
		w.behind = err == nil && len(d.Events) > 0 && d.NextOffset+core.Offset(limit) <= head
		if w.behind && w.group.Mode == core.Ordered {
			w.ahead.begin(ctx, c, w.group, d.NextOffset, limit)
		}
		if err != nil || len(d.Events) > 0 {
			return d, err
		}
		if !w.poll.sleep(ctx, changed, earlier(c.now().Add(time.Hour), wake)) {
			return d, nil
		}
	}
}

// deliver is [Consumers.deliver] for one attempt of Next. A worker that is behind waits for
// its turn before it takes a lease, unless the events were read in a turn already.
func (w *Worker) deliver(ctx context.Context, head core.Offset, poll core.Poll, near neighbours) (d core.Delivery, wake time.Time, err error) {
	c := w.consumers
	if !w.behind || len(near.events) > 0 {
		return c.deliver(ctx, w.group, head, poll, near)
	}
	c.backfills.Backfill(ctx, w.group.Org, c.closing, func() { d, wake, err = c.deliver(ctx, w.group, head, poll, near) })
	return d, wake, err
}

// Settle acks offsets of a lease and refuses others, in one step: all or nothing. A nil
// acked with no nacks settles the whole lease.
func (w *Worker) Settle(ctx context.Context, lease core.ID, acked []core.Offset, nacks []core.Nack) error {
	refusals := make([]refusal, len(nacks))
	for i, nack := range nacks {
		var err error
		if refusals[i], err = refusalOf(nack); err != nil {
			return err
		}
	}
	return w.change(ctx, func(t *turn) error {
		if acked != nil || len(refusals) == 0 {
			done, err := t.state.ack(t.now, lease, acked)
			if err != nil {
				return err
			}
			t.remove = append(t.remove, done...)
		}
		if len(refusals) == 0 {
			return nil
		}
		random := t.turns.random()
		all, err := t.state.nack(t.now, t.group, lease, refusals, func() float64 { return random })
		t.ended = append(t.ended, all...)
		return err
	})
}

// Extend gives the worker the group's visibility from now on. With back it gives the
// rest of the lease back at once, and the attempt does not count.
func (w *Worker) Extend(ctx context.Context, lease core.ID, back bool) error {
	longer := w.group.Visibility.Duration()
	if back {
		longer = 0
	}
	return w.change(ctx, func(t *turn) error {
		_, err := t.state.extend(t.now, lease, longer)
		return err
	})
}

// Holds reports whether a lease is still the worker's, as the store has it: not after a reset,
// nor once everything of it is settled. It reads, and disturbs nobody.
func (w *Worker) Holds(ctx context.Context, lease core.ID) (bool, error) {
	progress, err := w.consumers.turns.store.Progress(ctx, w.group.ID)
	if err != nil {
		return false, core.StoreFailed(err)
	}
	state, err := openState(progress.State)
	if err != nil {
		return false, err
	}
	for i := range state.Leases {
		if state.Leases[i].ID == lease {
			return true, nil
		}
	}
	return false, nil
}

func (w *Worker) change(ctx context.Context, change func(*turn) error) error {
	return w.consumers.answer(ctx, w.group, change)
}
