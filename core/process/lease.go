package process

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/deliver"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// lease is the events of one lease on their way to the sink.
type lease struct {
	work     *work
	worker   *deliver.Worker
	delivery core.Delivery

	// mu guards the rest: what has come of the events and is not settled yet, and what ends
	// the sending.
	mu    sync.Mutex
	acked []core.Offset
	nacks []core.Nack
	// failed is set once an event of an ordered group is to be tried again: nothing
	// behind it may be sent.
	failed bool
	// refused says that the destination wants no more.
	refused bool
	// unsent says that the sink has sent nothing of an event, and leaves its destination
	// alone for pause.
	unsent bool
	pause  time.Duration
	// lost says that the lease is not this node's any more: another one may send its
	// events by now.
	lost bool
	// random is drawn once: neighbours that fail together come back together.
	random float64
}

// settleInterval is how often a lease whose events take long settles what is done.
const settleInterval = time.Second

// handle sends the events of a lease and settles them. Once ctx ends nothing more is
// sent: what is under way may arrive, and the rest goes back to the group. Nothing is
// sent either once the lease has ended, and what is under way then is given up, because
// another node may send it.
func (l *lease) handle(ctx context.Context) error {
	l.random = rand.Float64() //nolint:gosec // it spreads retries
	// Settling outlives sending: what has arrived before a Send was given up would be
	// sent again otherwise.
	settling, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	sending, cancel := context.WithCancel(settling)
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		time.AfterFunc(grace, cancel)
		time.AfterFunc(grace+lastWord, giveUp)
	})()
	end := time.AfterFunc(l.delivery.ExpiresAt.Sub(l.work.runner.Now()), func() { l.lose(cancel) })
	defer end.Stop()
	kept, stop := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(kept)
		l.keep(settling, stop, end, cancel)
	}()
	rest := l.send(ctx, sending)
	close(stop)
	<-kept
	return l.finish(settling, rest)
}

// lose notes that the lease has ended before its time, and gives up what is under way.
func (l *lease) lose(cancel context.CancelFunc) {
	l.mu.Lock()
	l.lost = true
	l.mu.Unlock()
	cancel()
}

// keep extends the lease and settles what is done, now and then, while its events are
// under way. Each extension puts off end. It looks more often than it extends whether the
// lease is still there: after a reset another node may have the same events at once.
func (l *lease) keep(ctx context.Context, stop <-chan struct{}, end *time.Timer, cancel context.CancelFunc) {
	visibility := l.work.processor.Visibility.Duration()
	ticker := time.NewTicker(min(settleInterval, visibility/3))
	defer ticker.Stop()
	extended := time.Now()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
		// An ordered group settles at the end, with what failed: a nack gives back what
		// is behind it.
		if l.work.processor.Mode == core.Shared {
			if err := l.settle(ctx); err != nil {
				l.work.logger().Warn("a processor could not settle events; they may be sent again", "error", err)
			}
		}
		if time.Since(extended) < visibility/3 {
			// What the store cannot say, the next extension will.
			if held, err := l.worker.Holds(ctx, l.delivery.Lease); err == nil && !held {
				l.lose(cancel)
				return
			}
			continue
		}
		asked := time.Now()
		switch err := l.worker.Extend(ctx, l.delivery.Lease, false); {
		case err == nil:
			extended = asked
			end.Reset(time.Until(asked.Add(visibility)))
		case core.CodeOf(err) == core.CodeConflict: // ended, or everything of it is settled
			l.lose(cancel)
			return
		default:
			l.work.logger().Warn("a lease could not be extended; its events may be sent again", "error", err)
		}
	}
}

// send puts the events through the pipeline and hands them to the sink, batch by batch.
// It returns once all that was handed over is answered; more says that events are left
// that were not.
func (l *lease) send(ctx, sending context.Context) (more bool) {
	var all sync.WaitGroup
	defer all.Wait()
	b := l.batch(0)
	for i := range l.delivery.Events {
		if ctx.Err() != nil || l.stopped() {
			return true // so that no pipeline works for nothing
		}
		out, passed := l.pass(ctx, i)
		if !passed {
			continue
		}
		if b.full(&out.Event) {
			if !l.hand(ctx, sending, &all, b) {
				return true
			}
			b = l.batch(i)
		}
		b.add(out)
	}
	if len(b.events) == 0 {
		return false
	}
	return !l.hand(ctx, sending, &all, b)
}

// stopped reports whether nothing more of the lease may be sent.
func (l *lease) stopped() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refused || l.failed || l.unsent || l.lost
}

// pass puts an event through the pipeline. What does not pass is settled.
func (l *lease) pass(ctx context.Context, i int) (core.Outgoing, bool) {
	event := &l.delivery.Events[i]
	out := core.Outgoing{Event: *event, Attempt: l.delivery.Attempts[i]}
	if l.work.pipeline != nil {
		shaped, passed, err := l.work.pipeline.Run(ctx, event)
		switch {
		case ctx.Err() != nil:
			return out, false // it goes back
		case err != nil:
			l.done(&out, core.Sent{Err: err, Verdict: core.NeverAgain}, 0)
			return out, false
		case !passed:
			l.filtered(event.Offset)
			return out, false
		}
		out.Event = shaped
	}
	out.Key = eventjson.KeyOf(l.work.processor.OrderingKey, event)
	return out, true
}

// hand gives a batch to the sink once there is a slot for it, and does not wait for the
// answer: meanwhile the next batch is made. It reports false when nothing more may be sent.
func (l *lease) hand(ctx, sending context.Context, all *sync.WaitGroup, b batch) bool {
	select {
	case l.work.slots <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	// The batch before may have ended it. Where there is one slot, all of it is known by now.
	if l.stopped() {
		<-l.work.slots
		return false
	}
	all.Go(func() {
		defer func() { <-l.work.slots }()
		b.send(sending)
	})
	return true
}

// batch is what one Send takes.
type batch struct {
	lease  *lease
	events []core.Outgoing
	bytes  int
}

// batch begins one that takes what comes from an event on.
func (l *lease) batch(from int) batch {
	return batch{lease: l, events: make([]core.Outgoing, 0, min(l.work.traits.Batch, len(l.delivery.Events)-from))}
}

// full reports whether one more event would be too much.
func (b *batch) full(event *core.Event) bool {
	t := b.lease.work.traits
	return len(b.events) >= t.Batch || len(b.events) > 0 && t.BatchBytes > 0 && b.bytes+event.Size() > t.BatchBytes
}

func (b *batch) add(out core.Outgoing) {
	b.events = append(b.events, out)
	b.bytes += out.Event.Size()
}

// send hands the batch to the sink and notes what became of each event.
func (b *batch) send(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	began := time.Now()
	sent := b.lease.work.sink.Send(ctx, b.events)
	took := time.Since(began)
	for i := range b.events {
		if i < len(sent) {
			b.lease.done(&b.events[i], sent[i], took)
		}
	}
}

// sendTimeout bounds one Send of a sink that has no time-out of its own.
const sendTimeout = time.Minute
