package deliver

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/internal/lookout"
)

// Consumers hands the events of streams to consumer groups, in leases: each is a run
// of offsets that its consumer settles, or loses when it says nothing in time. This
// file gets events to a consumer; acknowledge.go has the consumer's answers.
type Consumers struct {
	streams *eventlog.Streams
	groups  *Groups
	letters core.DeadLetters
	log     core.Reader
	recent  *eventlog.Recent
	turns   *turns
	// backfills has the processors of an organization that are behind read in turn.
	backfills *eventlog.Turns
	// reads bounds what polls of groups that are behind take.
	reads  *eventlog.Reads
	logger *slog.Logger
	now    core.Clock
	// permits and moves look at what polls wait for: for all with one credential
	// together, and for all of one group.
	permits *lookout.Lookout[permit]
	moves   *lookout.Lookout[core.ID]
	// handed and settled are those of [Ports], and may be nil.
	handed  func(core.Delivery, time.Time)
	settled func(core.ID, time.Time)
	// closing is closed once, by Close, and lets the polls go that wait.
	closing chan struct{}
	close   sync.Once
}

// Close answers the polls that wait, with nothing.
func (c *Consumers) Close() { c.close.Do(func() { close(c.closing) }) }

// Poll hands out events. When there are none it waits for them, at most as long as the
// poll says, and then returns an empty delivery without a lease.
func (c *Consumers) Poll(ctx context.Context, who core.Principal, stream, group string, poll core.Poll) (core.Delivery, error) {
	if poll.Limit == 0 {
		poll.Limit = core.DefaultPollLimit
	}
	if poll.Limit < 1 || poll.Limit > core.MaxPageSize {
		return core.Delivery{}, core.Invalid("limit", "must be 1 to %d", core.MaxPageSize)
	}
	if poll.Wait < 0 || poll.Wait > core.MaxPollWait {
		return core.Delivery{}, core.Invalid("timeout", "must be 0 to %d seconds", int(core.MaxPollWait.Seconds()))
	}
	g, err := c.groups.open(ctx, who, stream, group, core.ActionConsume)
	if err != nil {
		return core.Delivery{}, err
	}
	follower, err := c.recent.Follow(ctx, g.Stream)
	if err != nil {
		return core.Delivery{}, core.StoreFailed(err)
	}
	// The poll follows its stream from here on, so that no event can come between the
	// look at what there is and the wait for more.
	defer follower.Close()
	p := &longPoll{consumers: c, who: who, stream: stream, group: group, g: g, follower: follower, poll: poll}
	if poll.Wait > 0 {
		p.join()
		defer p.leave()
	}
	d, err := p.deliver(ctx)
	if err == nil && len(d.Events) > 0 && c.handed != nil {
		c.handed(d, c.now())
	}
	return d, err
}

// deliver hands out what there is now. wake says when there may be more without the
// stream having news; zero is never.
//
// In a group with an ordering key a take stops where it does not know the keys of
// events. They are read in between, outside of the turn, and the poll goes on. Whatever
// it has passed over by then is stored, so that no poll does it again.
//
// near is what the caller has read already of the events that may come next.
func (c *Consumers) deliver(
	ctx context.Context, g *core.Group, head core.Offset, poll core.Poll, near neighbours,
) (core.Delivery, time.Time, error) {
	for wanted := poll.Limit; ; wanted = core.MaxPageSize {
		if g.OrderingKey != "" {
			if err := c.turns.laneOf(g.ID).ahead.look(ctx, c, g, head, wanted); err != nil {
				return core.Delivery{}, time.Time{}, err
			}
		}
		d, wake, again, err := c.handOut(ctx, g, &head, poll, near)
		if err != nil || !again {
			return d, wake, err
		}
	}
}

// handOut is one step of deliver. again reports that there was nothing to hand out as far
// as it has looked, and that it has not seen all. head becomes the end of the stream,
// where that is further on.
//
// The lease is stored before its events are read. Otherwise a slow read would keep all
// of the group waiting for its turn, and reading first would hand the same events to
// two consumers.
func (c *Consumers) handOut(
	ctx context.Context, g *core.Group, head *core.Offset, poll core.Poll, near neighbours,
) (core.Delivery, time.Time, bool, error) {
	var d core.Delivery
	var wake time.Time
	var again bool
	var spans []span
	var reach core.Offset
	one := c.turns.begin(ctx, g, func(t *turn) error {
		d, spans, again = core.Delivery{}, nil, false
		// A poll may have waited for its turn. Nobody would settle what it takes now.
		if gone(poll) {
			return nil
		}
		bounds, err := t.bounds(ctx, *head)
		if err != nil {
			return err
		}
		// Retention does not tell groups what it removes. The poll notices.
		t.state.trim(bounds.First)
		reach = max(*head, bounds.Next)
		var known keys
		if g.OrderingKey != "" {
			known = t.lane.ahead.at(t.state.Next)
		}
		before := t.state.Next
		spans = t.state.take(t.now, g, reach, poll.Limit, known)
		d.NextOffset, wake = t.state.Next, t.state.wake(t.now)
		if len(spans) == 0 {
			// What it has passed over is stored. And there may be more: bounds need not
			// have asked the log, because there was something to look at.
			passed := t.state.Next > before
			t.changed = t.changed || passed
			again = passed || t.state.blind(g, reach, known)
			return nil
		}
		d.Lease, d.ExpiresAt = core.RandomID(t.now), t.now.Add(g.Visibility.Duration()).Truncate(time.Millisecond)
		// The lease gets a copy: its spans are cut while these are being read.
		t.state.hold(d.Lease, d.ExpiresAt, slices.Clone(spans))
		t.changed = true
		return nil
	})
	if err := one.wait(ctx); err != nil {
		if one.applied {
			go c.unheard(context.WithoutCancel(ctx), g, one, &d)
		}
		return core.Delivery{}, time.Time{}, false, err
	}
	*head = max(*head, reach)
	if len(spans) == 0 {
		return d, wake, again, nil
	}
	if err := c.collect(ctx, g, &d, spans, near); err != nil {
		// Nobody will hear of the lease. Without this the group would wait until it
		// expires, and an attempt would count that nobody made.
		c.giveBack(ctx, g, d.Lease, 0)
		return core.Delivery{}, wake, false, core.StoreFailed(err)
	}
	if len(d.Events) == 0 { // retention was faster; the next try goes on behind what it removed
		return core.Delivery{NextOffset: d.NextOffset}, c.now(), false, nil
	}
	return d, wake, false, nil
}

// unheard gives back the lease of a poll that has gone, once the step that made it is
// stored.
func (c *Consumers) unheard(ctx context.Context, g *core.Group, one *op, d *core.Delivery) {
	<-one.done
	if one.err == nil && !d.Lease.IsZero() {
		c.giveBack(ctx, g, d.Lease, 0)
	}
}

// collect reads the events of a lease into the delivery. Events that are too many
// bytes for one answer go back to the group.
func (c *Consumers) collect(ctx context.Context, g *core.Group, d *core.Delivery, spans []span, near neighbours) error {
	room := core.PageBytes
	for i, part := range spans {
		if room <= 0 {
			c.giveBack(ctx, g, d.Lease, part.From)
			break
		}
		events, err := c.contents(ctx, g, spans[i:], room, &near)
		if err != nil {
			return err
		}
		if kept := part.firstOf(events); kept > part.From {
			c.removed(ctx, g, d.Lease, part.From, kept)
		}
		for i := range events {
			d.Attempts = append(d.Attempts, part.Attempts)
			d.NextOffset = events[i].Offset + 1
			room -= events[i].Size()
		}
		if d.Events == nil {
			d.Events = events // most leases are one span: nothing is copied
		} else {
			d.Events = append(d.Events, events...)
		}
		if room <= 0 && d.NextOffset < part.To {
			c.giveBack(ctx, g, d.Lease, d.NextOffset)
			break
		}
	}
	return nil
}

// giveBack returns the offsets of a lease from one offset on to the group.
func (c *Consumers) giveBack(ctx context.Context, g *core.Group, id core.ID, from core.Offset) {
	c.correct(ctx, g, id, func(t *turn, i int) { t.state.untake(i, from, t.now) })
}

// removed gives up offsets that retention removed between the lease and the read.
func (c *Consumers) removed(ctx context.Context, g *core.Group, id core.ID, from, to core.Offset) {
	c.correct(ctx, g, id, func(t *turn, i int) { t.state.miss(i, from, to, t.now) })
}

// correct changes a lease that was made a moment ago and that no consumer has seen
// yet. It waits for that as long as ctx lasts, and has it done even when the caller has
// gone. When it fails nothing is lost: the lease expires a little later, and the events
// come again.
func (c *Consumers) correct(ctx context.Context, g *core.Group, id core.ID, change func(t *turn, i int)) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.change(g, id, change)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// change makes one step of correct.
func (c *Consumers) change(g *core.Group, id core.ID, change func(t *turn, i int)) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*laneTimeout) // its own round, and one in front
	defer cancel()
	err := c.turns.do(ctx, g, func(t *turn) error {
		i, err := t.state.held(id, t.now)
		if err != nil {
			return err
		}
		change(t, i)
		t.state.release(i)
		t.changed = true
		return nil
	})
	if err != nil {
		c.logger.Warn("a lease could not be given back; it will expire by itself", "group_id", g.ID, "error", err)
	}
}
