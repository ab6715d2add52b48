package history_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/app/proof/chaos/history"
)

// group is a consumer group that keeps its promises, on a clock of its own, and
// the record of what its consumers saw. Tests break its promises by hand.
type group struct {
	t    *testing.T
	now  time.Time
	file bytes.Buffer
	rec  *history.DeliveryRecorder
	end  history.Ending
}

const groupVisibility = time.Second

func newGroup(t *testing.T, ordered bool) *group {
	g := &group{t: t, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), end: history.Ending{Group: "mail", Ordered: ordered}}
	g.rec = history.NewDeliveryRecorder(&g.file)
	return g
}

func (g *group) pass(d time.Duration) { g.now = g.now.Add(d) }

// record writes a record a millisecond after the one before it.
func (g *group) record(d history.Delivery) {
	g.pass(time.Millisecond)
	d.Group, d.At = g.end.Group, g.now
	g.rec.Record(d)
}

func (g *group) handle(ok bool, offsets ...int64) {
	for _, offset := range offsets {
		g.record(history.Delivery{Handled: &history.Handled{Offset: offset, OK: ok}})
	}
}

func (g *group) commit(to int64) { g.record(history.Delivery{Committed: &to}) }

func (g *group) lease(lease string, offsets ...int64) {
	g.record(history.Delivery{Leased: &history.Leased{
		Lease: lease, Granted: g.now, Expires: g.now.Add(groupVisibility), Offsets: offsets,
	}})
}

func (g *group) settle(lease string, outcome history.Outcome, done bool, offsets ...int64) {
	g.record(history.Delivery{Settled: &history.Settled{
		Lease: lease, Sent: g.now, Outcome: outcome, Done: done, Offsets: offsets,
	}})
}

func (g *group) extend(lease string, outcome history.Outcome) {
	e := history.Extended{Lease: lease, Sent: g.now, Outcome: outcome}
	if outcome == history.Accepted {
		e.Expires = g.now.Add(groupVisibility)
	}
	g.record(history.Delivery{Extended: &e})
}

func (g *group) check() (found []finding) {
	require.NoError(g.t, g.rec.Err())
	all, err := history.LoadDeliveries(&g.file)
	require.NoError(g.t, err)
	for _, violation := range history.CheckDeliveries(all, g.end) {
		require.Equal(g.t, "mail", violation.Stream)
		found = append(found, finding{violation.Rule, violation.Offset})
	}
	return found
}

// deliveries is a clean history of events 0–9, of which 7 fails, with every
// kind of record in it. A lease "a" ended by itself long ago, "b" was
// settled, and "c" is alive: it holds 8 and 9, which are handled.
func deliveries(t *testing.T, ordered bool) *group {
	g := newGroup(t, ordered)
	g.end.End, g.end.Failing, g.end.Letters = 10, []int64{7}, []int64{7}
	g.record(history.Delivery{Appended: []int64{0, 1, 2, 3, 4, 5, 6, 7, 8}})
	g.commit(-1)
	g.lease("a", 0, 1, 2, 3)
	g.handle(true, 0, 1)
	g.extend("a", history.Accepted)
	g.settle("a", history.Accepted, true, 0)
	g.settle("a", history.Unclear, true, 1)
	g.commit(0)
	g.pass(groupVisibility)
	g.lease("b", 1, 2, 3, 4, 5, 6, 7)
	g.settle("a", history.Rejected, true, 2, 3)
	g.handle(true, 1, 2)
	g.handle(false, 3)
	g.settle("b", history.Accepted, true, 1, 2)
	g.settle("b", history.Accepted, false, 3, 4, 5, 6, 7)
	g.lease("b2", 3, 4, 5, 6, 7)
	g.handle(true, 3, 4, 5, 6)
	g.handle(false, 7)
	g.settle("b2", history.Accepted, true, 3, 4, 5, 6)
	g.settle("b2", history.Accepted, false, 7)
	g.commit(7)
	g.lease("c", 8, 9)
	g.handle(true, 8, 9)
	return g
}

func TestACleanHistoryOfDeliveriesPasses(t *testing.T) {
	t.Parallel()
	for _, ordered := range []bool{false, true} {
		g := deliveries(t, ordered)
		g.settle("c", history.Accepted, true, 8, 9)
		g.commit(9)
		require.Empty(t, g.check())
	}
}

func TestASharedGroupHandlesInAnyOrder(t *testing.T) {
	t.Parallel()
	g := deliveries(t, false)
	g.end.End = 12
	g.handle(true, 11, 10)
	require.Empty(t, g.check())
}

// deliveryFaults break one promise each, after a clean history.
var deliveryFaults = map[string]struct {
	plant func(*group)
	want  []finding
}{
	"an event that nobody was handed": {func(g *group) { g.end.End = 11 }, []finding{{history.RuleNotHandled, 10}}},
	"an event that was only refused": {func(g *group) {
		g.end.End = 11
		g.handle(false, 10)
	}, []finding{{history.RuleNotHandled, 10}}},
	"an acknowledged event that the log lost": {func(g *group) {
		g.record(history.Delivery{Appended: []int64{10}})
	}, []finding{{history.RuleNotHandled, 10}}},
	"a lag that stays": {func(g *group) { g.end.Lag = 3 }, []finding{{history.RuleLag, 10}}},

	"a dead letter that is lost": {func(g *group) { g.end.Letters = nil }, []finding{{history.RuleLetterLost, 7}}},
	"a dead letter of a handled event": {func(g *group) {
		g.end.Letters = append(g.end.Letters, 4)
	}, []finding{{history.RuleLetterWrong, 4}}},
	"a dead letter instead of another try": {func(g *group) {
		g.end.End, g.end.Letters = 11, append(g.end.Letters, 10)
	}, []finding{{history.RuleLetterWrong, 10}}},
	"two dead letters of one event": {func(g *group) {
		g.end.Letters = append(g.end.Letters, 7)
	}, []finding{{history.RuleLetterTwice, 7}}},
	"a replay that leaves one out": {func(g *group) {
		g.end.Failing, g.end.Letters = []int64{7, 12}, []int64{7, 12}
		g.end.Replayed = []int64{4, 7, 12}
	}, []finding{{history.RuleNotReplayed, 12}}},

	"a committed offset that goes back": {func(g *group) { g.commit(6) }, []finding{{history.RuleWentBack, 6}}},
	"a committed offset that goes back and on": {func(g *group) {
		g.commit(9)
		g.commit(-1)
		g.commit(9)
	}, []finding{{history.RuleWentBack, -1}}},
	"committed before it was handled": {func(g *group) {
		g.end.End = 11
		g.commit(10)
		g.handle(true, 10)
	}, []finding{{history.RuleCommitted, 10}}},
	"an order that is not kept": {func(g *group) {
		g.end.End = 13
		g.handle(true, 10, 12, 11)
	}, []finding{{history.RuleHandledEarly, 11}}},

	"under two live leases": {func(g *group) { g.lease("d", 9) }, []finding{{history.RuleTwoLeases, 9}}},
	"under two live leases, on the last millisecond": {func(g *group) {
		g.pass(groupVisibility - 4*time.Millisecond) // the poll and two handlers took three
		g.lease("d", 9)
	}, []finding{{history.RuleTwoLeases, 9}}},
	"under two live leases, the first one extended": {func(g *group) {
		g.extend("c", history.Accepted)
		g.pass(groupVisibility - 2*time.Millisecond)
		g.lease("d", 8)
	}, []finding{{history.RuleTwoLeases, 8}}},
	"under two live leases, of which another event was given back": {func(g *group) {
		g.settle("c", history.Accepted, false, 8)
		g.lease("d", 8, 9)
	}, []finding{{history.RuleTwoLeases, 9}}},
	"under two live leases, the first one older and longer than one between": {func(g *group) {
		g.lease("d", 9)
		g.settle("d", history.Accepted, false, 9)
		g.lease("e", 9)
	}, []finding{{history.RuleTwoLeases, 9}, {history.RuleTwoLeases, 9}}},
	"handed out again after it was settled": {func(g *group) {
		g.settle("c", history.Accepted, true, 9)
		g.pass(groupVisibility)
		g.lease("d", 8, 9)
	}, []finding{{history.RuleSettledAgain, 9}}},

	"handed out to who asked a moment after it was settled": {func(g *group) {
		g.settle("c", history.Accepted, true, 9)
		g.pass(time.Millisecond)
		g.record(history.Delivery{Leased: &history.Leased{
			Lease: "d", Asked: g.now, Granted: g.now, Expires: g.now.Add(groupVisibility), Offsets: []int64{9},
		}})
	}, []finding{{history.RuleSettledAgain, 9}}},

	"settled with a lease that has ended": {func(g *group) {
		g.pass(groupVisibility)
		g.settle("c", history.Accepted, true, 8)
	}, []finding{{history.RuleStale, 8}}},
	"extended after its end": {func(g *group) {
		g.pass(groupVisibility)
		g.extend("c", history.Accepted)
	}, []finding{{history.RuleStale, 8}}},
	"a live lease that nothing settled is refused": {func(g *group) {
		g.settle("c", history.Rejected, true, 8)
	}, []finding{{history.RuleLeaseTaken, 8}}},
	"a live lease is not extended": {func(g *group) {
		g.extend("c", history.Rejected)
	}, []finding{{history.RuleLeaseTaken, 8}}},
}

func TestEachBrokenPromiseOfDeliveryIsFound(t *testing.T) {
	t.Parallel()
	for name, fault := range deliveryFaults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := deliveries(t, true)
			fault.plant(g)
			require.Equal(t, fault.want, g.check())
		})
	}
}

// innocent looks like a fault and is none.
var innocent = map[string]func(*group){
	"settled before a lease by the clock of a server that is ahead": func(g *group) {
		g.settle("c", history.Accepted, true, 9)
		ahead := g.now.Add(10 * time.Millisecond)
		g.record(history.Delivery{Leased: &history.Leased{
			Lease: "d", Asked: g.now.Add(-time.Second), Granted: ahead, Expires: ahead.Add(groupVisibility), Offsets: []int64{9},
		}})
	},
	"again after its lease ended": func(g *group) {
		g.pass(groupVisibility)
		g.lease("d", 8, 9)
	},
	"again in the millisecond of a refusal": func(g *group) {
		g.pass(300 * time.Microsecond)
		g.settle("c", history.Accepted, false, 8, 9)
		g.record(history.Delivery{Leased: &history.Leased{
			Lease: "d", Granted: g.now.Add(-time.Millisecond).Truncate(time.Millisecond), Expires: g.now, Offsets: []int64{8},
		}})
	},
	"again after a call that may have given it back": func(g *group) {
		g.settle("c", history.Unclear, false, 8, 9)
		g.lease("d", 8, 9)
	},
	"settled again with success, for the first answer was lost": func(g *group) {
		g.settle("c", history.Unclear, true, 8)
		g.settle("c", history.Accepted, true, 8)
	},
	"refused after a call that may have settled it": func(g *group) {
		g.settle("c", history.Unclear, true, 8, 9)
		g.settle("c", history.Rejected, true, 8, 9)
	},
	"settled late, after an extension without an answer": func(g *group) {
		g.extend("c", history.Unclear)
		g.pass(groupVisibility)
		g.settle("c", history.Accepted, true, 8)
	},
	"refused once the lease has ended": func(g *group) {
		g.pass(groupVisibility)
		g.extend("c", history.Rejected)
		g.settle("c", history.Rejected, true, 8)
	},
	"a lease whose poll was never answered": func(g *group) {
		g.settle("unknown", history.Accepted, true, 8)
		g.extend("unknown", history.Rejected)
	},
	"handled again by the next consumer": func(g *group) { g.handle(true, 3, 4) },
	"another group goes its own way": func(g *group) {
		g.end.Group = "bill"
		g.commit(3)
		g.handle(true, 1)
		g.lease("x", 8)
		g.end.Group = "mail"
	},
}

func TestWhatOnlyLooksLikeAFaultOfDeliveryPasses(t *testing.T) {
	t.Parallel()
	for name, happen := range innocent {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := deliveries(t, true)
			happen(g)
			require.Empty(t, g.check())
		})
	}
}

func TestDeliveriesOfSeveralProcessesAreRead(t *testing.T) {
	t.Parallel()
	first, second := newGroup(t, true), newGroup(t, true)
	first.handle(true, 0)
	second.pass(5 * time.Millisecond)
	second.handle(true, 1)
	first.pass(10 * time.Millisecond)
	first.handle(true, 2)
	all, err := history.LoadDeliveries(&first.file, &second.file)
	require.NoError(t, err)
	require.True(t, slices.IsSortedFunc(all, func(a, b history.Delivery) int { return a.At.Compare(b.At) }))
	require.Len(t, all, 3)
	require.Empty(t, history.CheckDeliveries(all, history.Ending{Group: "mail", Ordered: true, End: 3}))

	_, err = history.LoadDeliveries(strings.NewReader(`{"group":`))
	require.ErrorContains(t, err, "delivery 1")
}

func TestARecorderOfDeliveriesTellsOfFailedWrites(t *testing.T) {
	t.Parallel()
	full := errors.New("the disk is full")
	rec := history.NewDeliveryRecorder(writerFunc(func([]byte) (int, error) { return 0, full }))
	rec.Record(history.Delivery{})
	require.ErrorIs(t, rec.Err(), full)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestOutcomes(t *testing.T) {
	t.Parallel()
	require.Equal(t, history.Accepted, history.OutcomeOf(nil, false))
	require.Equal(t, history.Rejected, history.OutcomeOf(errors.New("gone"), true))
	require.Equal(t, history.Unclear, history.OutcomeOf(errors.New("broken"), false))
}
