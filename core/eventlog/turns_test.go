package eventlog_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// behind has 50 tails read a stream from its beginning, which memory does not reach,
// while a page takes ten milliseconds. They end with ctx.
func (a *audience) behind(ctx context.Context) *sync.WaitGroup {
	begin := core.Offset(-1)
	a.put(many(8_000)...)
	a.log.SlowReading.Store(int64(10 * time.Millisecond))
	var all sync.WaitGroup
	for range 50 {
		tail := a.follow(core.Filter{}, &begin)
		all.Go(func() {
			for more, err := true, error(nil); more && err == nil; {
				_, more, err = tail.Next(ctx, time.Minute)
			}
		})
	}
	return &all
}

// Tails that are behind have an eighth of the store's time beside producers, and a third
// where there are none, however many they are. Those at the head do not wait for them.
func TestTailsThatAreBehindGiveWay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		producing   bool
		least, most int64
	}{{true, 120, 126}, {false, 320, 336}} {
		synctest.Test(t, func(t *testing.T) {
			a := newAudience(t)
			ctx, end := context.WithTimeout(t.Context(), 10*time.Second)
			defer end()
			reading := a.behind(ctx)
			a.stream = a.Create(core.StreamSpec{Name: "other"})
			front, err := a.tails.Follow(t.Context(), a.Who, "other", eventlog.TailSpec{})
			require.NoError(t, err)
			defer front.Close()
			for c.producing && ctx.Err() == nil {
				begun := time.Now()
				a.put(`{}`)
				require.Len(t, a.next(front).Events, 1)
				require.Less(t, time.Since(begun), 50*time.Millisecond)
				time.Sleep(5 * time.Millisecond)
			}
			reading.Wait()
			require.GreaterOrEqual(t, a.log.Reads.Load(), c.least)
			require.LessOrEqual(t, a.log.Reads.Load(), c.most)
		})
	}
}

// A tail that waits for its turn to read is looked at again when it comes.
func TestATailLooksAgainAfterItsTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAudience(t)
		ctx, end := context.WithCancel(t.Context())
		reading := a.behind(ctx)
		synctest.Wait()
		badge, begin := &coretest.Badge{Who: a.Who}, core.Offset(-1)
		tail, err := a.tails.Follow(t.Context(), badge.Worn(), "orders", eventlog.TailSpec{After: &begin})
		require.NoError(t, err)
		defer tail.Close()
		time.AfterFunc(100*time.Millisecond, func() { badge.Revoked.Store(true) })
		begun := time.Now()
		part, _, err := tail.Next(t.Context(), time.Minute)
		require.Equal(t, core.CodeUnauthorized, core.CodeOf(err))
		require.Empty(t, part.Events)
		require.Greater(t, time.Since(begun), time.Second, "others were before it")
		end()
		reading.Wait()
	})
}

// export reads a stream to its end, or until ctx ends.
func export(ctx context.Context, query *eventlog.Query, who core.Principal) (events int, err error) {
	all, err := query.Export(ctx, who, "orders", core.EventQuery{})
	if err != nil {
		return 0, err
	}
	for _, err := range all {
		if err != nil {
			return events, err
		}
		events++
	}
	return events, nil
}

// However many exports an organization has read at once, they have a sixth of the time of
// one reader beside producers. Another organization's does not wait for them.
func TestExportsOfAnOrganizationTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAudience(t)
		query := eventlog.NewQuery(eventlog.QueryPorts{
			Log: a.log, Streams: a.Streams, Authorizer: coretest.Everything{}, Record: func(context.Context, core.AuditRecord) {}, Now: time.Now,
			Turns: eventlog.NewTurns(a.recent),
		})
		mine, other := a.Who, a.Who
		other.Org = core.ID{9}
		a.Who = other
		a.Put(a.Create(core.StreamSpec{Name: "orders"}), slices.Repeat([]core.Event{{Type: "paid"}}, 3000)...)
		a.Who = mine
		a.put(many(20_000)...)
		a.log.SlowReading.Store(int64(10 * time.Millisecond))

		ctx, end := context.WithTimeout(t.Context(), 10*time.Second)
		defer end()
		var all sync.WaitGroup
		for range 30 {
			all.Go(func() { _, _ = export(ctx, query, mine) })
		}
		all.Go(func() {
			for ctx.Err() == nil {
				a.recent.Committed(nil)
				time.Sleep(5 * time.Millisecond)
			}
		})
		time.Sleep(time.Second)
		begun := time.Now()
		events, err := export(t.Context(), query, other)
		require.NoError(t, err)
		require.Equal(t, 3000, events)
		require.Less(t, time.Since(begun), 200*time.Millisecond)
		all.Wait()
		require.GreaterOrEqual(t, a.log.Reads.Load(), int64(180), "the first ones of 30, and a sixth of 1000")
		require.LessOrEqual(t, a.log.Reads.Load(), int64(30+167+5))
	})
}

// A search that finds nothing gives its place back after two seconds, with a cursor.
func TestASearchThatTakesLongHasShortPages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAudience(t)
		a.put(many(20_000)...)
		a.log.SlowReading.Store(int64(300 * time.Millisecond))
		search, pages := core.EventQuery{Payload: []core.PayloadMatch{{Path: "none", Value: "1"}}}, 0
		for more := true; more; pages++ {
			begun := time.Now()
			page, err := a.Query.Events(t.Context(), a.Who, "orders", search)
			require.NoError(t, err)
			require.Empty(t, page.Items)
			require.Less(t, time.Since(begun), 3*time.Second)
			more, search.Cursor = page.HasMore, page.NextCursor
		}
		require.Equal(t, 3, pages)
	})
}

// A window that waited for a store that hangs is no reason to rest for as long again.
func TestTheRestAfterAStoreThatHungIsShort(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAudience(t)
		turns := eventlog.NewTurns(a.recent)
		require.True(t, turns.Backfill(t.Context(), a.Who.Org, nil, func() {
			time.Sleep(time.Minute)
			for range 100 {
				a.recent.Committed([]core.Batch{{Org: core.ID{7}}})
			}
		}))
		begun := time.Now()
		require.True(t, turns.Backfill(t.Context(), a.Who.Org, nil, func() {}))
		require.Equal(t, 7*time.Second, time.Since(begun))
	})
}
