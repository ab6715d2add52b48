package deliver

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// Consumers hands the events of streams to consumer groups: by leases, each
// over a run of offsets, which consumers settle or lose.
type Consumers struct {
	ConsumerPorts
	closing chan struct{}
	close   sync.Once
}

// ConsumerPorts is what Consumers works with.
type ConsumerPorts struct {
	Streams *eventlog.Streams
	Groups  *Groups
	Letters core.DeadLetters
	Log     core.Reader
	Recent  *eventlog.Recent
	Turns   *Turns
	Logger  *slog.Logger
	Now     core.Clock
}

// NewConsumers returns the use case. Close lets waiting polls go.
func NewConsumers(ports ConsumerPorts) *Consumers {
	return &Consumers{ConsumerPorts: ports, closing: make(chan struct{})}
}

// Close answers the polls that wait, with nothing.
func (c *Consumers) Close() { c.close.Do(func() { close(c.closing) }) }

// Poll hands out events, waiting for them if it has to.
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
	g, err := c.Groups.open(ctx, who, stream, group, core.ActionConsume)
	if err != nil {
		return core.Delivery{}, err
	}
	follower, err := c.Recent.Follow(ctx, g.Stream)
	if err != nil {
		return core.Delivery{}, core.StoreFailed(err)
	}
	defer follower.Close()
	return c.poll(ctx, g, follower, poll)
}

func (c *Consumers) poll(ctx context.Context, g *core.Group, follower *eventlog.Follower, poll core.Poll) (core.Delivery, error) {
	for deadline := c.Now().Add(poll.Wait); ; {
		head, changed := follower.Head()
		d, wake, err := c.deliver(ctx, g, head, poll.Limit)
		if err != nil || len(d.Events) > 0 {
			return d, err
		}
		now := c.Now()
		if !now.Before(deadline) {
			return d, nil
		}
		if !c.sleep(ctx, changed, earliest(deadline, wake, now.Add(eventlog.RecheckInterval)).Sub(now)) || poll.Gone != nil && poll.Gone() {
			return d, nil
		}
	}
}

// earliest returns the first of some times; a zero one does not count.
func earliest(first time.Time, others ...time.Time) time.Time {
	for _, other := range others {
		if !other.IsZero() && other.Before(first) {
			first = other
		}
	}
	return first
}

// sleep waits for news, at most so long. It reports whether to go on.
func (c *Consumers) sleep(ctx context.Context, changed <-chan struct{}, longest time.Duration) bool {
	timer := time.NewTimer(longest)
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	case <-c.closing:
		return false
	case <-ctx.Done():
		return false
	}
	return true
}

// deliver hands out what there is now, and says when there may be more that is
// no news of the stream.
func (c *Consumers) deliver(ctx context.Context, g *core.Group, head core.Offset, limit int) (d core.Delivery, wake time.Time, err error) {
	var spans []span
	err = c.Turns.do(ctx, g, func(t *turn) error {
		d = core.Delivery{}
		bounds, err := t.bounds(ctx, head)
		if err != nil {
			return err
		}
		t.state.trim(bounds.First)
		spans = t.state.take(t.now, g, max(head, bounds.Next), limit)
		d.NextOffset, wake = t.state.Next, t.state.wake(t.now)
		if len(spans) == 0 {
			return nil
		}
		d.Lease, d.ExpiresAt = core.RandomID(t.now), t.now.Add(g.Visibility.Duration()).Truncate(time.Millisecond)
		t.state.hold(d.Lease, d.ExpiresAt, slices.Clone(spans))
		t.changed = true
		return nil
	})
	if err != nil || len(spans) == 0 {
		return d, wake, err
	}
	if err := c.collect(ctx, g, &d, spans); err != nil {
		c.giveBack(g, d.Lease, 0)
		return core.Delivery{}, wake, core.StoreFailed(err)
	}
	if len(d.Events) == 0 { // retention was faster: go on behind what it removed
		return core.Delivery{NextOffset: d.NextOffset}, c.Now(), nil
	}
	return d, wake, nil
}

// collect reads the events of a lease. What is too much for one answer goes
// back.
func (c *Consumers) collect(ctx context.Context, g *core.Group, d *core.Delivery, spans []span) error {
	room := core.PageBytes
	for _, part := range spans {
		if room <= 0 {
			c.giveBack(g, d.Lease, part.From)
			break
		}
		events, err := c.contents(ctx, g, part, room)
		if err != nil {
			return err
		}
		if kept := part.firstOf(events); kept > part.From {
			c.removed(g, d.Lease, part.From, kept)
		}
		for i := range events {
			d.Attempts = append(d.Attempts, part.Attempts)
			d.NextOffset = events[i].Offset + 1
			room -= events[i].Size()
		}
		if d.Events == nil {
			d.Events = events // most leases are one span
		} else {
			d.Events = append(d.Events, events...)
		}
		if room <= 0 && d.NextOffset < part.To {
			c.giveBack(g, d.Lease, d.NextOffset)
			break
		}
	}
	return nil
}

// contents reads the events of one span.
func (c *Consumers) contents(ctx context.Context, g *core.Group, part span, room int) ([]core.Event, error) {
	if part.Letter.IsZero() {
		return c.Recent.Read(ctx, g.Stream, part.From, part.To, int(part.size()), room)
	}
	letter, err := c.Letters.DeadLetter(ctx, g.Org, part.Letter)
	if core.IsNotFound(err) {
		return nil, nil
	}
	return []core.Event{letter.Event}, err
}

// firstOf is the first offset of the span that the log still had, To when it
// had none.
func (s span) firstOf(events []core.Event) core.Offset {
	switch {
	case !s.Letter.IsZero():
		return s.From
	case len(events) == 0:
		return s.To
	}
	return events[0].Offset
}

// giveBack returns what of a lease lies at or after an offset.
func (c *Consumers) giveBack(g *core.Group, id core.ID, from core.Offset) {
	c.correct(g, id, func(t *turn, i int) { t.state.untake(i, from, t.now) })
}

// removed gives up what retention removed after it was handed out.
func (c *Consumers) removed(g *core.Group, id core.ID, from, to core.Offset) {
	c.correct(g, id, func(t *turn, i int) { t.state.miss(i, from, to, t.now) })
}

// correct changes a lease that was just made. When it fails, the lease's end
// does the same a little later.
func (c *Consumers) correct(g *core.Group, id core.ID, change func(t *turn, i int)) {
	ctx, cancel := context.WithTimeout(context.Background(), laneTimeout)
	defer cancel()
	err := c.Turns.do(ctx, g, func(t *turn) error {
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
		c.Logger.Warn("a lease could not be given back, it ends by itself", "group_id", g.ID, "error", err)
	}
}

// Ack settles events of a lease, all of it when offsets is nil.
func (c *Consumers) Ack(ctx context.Context, who core.Principal, stream, group string, lease core.ID, offsets []core.Offset) error {
	return c.settle(ctx, who, stream, group, func(t *turn) error {
		done, err := t.state.ack(t.now, lease, offsets)
		t.remove = append(t.remove, done...)
		return err
	})
}

// Nack refuses events of a lease.
func (c *Consumers) Nack(ctx context.Context, who core.Principal, stream, group string, lease core.ID, nacks []core.Nack) error {
	refusals := make([]refusal, len(nacks))
	for i, nack := range nacks {
		var err error
		if refusals[i], err = refusalOf(nack); err != nil {
			return core.Under(err, eventjson.Place(i)+".")
		}
	}
	return c.settleGroup(ctx, who, stream, group, func(t *turn, g *core.Group) error {
		random := t.turns.random()
		all, err := t.state.nack(t.now, g, lease, refusals, func() float64 { return random })
		t.ended = append(t.ended, all...)
		return err
	})
}

// refusalOf checks a nack and fills in what it leaves out.
func refusalOf(n core.Nack) (refusal, error) {
	r := refusal{offset: n.Offset, action: n.Action, reason: n.Reason, delay: -1}
	switch n.Action {
	case "":
		r.action = core.NackRetry
	case core.NackRetry, core.NackPark, core.NackSkip:
	default:
		return r, core.Invalid("action", "must be retry, park or skip")
	}
	if n.Delay != nil {
		if *n.Delay < 0 || *n.Delay > core.MaxBackoff {
			return r, core.Invalid("delay", "must be 0 to %d seconds", int(core.MaxBackoff.Duration().Seconds()))
		}
		if r.action != core.NackRetry {
			return r, core.Invalid("delay", "is for the action retry only")
		}
		r.delay = n.Delay.Duration()
	}
	return r, core.CheckLines("reason", n.Reason, 0, core.MaxReasonLength)
}

// Extend gives a consumer more time from now, and returns until when. No time
// at all gives the rest of the lease back as if it had not been handed out.
func (c *Consumers) Extend(ctx context.Context, who core.Principal, stream, group string, lease core.ID, visibility *core.Seconds) (until time.Time, err error) {
	if visibility != nil && *visibility != 0 && (*visibility < core.MinVisibility || *visibility > core.MaxVisibility) {
		return time.Time{}, core.Invalid("visibility", "must be %v to %v seconds, or 0 to give the lease back",
			core.MinVisibility.Duration().Seconds(), core.MaxVisibility.Duration().Seconds())
	}
	err = c.settleGroup(ctx, who, stream, group, func(t *turn, g *core.Group) error {
		longer := g.Visibility
		if visibility != nil {
			longer = *visibility
		}
		var err error
		until, err = t.state.extend(t.now, lease, longer.Duration())
		return err
	})
	return until, err
}

// Commit settles everything up to an offset, of the run that holds it: in an
// ordered group, everything. A lease that is not zero must be the one that
// holds it. It returns when it was settled.
func (c *Consumers) Commit(ctx context.Context, who core.Principal, stream, group string, offset core.Offset, lease core.ID) (at time.Time, err error) {
	err = c.settleGroup(ctx, who, stream, group, func(t *turn, g *core.Group) error {
		if offset < 0 {
			return core.Invalid("offset", "must be 0 or more")
		}
		if offset >= t.state.Next {
			bounds, err := c.Log.Bounds(ctx, []core.ID{g.Stream})
			if err != nil {
				return core.StoreFailed(err)
			}
			if offset >= bounds[0].Next {
				return core.Invalid("offset", "is beyond the end of the stream, whose next offset is %d", bounds[0].Next)
			}
		}
		done, err := t.state.commit(t.now, offset, lease)
		t.remove = append(t.remove, done...)
		if at = t.state.CommittedAt; at.IsZero() {
			at = t.now
		}
		return err
	})
	return at, err
}

// settle changes what a group has handed out.
func (c *Consumers) settle(ctx context.Context, who core.Principal, stream, group string, change func(*turn) error) error {
	return c.settleGroup(ctx, who, stream, group, func(t *turn, _ *core.Group) error { return change(t) })
}

func (c *Consumers) settleGroup(ctx context.Context, who core.Principal, stream, group string, change func(*turn, *core.Group) error) error {
	g, err := c.Groups.open(ctx, who, stream, group, core.ActionConsume)
	if err != nil {
		return err
	}
	return c.Turns.do(ctx, g, func(t *turn) error {
		if err := change(t, g); err != nil {
			return err
		}
		t.changed = true
		return nil
	})
}

// EventOffset returns the offset of an event of a stream, for those who name
// events by their ids.
func (c *Consumers) EventOffset(ctx context.Context, who core.Principal, stream string, id core.ID) (core.Offset, error) {
	open, err := c.Streams.Open(ctx, who, stream, core.ActionConsume)
	if err != nil {
		return 0, err
	}
	event, err := eventlog.FindEvent(ctx, c.Log, open.ID, id)
	return event.Offset, err
}
