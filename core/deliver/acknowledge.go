package deliver

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// Consumers name the lease that they settle. Every method here answers
// [core.CodeConflict] when that lease is no longer held. The answer comes when the
// change is durable. A lost answer does no harm: settling an event again changes
// nothing while the lease still holds something, and is a conflict after that.

// Ack settles events of a lease, or all of it when offsets is nil. Offsets that the
// lease does not hold are passed over, and ones that no event can have are refused.
func (c *Consumers) Ack(ctx context.Context, who core.Principal, stream, group string, lease core.ID, offsets []core.Offset) error {
	if i := slices.IndexFunc(offsets, func(o core.Offset) bool { return o < 0 }); i >= 0 {
		return core.Invalid("offsets["+strconv.Itoa(i)+"]", "must be 0 or more")
	}
	return c.settle(ctx, who, stream, group, &lease, func(t *turn, _ *core.Group) error {
		// Letters whose replays have succeeded are removed in the same step.
		done, err := t.state.ack(t.now, lease, offsets)
		t.remove = append(t.remove, done...)
		return err
	})
}

// Nack refuses events of a lease: they are tried again, parked as dead letters, or
// skipped.
func (c *Consumers) Nack(ctx context.Context, who core.Principal, stream, group string, lease core.ID, nacks []core.Nack) error {
	refusals := make([]refusal, len(nacks))
	for i, nack := range nacks {
		var err error
		if refusals[i], err = refusalOf(nack); err != nil {
			return core.Under(err, eventjson.Place(i)+".")
		}
	}
	return c.settle(ctx, who, stream, group, &lease, func(t *turn, g *core.Group) error {
		// All events of one nack draw the same delay, so that neighbours stay one
		// span.
		random := t.turns.random()
		all, err := t.state.nack(t.now, g, lease, refusals, func() float64 { return random })
		t.ended = append(t.ended, all...)
		return err
	})
}

// refusalOf checks a nack and fills in the defaults.
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
		// Delay has no lower bound but 0: a consumer may want its next try at once.
		if *n.Delay < 0 || *n.Delay > core.MaxBackoff {
			return r, core.Invalid("delay", "must be 0 to %d seconds", int(core.MaxBackoff.Duration().Seconds()))
		}
		if r.action != core.NackRetry {
			return r, core.Invalid("delay", "is allowed with the action retry only")
		}
		r.delay = n.Delay.Duration()
	}
	return r, core.CheckLines("reason", n.Reason, 0, core.MaxReasonLength)
}

// Extend gives a consumer visibility from now on, or the group's when it is nil, and
// returns when the lease expires. A visibility of 0 gives back the rest of the lease,
// as if it had never been handed out.
func (c *Consumers) Extend(
	ctx context.Context, who core.Principal, stream, group string, lease core.ID, visibility *core.Seconds,
) (until time.Time, err error) {
	if visibility != nil && *visibility != 0 && (*visibility < core.MinVisibility || *visibility > core.MaxVisibility) {
		return time.Time{}, core.Invalid("visibility", "must be %v to %v seconds, or 0 to give the lease back",
			core.MinVisibility.Duration().Seconds(), core.MaxVisibility.Duration().Seconds())
	}
	err = c.settle(ctx, who, stream, group, nil, func(t *turn, g *core.Group) error {
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

// Commit settles everything up to an offset in the lease that holds it. In an ordered
// group that is everything up to the offset, because there is one lease at most. With
// a lease that is not zero, that lease must not be lost and no other may hold the
// offset. It returns when something was last settled.
func (c *Consumers) Commit(ctx context.Context, who core.Principal, stream, group string, offset core.Offset, lease core.ID) (at time.Time, err error) {
	var holder core.ID
	err = c.settle(ctx, who, stream, group, &holder, func(t *turn, g *core.Group) error {
		holder = t.state.holder(offset)
		if offset < 0 {
			return core.Invalid("offset", "must be 0 or more")
		}
		// An offset that does not exist yet is a mistake of the caller, one that was
		// not handed out yet a conflict.
		if offset >= t.state.Next {
			bounds, err := c.log.Bounds(ctx, []core.ID{g.Stream})
			if err != nil {
				return core.StoreFailed(err)
			}
			if _, err := bounds[0].Behind("offset", offset); err != nil {
				return err
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

// settle makes a change to the leases of a group. Unlike a poll, it always has
// something to store: the time of the last settling, at least. settled names the lease
// that is answered once the change is stored; it is nil where nothing is settled.
func (c *Consumers) settle(
	ctx context.Context, who core.Principal, stream, group string, settled *core.ID, change func(*turn, *core.Group) error,
) error {
	g, err := c.groups.open(ctx, who, stream, group, core.ActionConsume)
	if err != nil {
		return err
	}
	err = c.answer(ctx, g, func(t *turn) error { return change(t, g) })
	if err == nil && settled != nil && c.settled != nil {
		c.settled(*settled, c.now())
	}
	return err
}

// answer makes a change to the leases of a group. Where events wait behind others of
// their keys, the polls that sleep on this node look at once whether some may go now.
func (c *Consumers) answer(ctx context.Context, g *core.Group, change func(*turn) error) error {
	behind := false
	err := c.turns.do(ctx, g, func(t *turn) error {
		if err := change(t); err != nil {
			return err
		}
		t.changed, behind = true, len(t.state.Queues) > 0
		return nil
	})
	if err == nil && behind {
		c.moves.Tell(g.ID)
	}
	return err
}

// EventOffset returns the offset of an event of a stream, for consumers that name
// events by their ids.
func (c *Consumers) EventOffset(ctx context.Context, who core.Principal, stream string, id core.ID) (core.Offset, error) {
	open, err := c.streams.Open(ctx, who, stream, core.ActionConsume)
	if err != nil {
		return 0, err
	}
	event, err := eventlog.FindEvent(ctx, c.log, open.ID, id)
	return event.Offset, err
}
