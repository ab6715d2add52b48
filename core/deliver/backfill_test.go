package deliver_test

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// crowded is a desk at which reading takes ten milliseconds, with a long stream in each of
// two organizations. It is the one of mine to begin with.
type crowded struct {
	*desk
	mine, other core.Principal
}

func newCrowded(t *testing.T) *crowded {
	c := &crowded{desk: newDesk(t)}
	c.mine, c.other = c.who, c.who
	c.other.Org = core.ID{9}
	c.who = c.other
	mine := c.stream
	c.stream = c.open("orders")
	c.put(many(20_000)...)
	c.who, c.stream = c.mine, mine
	c.put(many(20_000)...)
	c.log.SlowReading.Store(int64(10 * time.Millisecond))
	return c
}

// fromStart makes a group that has all of the stream before it.
func (c *crowded) fromStart(name string, mode core.Mode) core.Group {
	return c.group(name, mode, func(s *core.GroupSpec) { s.Start = core.Start{Offset: new(core.Offset(0))} })
}

// work has a worker go through so many leases of a group, or until ctx ends.
func (c *crowded) work(ctx context.Context, group core.Group, leases int) {
	w, err := c.Workers.Work(context.WithoutCancel(ctx), group)
	require.NoError(c, err)
	defer w.Close()
	for i := 0; i < leases && ctx.Err() == nil; i++ {
		d, err := w.Next(ctx, 100)
		if ctx.Err() != nil {
			return
		}
		require.NoError(c, err)
		require.NotEmpty(c, d.Events)
		require.NoError(c, w.Settle(context.WithoutCancel(ctx), d.Lease, nil, nil))
	}
}

// However many processors of an organization are behind, they read an eighth of the time
// of one reader beside producers. Another organization's does not wait for them.
func TestProcessorsThatAreBehindTakeTurns(t *testing.T) {
	t.Parallel()
	for _, mode := range []core.Mode{core.Shared, core.Ordered} {
		synctest.Test(t, func(t *testing.T) {
			c := newCrowded(t)
			ctx, end := context.WithTimeout(t.Context(), 10*time.Second)
			defer end()
			var all sync.WaitGroup
			for i := range 20 {
				group := c.fromStart("backfill-"+strconv.Itoa(i), mode)
				all.Go(func() { c.work(ctx, group, 20_000/100) })
			}
			all.Go(func() { c.produce(ctx, core.ID{7}) })
			time.Sleep(time.Second)
			c.who = c.other
			group := c.fromStart("backfill", mode)
			begun := time.Now()
			c.work(t.Context(), group, 10)
			require.Less(t, time.Since(begun), 1200*time.Millisecond)
			all.Wait()
			require.GreaterOrEqual(t, c.log.Reads.Load(), int64(20+100))
			require.LessOrEqual(t, c.log.Reads.Load(), int64(20+125+11+25), "the first ones, an eighth of 1000, the other's, and what was read ahead")
		})
	}
}

// produce has an organization commit something every two milliseconds.
func (c *crowded) produce(ctx context.Context, org core.ID) {
	for ctx.Err() == nil {
		c.recent.Committed([]core.Batch{{Org: org}})
		time.Sleep(2 * time.Millisecond)
	}
}

// consume has a consumer go through a group to its end, or until ctx ends.
func (c *crowded) consume(ctx context.Context, who core.Principal, group string) {
	for ctx.Err() == nil {
		d, err := c.Consumers.Poll(ctx, who, "orders", group, core.Poll{Limit: 100})
		if ctx.Err() != nil {
			return
		}
		require.NoError(c, err)
		if len(d.Events) == 0 {
			return
		}
		require.NoError(c, c.Consumers.Ack(context.WithoutCancel(ctx), who, "orders", group, d.Lease, nil))
	}
}

// However many consumers of an organization are behind, they read a quarter of the time
// while others produce, where two cores are. Another organization's does not wait for
// them. While nobody else produces they read as they like.
func TestConsumersThatAreBehindGiveWayToOthers(t *testing.T) {
	t.Parallel()
	parts := int64(max(runtime.GOMAXPROCS(0)/2, 1))
	for _, producer := range []core.ID{{1}, {7}} {
		synctest.Test(t, func(t *testing.T) {
			c := newCrowded(t)
			ctx, end := context.WithTimeout(t.Context(), 10*time.Second)
			defer end()
			var all sync.WaitGroup
			for i := range 20 {
				group := c.fromStart("late-"+strconv.Itoa(i), core.Shared)
				all.Go(func() { c.consume(ctx, c.mine, group.Name) })
			}
			all.Go(func() { c.produce(ctx, producer) })
			time.Sleep(time.Second)
			c.who = c.other
			group := c.fromStart("late", core.Shared)
			begun := time.Now()
			for range 5 {
				require.NotEmpty(t, c.poll(group.Name, 100, 0).Events)
			}
			require.Less(t, time.Since(begun), 100*time.Millisecond)
			all.Wait()
			if producer == c.mine.Org {
				require.Greater(t, c.log.Reads.Load(), int64(3000))
				return
			}
			require.GreaterOrEqual(t, c.log.Reads.Load(), 230*parts)
			require.LessOrEqual(t, c.log.Reads.Load(), (250+10)*parts+20+10, "a quarter of 1000, what is for credit, the first ones, and the other's")
		})
	}
}

// A poll whose turn would be long in coming is refused, and says when to come back. Nothing
// is held for it.
func TestAPollWaitsForItsTurnWithinReason(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowded(t)
		c.log.SlowReading.Store(int64(time.Second))
		ctx, end := context.WithCancel(t.Context())
		defer end()
		var all sync.WaitGroup
		all.Go(func() { c.produce(ctx, core.ID{7}) })
		c.fromStart("late", core.Shared)
		var refused atomic.Pointer[core.Error]
		for refused.Load() == nil {
			_, err := c.Consumers.Poll(t.Context(), c.mine, "orders", "late", core.Poll{Limit: 10})
			require.NoError(t, err)
			for range 20 {
				all.Go(func() {
					_, err := c.Consumers.Poll(t.Context(), c.mine, "orders", "late", core.Poll{Limit: 10})
					if refusal, is := errors.AsType[*core.Error](err); is {
						refused.Store(refusal)
					}
				})
			}
			synctest.Wait()
		}
		require.Equal(t, core.CodeRateLimited, refused.Load().Code)
		require.Greater(t, refused.Load().RetryAfter, time.Second)
		end()
		all.Wait()
		time.Sleep(time.Minute)
		require.NotEmpty(t, c.poll("late", 10, 0).Events)
	})
}

// A poll that waits until its organization may read is looked at again when it may.
func TestAPollLooksAgainAfterItMayRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowded(t)
		c.log.SlowReading.Store(int64(500 * time.Millisecond))
		ctx, end := context.WithCancel(t.Context())
		var producing sync.WaitGroup
		producing.Go(func() { c.produce(ctx, core.ID{7}) })
		c.fromStart("late", core.Shared)
		for range 3 { // the first one does not know that the group is behind
			require.NotEmpty(t, c.poll("late", 100, 0).Events)
		}
		badge := &coretest.Badge{Who: c.mine}
		time.AfterFunc(time.Millisecond, func() { badge.Revoked.Store(true) })
		_, err := c.Consumers.Poll(t.Context(), badge.Worn(), "orders", "late", core.Poll{Limit: 100})
		require.Equal(t, core.CodeUnauthorized, core.CodeOf(err))
		require.EqualValues(t, 300, c.status("late").Leased)
		end()
		producing.Wait()
	})
}
