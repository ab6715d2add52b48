package deliver_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// die makes n dead letters of a group, of the events from its next offset on.
func (d *desk) die(group string, n int) {
	for n > 0 {
		d.put(many(min(n, core.MaxPageSize))...)
		got := d.poll(group, min(n, core.MaxPageSize), 0)
		require.NoError(d, d.nack(group, got, core.Nack{Action: core.NackPark, Reason: "odd"}))
		n -= len(got.Events)
	}
}

// replayAll begins to give back the letters of a group, or of all when it is
// empty.
func (d *desk) replayAll(group string, rate float64) core.Replay {
	replay, err := d.Letters.ReplayAll(d.Context(), d.who, core.ReplaySpec{Query: core.LetterQuery{Stream: "orders", Group: group}, Rate: rate})
	require.NoError(d, err)
	return replay
}

// replayed reads how far a replay is.
func (d *desk) replayed(replay core.Replay) core.Replay {
	now, err := d.Letters.Replayed(d.Context(), d.who, replay.ID.String())
	require.NoError(d, err)
	return now
}

// letters of a state that a group has.
func (d *desk) lettersOf(group string, state core.LetterState) (n int) {
	counts, err := d.Letters.Counts(d.Context(), d.who, core.LetterQuery{Stream: "orders", Group: group, State: state})
	require.NoError(d, err)
	for _, count := range counts {
		n += int(count.Count)
	}
	return n
}

// consumeOnce polls a group until it has nothing more, acknowledges all, and
// returns how often each offset came.
func (d *desk) consumeOnce(group string) map[core.Offset]int {
	came := map[core.Offset]int{}
	for {
		got := d.poll(group, core.MaxPageSize, 0)
		if len(got.Events) == 0 {
			return came
		}
		for i := range got.Events {
			came[got.Events[i].Offset]++
			require.Equal(d, 1, got.Attempts[i], "it has all its attempts again")
		}
		require.NoError(d, d.ack(group, got.Lease))
	}
}

// once is what consumeOnce returns when each of n offsets came once.
func once(first core.Offset, n int) map[core.Offset]int {
	came := map[core.Offset]int{}
	for _, offset := range coretest.From(first, n) {
		came[offset] = 1
	}
	return came
}

// TestReplayGivesAllBack: every letter of the groups that were asked for comes
// once, whatever their number, and those of others stay.
func TestReplayGivesAllBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		for _, group := range []string{"mail", "bill", "ship"} {
			d.group(group, core.Shared, nil)
		}
		d.die("mail", 1300)
		time.Sleep(time.Second)
		for group, n := range map[string]int{"bill": 700, "ship": 60} { // at one time: their ids are mixed
			require.NoError(t, d.nack(group, d.poll(group, n, 0), core.Nack{Action: core.NackPark, Reason: group}))
		}
		replay := d.replayAll("bill", 0)
		require.Equal(t, int64(700), replay.Total)
		require.NoError(t, d.Replayer.Work(t.Context()))
		require.Equal(t, core.ReplayDone, d.replayed(replay).State)
		require.Equal(t, []int64{700, 0}, []int64{d.replayed(replay).Done, d.replayed(replay).Gone})
		require.Equal(t, 1300, d.lettersOf("mail", core.Parked))

		replay = d.replayAll("", 0) // what is on its way already is not given back again
		require.Equal(t, int64(1360), replay.Total)
		require.NoError(t, d.Replayer.Work(t.Context()))
		require.Equal(t, int64(1360), d.replayed(replay).Done)
		require.Zero(t, d.lettersOf("", core.Parked))
		for group, n := range map[string]int{"mail": 1300, "bill": 1300, "ship": 1300} {
			require.Equal(t, once(0, n), d.consumeOnce(group), group)
		}
		require.Zero(t, d.lettersOf("", ""), "what was replayed with success is gone")
		require.Equal(t, core.ReplayDone, d.replayAll("mail", 0).State, "nothing to do is done")
	})
}

// TestReplayKeepsItsRate: no more letters a second than asked for, and no
// fewer.
func TestReplayKeepsItsRate(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{0.5, 10, 60} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t)
			d.group("mail", core.Shared, nil)
			letters := int(rate * 20)
			d.die("mail", letters)
			replay := d.replayAll("mail", rate)
			ctx, stop := context.WithCancel(t.Context())
			var worker sync.WaitGroup
			worker.Go(func() { d.Replayer.Run(ctx, nil) })
			for second := range 20 {
				synctest.Wait()
				given := float64(d.lettersOf("mail", core.Replaying))
				require.LessOrEqual(t, given, rate*float64(second))
				require.GreaterOrEqual(t, given, rate*float64(second-1)-1)
				time.Sleep(time.Second)
			}
			time.Sleep(4 * time.Second)
			require.Equal(t, core.ReplayDone, d.replayed(replay).State)
			require.Equal(t, int64(letters), d.replayed(replay).Done)
			stop()
			worker.Wait()
		})
	}
}

// TestReplayIsHeldByOneNode: while one node works on a replay others leave it
// alone, and when that node is silent for half a minute another goes on.
func TestReplayIsHeldByOneNode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.group("mail", core.Shared, nil)
		d.die("mail", 1200)
		replay := d.replayAll("mail", 0)
		nodes := []*site{d.site, d.node(nil), d.node(nil), d.node(nil)}
		before := d.catalog.advance.count()
		d.catalog.advance.slow(time.Second)
		var workers sync.WaitGroup
		for _, node := range nodes {
			workers.Go(func() { require.NoError(t, node.Replayer.Work(t.Context())) })
		}
		workers.Wait()
		require.Equal(t, 3, d.catalog.advance.count()-before, "one node, three pages")
		require.Equal(t, int64(1200), d.replayed(replay).Done)
		d.catalog.advance.slow(0)
		require.Equal(t, once(0, 1200), d.consumeOnce("mail"))

		d.die("mail", 10)
		replay = d.replayAll("mail", 0)
		d.catalog.saveReplay.next(made, notMade) // it has it, and then it is gone
		require.Error(t, d.Replayer.Work(t.Context()))
		time.Sleep(29 * time.Second)
		require.NoError(t, nodes[1].Replayer.Work(t.Context()))
		require.Equal(t, core.ReplayRunning, d.replayed(replay).State)
		time.Sleep(time.Second)
		require.NoError(t, nodes[1].Replayer.Work(t.Context()))
		require.Equal(t, core.ReplayDone, d.replayed(replay).State)
	})
}

// TestReplaySurvivesACrash: when a node dies after it gave letters back and
// before it wrote that down, each letter still comes once, and the counts add
// up.
func TestReplaySurvivesACrash(t *testing.T) {
	t.Parallel()
	for name, crash := range map[string][]func(func() error) error{
		"at once": {notMade}, "holding it": {answerLost}, "after the first page": {made, notMade}, "after the second": {made, made, notMade},
		"having written": {made, answerLost}, "at the end": {made, made, made, notMade}, "having written the end": {made, made, made, answerLost},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t)
				d.group("mail", core.Shared, nil)
				d.die("mail", 1200)
				replay := d.replayAll("mail", 0)
				d.catalog.saveReplay.next(crash...)
				require.Error(t, d.Replayer.Work(t.Context()))
				time.Sleep(30 * time.Second)
				require.NoError(t, d.node(nil).Replayer.Work(t.Context()))
				got := d.replayed(replay)
				require.Equal(t, core.ReplayDone, got.State)
				require.Equal(t, int64(1200), got.Done+got.Gone, "%d done, %d gone", got.Done, got.Gone)
				require.GreaterOrEqual(t, got.Done, int64(200))
				require.Equal(t, once(0, 1200), d.consumeOnce("mail"))
				require.Zero(t, d.lettersOf("", ""))
			})
		})
	}
}

// TestReplayStepsThatMayHaveFailed: a step whose answer is lost counts, and
// one that was not made is made later.
func TestReplayStepsThatMayHaveFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.group("mail", core.Shared, nil)
		d.die("mail", 1200)
		replay := d.replayAll("mail", 0)
		d.catalog.advance.next(answerLost, notMade)
		require.Error(t, d.Replayer.Work(t.Context()))
		require.Equal(t, int64(500), d.replayed(replay).Done)
		require.Equal(t, core.ReplayRunning, d.replayed(replay).State)
		require.NoError(t, d.Replayer.Work(t.Context()), "it is not held: the node said that it stopped")
		require.Equal(t, []int64{1200, 0}, []int64{d.replayed(replay).Done, d.replayed(replay).Gone})
		require.Equal(t, once(0, 1200), d.consumeOnce("mail"))
	})
}

// TestReplayOfWhatIsGone: letters that were discarded meanwhile, or whose group
// was deleted, are counted as gone, and later ones are not given back.
func TestReplayOfWhatIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.group("mail", core.Shared, nil)
		d.group("bill", core.Shared, nil)
		d.die("mail", 20)
		time.Sleep(time.Second)
		require.NoError(t, d.nack("bill", d.poll("bill", 10, 0), core.Nack{Action: core.NackPark}))
		replay := d.replayAll("", 10)
		time.Sleep(time.Second)
		require.NoError(t, d.Replayer.Work(t.Context()))
		require.Equal(t, int64(10), d.replayed(replay).Done)

		require.NoError(t, d.Groups.Delete(t.Context(), d.who, "orders", "bill", 0))
		page, err := d.Letters.List(t.Context(), d.who, core.LetterQuery{State: core.Parked, Limit: 1})
		require.NoError(t, err)
		require.NoError(t, d.Letters.Discard(t.Context(), d.who, page.Items[0].ID.String()))
		d.die("mail", 5)
		time.Sleep(time.Minute)
		require.NoError(t, d.Replayer.Work(t.Context()))
		got := d.replayed(replay)
		require.Equal(t, core.ReplayDone, got.State)
		require.Equal(t, []int64{30, 19, 11}, []int64{got.Total, got.Done, got.Gone})
		require.Equal(t, 5, d.lettersOf("mail", core.Parked), "those that came later stay")
		require.Len(t, d.consumeOnce("mail"), 19)
	})
}

// TestReplayWaitsForRoom: a group with much waiting is given nothing more until
// its consumers have got on.
func TestReplayWaitsForRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.group("mail", core.Shared, nil)
		d.die("mail", 200)
		for range 10 {
			d.put(many(1000)...)
			got := d.poll("mail", 1000, 0)
			nacks := make([]core.Nack, len(got.Events))
			for i := range nacks { // each is due at a time of its own
				nacks[i] = core.Nack{Offset: got.Events[i].Offset, Delay: new(core.Seconds(time.Hour + time.Duration(i)*time.Millisecond))}
			}
			require.NoError(t, d.Consumers.Nack(t.Context(), d.who, "orders", "mail", got.Lease, nacks))
		}
		replay := d.replayAll("mail", 0)
		require.NoError(t, d.Replayer.Work(t.Context()))
		require.NoError(t, d.Replayer.Work(t.Context()))
		require.Equal(t, core.ReplayRunning, d.replayed(replay).State)
		require.Zero(t, d.replayed(replay).Done)
		require.Equal(t, int64(10_000), d.status("mail").Waiting)

		time.Sleep(2 * time.Hour)
		require.NoError(t, d.ack("mail", d.poll("mail", 1000, 0).Lease))
		require.NoError(t, d.Replayer.Work(t.Context()))
		require.Equal(t, core.ReplayDone, d.replayed(replay).State)
		require.Equal(t, int64(200), d.replayed(replay).Done)
	})
}
