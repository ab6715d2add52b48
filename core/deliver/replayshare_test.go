package deliver_test

import (
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// neighbour returns another organization's desk over the same stores.
func (d *desk) neighbour() *desk {
	them := &desk{T: d.T, log: d.log, catalog: d.catalog, who: core.Principal{Org: core.ID{2}, Role: core.RoleAdmin}}
	them.site = them.node(nil)
	them.stream = them.open("orders")
	return them
}

// slow starts as many replays as there may be, each of which gives back a letter in a
// while.
func (d *desk) slow() (all []core.Replay) {
	for i := range core.DefaultShares.Replays {
		group := fmt.Sprintf("mail-%d", i/core.MaxGroupReplays)
		if i%core.MaxGroupReplays == 0 {
			d.group(group, core.Shared, nil)
			d.die(group, 2)
		}
		all = append(all, d.replayAll(group, core.MinReplayRate))
	}
	return all
}

// TestSlowReplaysHoldUpNobody: replays that wait for what their rates allow do not keep
// others from getting on, those of earlier versions included, whose rates had no bound.
func TestSlowReplaysHoldUpNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		them := d.neighbour()
		slow := them.slow()
		for i, replay := range slow { // as if they had been started before there was a bound
			if replay.Revision++; i%2 == 0 {
				replay.Rate = 1e-9
			}
			require.NoError(t, d.catalog.UpdateReplay(t.Context(), replay))
		}
		time.Sleep(time.Minute)
		d.group("mail", core.Shared, nil)
		d.die("mail", 700)
		mine := d.replayAll("mail", 0)
		require.NoError(t, d.Replayer.Work(t.Context()))
		require.Equal(t, core.ReplayDone, d.replayed(mine).State)

		for range 10 {
			time.Sleep(time.Minute)
			require.NoError(t, d.Replayer.Work(t.Context()))
		}
		for _, replay := range slow {
			require.Equal(t, core.ReplayDone, them.replayed(replay).State, "it ends with its last letter")
		}
	})
}

// TestBusyReplaysTakeTurns: of two organizations whose replays take all the time there
// is, each gets half of it, however many replays it has.
func TestBusyReplaysTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		them := d.neighbour()
		for i := range core.DefaultShares.Replays {
			group := fmt.Sprintf("mail-%d", i)
			them.group(group, core.Shared, nil)
			them.die(group, 501)
			them.replayAll(group, 0)
		}
		time.Sleep(time.Second)
		d.group("mail", core.Shared, nil)
		d.die("mail", 1501)
		mine := d.replayAll("mail", 0)
		d.catalog.advance.slow(2 * time.Second) // a step takes longer than a turn
		before := d.catalog.advance.count()
		ended := make(chan error)
		go func() { ended <- d.Replayer.Work(t.Context()) }()
		for d.replayed(mine).State == core.ReplayRunning {
			time.Sleep(time.Second)
		}
		require.LessOrEqual(t, d.catalog.advance.count()-before, 9, "of its own four steps and as many of theirs")
		d.catalog.advance.slow(0)
		require.NoError(t, <-ended)
	})
}

// TestReplaysAreBounded: an organization and a group have so many replays at once, and
// more when one of them has ended or was stopped.
func TestReplaysAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		them := d.neighbour()
		refused := func(d *desk, group, holder string) {
			_, err := d.Letters.ReplayAll(t.Context(), d.who, core.ReplaySpec{Query: core.LetterQuery{Stream: "orders", Group: group}})
			var known *core.Error
			require.ErrorAs(t, err, &known)
			require.Equal(t, core.CodeRateLimited, known.Code)
			require.Positive(t, known.RetryAfter)
			require.Equal(t, string(core.ShareReplays), known.Details[0].Field)
			require.Contains(t, known.Message, holder)
		}
		slow := them.slow()
		refused(them, "", "organization")
		d.group("mail", core.Shared, nil)
		d.die("mail", 10)
		for range core.MaxGroupReplays {
			d.replayAll("mail", core.MinReplayRate)
		}
		refused(d, "mail", "group")
		d.replayAll("", core.MinReplayRate)

		_, err := d.Letters.Stop(t.Context(), d.who, slow[0].ID.String())
		require.Equal(t, core.CodeNotFound, core.CodeOf(err), "it is somebody else's")
		stopped, err := them.Letters.Stop(t.Context(), them.who, slow[0].ID.String())
		require.NoError(t, err)
		require.Equal(t, core.ReplayStopped, stopped.State)
		again, err := them.Letters.Stop(t.Context(), them.who, slow[0].ID.String())
		require.NoError(t, err)
		require.Equal(t, stopped, again, "stopping what has ended changes nothing")
		them.replayAll("", core.MinReplayRate)
		refused(them, "", "organization")
	})
}

// TestAStoppedReplayGivesNothingMoreBack: neither does the node that is in the middle of
// it, and what that has given back until then is counted.
func TestAStoppedReplayGivesNothingMoreBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.group("mail", core.Shared, nil)
		d.die("mail", 1200)
		replay := d.replayAll("mail", 0)
		d.catalog.advance.slow(time.Second)
		worked := make(chan error)
		go func() { worked <- d.node(nil).Replayer.Work(t.Context()) }()
		time.Sleep(500 * time.Millisecond)
		_, err := d.Letters.Stop(t.Context(), d.who, replay.ID.String())
		require.NoError(t, err)
		require.NoError(t, <-worked)
		d.catalog.advance.slow(0)
		time.Sleep(time.Minute)
		require.NoError(t, d.Replayer.Work(t.Context()))
		now := d.replayed(replay)
		require.Equal(t, core.ReplayStopped, now.State)
		require.Equal(t, int64(500), now.Done, "one page was on its way")
		require.Equal(t, 700, d.lettersOf("mail", core.Parked))
		require.Len(t, d.consumeOnce("mail"), 500)
	})
}

// TestReplaysAreListed: the newest first, in pages, by state, and those of other streams
// not to who is narrowed.
func TestReplaysAreListed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.group("mail", core.Shared, nil)
		d.die("mail", 2)
		var want []core.ID
		for range 3 {
			want = append([]core.ID{d.replayAll("mail", core.MinReplayRate).ID}, want...)
			time.Sleep(time.Second)
		}
		_, err := d.Letters.Stop(t.Context(), d.who, want[1].String())
		require.NoError(t, err)
		list := func(who core.Principal, q core.ReplayQuery) (ids []core.ID, next string) {
			page, err := d.Letters.Replays(t.Context(), who, q)
			require.NoError(t, err)
			for _, replay := range page.Items {
				ids = append(ids, replay.ID)
			}
			return ids, page.NextCursor
		}
		got, next := list(d.who, core.ReplayQuery{Limit: 2})
		require.Equal(t, want[:2], got)
		got, next = list(d.who, core.ReplayQuery{Limit: 2, Cursor: next})
		require.Equal(t, want[2:], got)
		require.Empty(t, next)
		got, _ = list(d.who, core.ReplayQuery{State: core.ReplayRunning})
		require.Equal(t, []core.ID{want[0], want[2]}, got)
		narrow := d.who
		narrow.Streams = []core.ID{d.stream}
		got, _ = list(narrow, core.ReplayQuery{})
		require.Empty(t, got)
		_, err = d.Letters.Stop(t.Context(), narrow, want[0].String())
		require.Equal(t, core.CodeNotFound, core.CodeOf(err))
		_, err = d.Letters.Replays(t.Context(), d.who, core.ReplayQuery{State: "odd"})
		require.Equal(t, core.CodeValidation, core.CodeOf(err))
	})
}

// TestARateHasBounds: one that would make a replay without an end is refused, by name.
func TestARateHasBounds(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, rate := range []float64{1e-9, core.MinReplayRate / 2, -1, 1e9, math.NaN(), math.Inf(1), math.SmallestNonzeroFloat64} {
		_, err := d.Letters.ReplayAll(t.Context(), d.who, core.ReplaySpec{Rate: rate})
		var known *core.Error
		require.ErrorAs(t, err, &known)
		require.Equal(t, core.CodeValidation, known.Code)
		require.Equal(t, "rate", known.Details[0].Field)
	}
}
