package deliver

import (
	"context"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/internal/lookout"
)

// longPoll is a poll that waits for events. There may be thousands of them, so each does
// nothing while nothing happens. What has to be looked at every second is looked at for
// all of them together, and wakes them.
type longPoll struct {
	consumers *Consumers
	who       core.Principal
	// stream and group are the names by which g was asked for.
	stream, group string
	g             *core.Group
	follower      *eventlog.Follower
	poll          core.Poll
	permit        lookout.Watch[permit]
	moves         lookout.Watch[core.ID]
}

// permit is what a poll may not lose: the use of a group by a credential.
type permit struct {
	// credential is a [core.Credential], or the principal who has none, alone.
	credential    any
	stream, group string
}

// join has the poll woken when its permission is lost and when its group has moved. It
// comes before the first look, so that nothing falls between the two.
func (p *longPoll) join() {
	c, who, stream, group := p.consumers, p.who, p.stream, p.group
	key := permit{credential: who.Credential, stream: stream, group: group}
	if who.Credential == nil {
		key.credential = p
	}
	p.permit = c.permits.Join(key, func(ctx context.Context) bool {
		_, _, err := c.again(core.ContextWithOrganization(ctx, who.Org), who, stream, group)
		return err != nil
	})
	p.moves = c.moves.Join(p.g.ID, c.moved(p.g))
}

// leave ends what join began.
func (p *longPoll) leave() {
	p.permit.Leave()
	p.moves.Leave()
}

// moved returns a look at a group that has news when there was a step since the last
// look, by whichever node, or when its stream has other bounds: what one consumer gives
// back may go to another one, and the news of a stream may be lost. The first look does
// not know, and has news.
func (c *Consumers) moved(g *core.Group) lookout.Look {
	var last struct {
		revision    int64
		first, next core.Offset
	}
	return func(ctx context.Context) bool {
		progress, err := c.turns.store.Progress(ctx, g.ID)
		if err != nil {
			return core.IsNotFound(err)
		}
		bounds, err := c.log.Bounds(ctx, []core.ID{g.Stream})
		if err != nil {
			return false
		}
		before := last
		last.revision, last.first, last.next = progress.Revision, bounds[0].First, bounds[0].Next
		return last != before
	}
}

// again looks whether a poll that has waited may still be answered: its key may have
// been revoked, its stream or group deleted. All of it is remembered for a second.
func (c *Consumers) again(ctx context.Context, who core.Principal, stream, group string) (core.Principal, *core.Group, error) {
	who, err := who.Now(ctx)
	if err != nil {
		return who, nil, err
	}
	g, err := c.groups.open(ctx, who, stream, group, core.ActionConsume)
	return who, g, err
}

// deliver hands out events as soon as there are some, until the time of the poll is
// over. Between two tries it sleeps until something may have changed.
func (p *longPoll) deliver(ctx context.Context) (core.Delivery, error) {
	c := p.consumers
	for deadline := c.now().Add(p.poll.Wait); ; {
		head, changed := p.follower.Head() // before the look: later news closes changed
		news := news{grown: changed}
		if p.poll.Wait > 0 {
			news.lost, news.moved = p.permit.News(), p.moves.News()
		}
		d, wake, err := p.take(ctx, head)
		if err != nil || len(d.Events) > 0 {
			return d, err
		}
		if !c.now().Before(deadline) || gone(p.poll) || !p.sleep(ctx, news, earlier(deadline, wake)) {
			return d, nil
		}
		if p.who, p.g, err = c.again(ctx, p.who, p.stream, p.group); err != nil {
			return core.Delivery{}, err
		}
	}
}

// take hands out what there is now. The poll of a group that is behind waits until its
// organization may read, before it holds events. That may take a while, after which it may
// not be answered any more.
func (p *longPoll) take(ctx context.Context, head core.Offset) (core.Delivery, time.Time, error) {
	c, behind := p.consumers, &p.consumers.turns.laneOf(p.g.ID).behind
	if behind.Load() {
		done, ok, err := c.reads.Wait(ctx, p.g.Org, c.closing)
		if !ok {
			return core.Delivery{}, time.Time{}, err
		}
		defer done()
		if p.who, p.g, err = c.again(ctx, p.who, p.stream, p.group); err != nil {
			return core.Delivery{}, time.Time{}, err
		}
	}
	d, wake, err := c.deliver(ctx, p.g, head, p.poll, neighbours{})
	behind.Store(len(d.Events) > 0 && d.NextOffset+core.Offset(p.poll.Limit) <= head)
	return d, wake, err
}

// gone reports whether the caller of a poll has hung up.
func gone(poll core.Poll) bool { return poll.Gone != nil && poll.Gone() }

// earlier returns the earlier time of two; wake does not count when it is zero.
func earlier(deadline, wake time.Time) time.Time {
	if !wake.IsZero() && wake.Before(deadline) {
		return wake
	}
	return deadline
}

// news are what a poll waits for: its stream has grown, its permission is lost, its
// group has moved.
type news struct{ grown, lost, moved <-chan struct{} }

// goneInterval is how often a poll that sleeps looks whether its caller is still there,
// and whether the clock, which is the database's, has come to the time it waits for.
const goneInterval = 5 * time.Second

// sleep waits for news, or for a time. It reports false when the poll is to end: the
// server stops, or its caller has gone.
func (p *longPoll) sleep(ctx context.Context, news news, until time.Time) bool {
	c := p.consumers
	timer := time.NewTimer(min(until.Sub(c.now()), goneInterval))
	defer timer.Stop()
	for {
		select {
		case <-news.grown:
			return true
		case <-news.lost:
			return true
		case <-news.moved:
			return true
		case <-timer.C:
		case <-c.closing:
			return false
		case <-ctx.Done():
			return false
		}
		left := until.Sub(c.now())
		if left <= 0 {
			return true
		}
		if gone(p.poll) {
			return false
		}
		timer.Reset(min(left, goneInterval))
	}
}
