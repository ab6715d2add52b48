package eventlog_test

import (
	"context"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// audience is a stream named orders that people watch on some nodes. Waiting goes by
// the real clock, which tests make pass in a bubble; events get the rig's time.
type audience struct {
	*testing.T
	*coretest.Rig
	log    *coretest.WatchedLog
	stream core.ID
	*screen
}

// screen is one node of it.
type screen struct {
	of     *audience
	recent *eventlog.Recent
	tails  *eventlog.Tails
}

func newAudience(t *testing.T) *audience {
	log := &coretest.WatchedLog{EventLog: coretest.OpenLog(t)}
	a := &audience{T: t, Rig: coretest.NewRig(t, log), log: log}
	a.stream = a.Create(core.StreamSpec{Name: "orders"})
	a.screen = a.node()
	return a
}

// node returns another node over the same log.
func (a *audience) node() *screen {
	recent := eventlog.NewRecent(a.log, nil, slog.New(slog.DiscardHandler))
	return &screen{of: a, recent: recent, tails: eventlog.NewTails(a.Streams, recent, a.log)}
}

// run keeps the node's hub going until the test ends.
func (s *screen) run() {
	ctx, stop := context.WithCancel(context.WithoutCancel(s.of.Context()))
	var hub sync.WaitGroup
	hub.Go(func() { s.recent.Run(ctx) })
	s.of.Cleanup(func() {
		stop()
		hub.Wait()
	})
}

// put stores payloads as events of type paid through the node.
func (s *screen) put(payloads ...string) {
	events := make([]core.Event, len(payloads))
	for i, payload := range payloads {
		events[i] = core.Event{Type: "paid", Payload: []byte(payload)}
	}
	batch := core.Batch{Org: s.of.Who.Org, Stream: s.of.stream}
	for _, stored := range s.of.Put(s.of.stream, events...) {
		batch.Entries = append(batch.Entries, core.Entry{Event: stored})
	}
	s.recent.Committed([]core.Batch{batch})
}

// many are n payloads.
func many(n int) []string { return slices.Repeat([]string{`{}`}, n) }

// follow begins a tail that ends with the test.
func (s *screen) follow(filter core.Filter, after *core.Offset) *eventlog.Tail {
	return s.watch(eventlog.TailSpec{Filter: filter, After: after})
}

func (s *screen) watch(spec eventlog.TailSpec) *eventlog.Tail {
	tail, err := s.tails.Follow(s.of.Context(), s.of.Who, "orders", spec)
	require.NoError(s.of.T, err)
	s.of.Cleanup(tail.Close)
	return tail
}

// next returns the next piece of a tail.
func (a *audience) next(tail *eventlog.Tail) eventlog.TailPart {
	part, more, err := tail.Next(a.Context(), time.Minute)
	require.NoError(a.T, err)
	require.True(a.T, more)
	return part
}

// drained reads a tail until nothing happens any more.
func (a *audience) drained(tail *eventlog.Tail) (all []core.Offset, skipped int64) {
	for {
		part := a.next(tail)
		if len(part.Events) == 0 && part.Skipped == 0 {
			return all, skipped
		}
		all = append(all, coretest.Offsets(part.Events)...)
		skipped += part.Skipped
	}
}

// TestTailFollows: a tail begins at the end of the stream, shows each event
// once and in order, and a minute of silence as that.
func TestTailFollows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAudience(t)
		a.run()
		a.put(many(5)...)
		tail := a.follow(core.Filter{}, nil)
		begun := time.Now()
		require.Equal(t, eventlog.TailPart{}, a.next(tail))
		require.Equal(t, time.Minute, time.Since(begun))
		other := a.node()
		for i := range 40 {
			go func() {
				time.Sleep(time.Duration(i) * 30 * time.Millisecond)
				if i%3 == 0 {
					other.put(many(2)...)
				} else {
					a.put(many(1)...)
				}
			}()
		}
		got, skipped := a.drained(tail)
		require.Equal(t, coretest.From(5, 54), got)
		require.Zero(t, skipped)
	})
}

// TestTailResumes: a tail goes on after the last event that was seen, and -1 is
// before all; an offset that no event has yet is refused under its name.
func TestTailResumes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAudience(t)
		whole := a.follow(core.Filter{}, new(core.Offset(-1)))
		a.put(many(1200)...)
		got, _ := a.drained(whole)
		require.Equal(t, coretest.From(0, 1200), got)
		got, skipped := a.drained(a.follow(core.Filter{}, new(core.Offset(99))))
		require.Equal(t, coretest.From(100, 1100), got)
		require.Zero(t, skipped)
		got, _ = a.drained(a.follow(core.Filter{}, new(core.Offset(1199))))
		require.Empty(t, got)
		for _, none := range []core.Offset{-2, 1200, 1 << 40} {
			_, err := a.tails.Follow(t.Context(), a.Who, "orders", eventlog.TailSpec{After: &none})
			coretest.RequireRefusal(t, err, core.CodeValidation, "after")
			_, err = a.tails.Follow(t.Context(), a.Who, "orders", eventlog.TailSpec{After: &none, AfterField: "Last-Event-ID"})
			coretest.RequireRefusal(t, err, core.CodeValidation, "Last-Event-ID")
		}
	})
}

// TestTailBeginsWhereItIsTold: a tail delivers all that is stored from its place on,
// page by page, however much that is and whatever is kept in memory.
func TestTailBeginsWhereItIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAudience(t)
		a.put(many(20_045)...)
		got, skipped := a.drained(a.follow(core.Filter{}, new(core.Offset(-1))))
		require.Equal(t, coretest.From(0, 20_045), got)
		require.Zero(t, skipped)
	})
}

// TestTailSaysWhatRetentionTook: what is not there any more is counted, at the
// beginning of a tail and on its way.
func TestTailSaysWhatRetentionTook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAudience(t)
		a.run()
		a.put(many(1200)...)
		slow := a.follow(core.Filter{}, new(core.Offset(99)))
		require.Equal(t, coretest.From(100, 500), coretest.Offsets(a.next(slow).Events))
		a.Clock.Pass(48 * time.Hour)
		a.node().put(many(3)...)
		require.NoError(t, a.log.Trim(t.Context(), a.stream, a.Clock.Now()))
		for name, c := range map[string]struct {
			tail *eventlog.Tail
			took int64
		}{
			"from before all": {a.follow(core.Filter{}, new(core.Offset(-1))), 1200},
			"filtered":        {a.follow(core.Filter{Type: "paid"}, new(core.Offset(99))), 1100},
			"on its way":      {slow, 600},
			"from the first":  {a.follow(core.Filter{}, new(core.Offset(1199))), 0},
		} {
			if c.took > 0 {
				require.Equal(t, eventlog.TailPart{Skipped: c.took, Removed: true}, a.next(c.tail), name)
				require.Equal(t, core.Offset(1199), c.tail.Position(), name)
			}
			got, skipped := a.drained(c.tail)
			require.Equal(t, coretest.From(1200, 3), got, name)
			require.Zero(t, skipped, name)
		}
	})
}

// TestTailKnowsItsPosition: a tail whose filter matches nothing gets on
// nevertheless, and whoever comes back with its position has missed nothing.
func TestTailKnowsItsPosition(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAudience(t)
		require.Equal(t, core.Offset(-1), a.follow(core.Filter{}, nil).Position())
		a.put(many(12_000)...)
		odd := a.follow(core.Filter{Type: "refunded"}, new(core.Offset(-1)))
		got, _ := a.drained(odd)
		require.Empty(t, got)
		require.Equal(t, core.Offset(11_999), odd.Position())
		a.log.Reads.Store(0)
		again := a.follow(core.Filter{Type: "refunded"}, new(odd.Position()))
		got, _ = a.drained(again)
		require.Empty(t, got)
		require.Zero(t, a.log.Reads.Load(), "nothing is looked at twice")
	})
}

// TestTailFilters: a tail shows what matches and passes over the rest.
func TestTailFilters(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAudience(t)
		odd := a.follow(core.Filter{Type: "refunded"}, nil)
		all := a.follow(core.Filter{Type: "paid"}, nil)
		a.put(many(700)...)
		events, err := a.log.Read(t.Context(), a.stream, core.Scan{From: 650, Limit: 1})
		require.NoError(t, err)
		one := a.follow(core.Filter{ID: events[0].ID}, new(core.Offset(0)))
		got, _ := a.drained(one)
		require.Equal(t, coretest.From(650, 1), got)
		got, _ = a.drained(odd)
		require.Empty(t, got)
		got, _ = a.drained(all)
		require.Equal(t, coretest.From(0, 700), got)
	})
}

// TestSlowTail: a reader that falls behind gets everything nevertheless. One that
// wants to be near the end is told how much it missed, and what it was shown and told
// of adds up to the stream.
func TestSlowTail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAudience(t)
		slow, fast := a.watch(eventlog.TailSpec{MaxBehind: 10_000}), a.follow(core.Filter{}, nil)
		patient := a.follow(core.Filter{}, nil)
		var shown []core.Offset
		var skipped int64
		for i := range 30 {
			a.put(many(1000)...)
			for end := core.Offset(1000*i + 1000); fast.Position() < end-1; {
				require.Zero(t, a.next(fast).Skipped)
			}
			if i%8 == 0 {
				part := a.next(slow)
				require.True(t, part.Skipped == 0 || len(part.Events) == 0, "one or the other")
				require.False(t, part.Removed)
				shown, skipped = append(shown, coretest.Offsets(part.Events)...), skipped+part.Skipped
			}
		}
		rest, more := a.drained(slow)
		shown, skipped = append(shown, rest...), skipped+more
		require.NotZero(t, skipped)
		require.True(t, slices.IsSorted(shown))
		require.Len(t, slices.Compact(slices.Clone(shown)), len(shown), "nothing is shown twice")
		require.Equal(t, core.Offset(29_999), shown[len(shown)-1])
		require.Equal(t, int64(30_000), int64(len(shown))+skipped)
		all, none := a.drained(patient)
		require.Equal(t, coretest.From(0, 30_000), all)
		require.Zero(t, none)
	})
}

// TestTailIsBoundedInBytes: one piece is of some hundred kilobytes, whether it comes
// from memory or from the log.
func TestTailIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAudience(t)
		old := a.follow(core.Filter{}, nil)
		a.put(slices.Repeat([]string{`"` + strings.Repeat("x", 50<<10) + `"`}, 8)...)
		for _, tail := range []*eventlog.Tail{old, a.node().follow(core.Filter{}, new(core.Offset(-1)))} {
			for _, want := range [][]core.Offset{coretest.From(0, 3), coretest.From(3, 3), coretest.From(6, 2)} {
				require.Equal(t, want, coretest.Offsets(a.next(tail).Events))
			}
		}
	})
}

// TestManyTailsTakeTurns: what tails are handed together is bounded, so that a
// thousand of them leave the node to its producers. One alone hardly waits.
func TestManyTailsTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAudience(t)
		tails := make([]*eventlog.Tail, 1000)
		for i := range tails {
			tails[i] = a.follow(core.Filter{}, nil)
		}
		a.put(many(1)...)
		begun := time.Now()
		require.Len(t, a.next(tails[0]).Events, 1)
		require.Zero(t, time.Since(begun), "the first is served at once")
		var all sync.WaitGroup
		for _, tail := range tails[1:] {
			all.Go(func() { a.next(tail) })
		}
		all.Wait()
		took := time.Since(begun)
		require.Greater(t, took, time.Duration(500/runtime.GOMAXPROCS(0))*100*time.Microsecond)
		require.Less(t, took, time.Second)
	})
}

// However many tails an organization has, another one's at the head of its stream is served
// at once.
func TestTailsOfAnOrganizationWaitForEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAudience(t)
		ctx, end := context.WithTimeout(t.Context(), 10*time.Second)
		defer end()
		var all sync.WaitGroup
		for range 500 {
			tail := a.follow(core.Filter{}, nil)
			all.Go(func() {
				for more, err := true, error(nil); more && err == nil; {
					_, more, err = tail.Next(ctx, time.Minute)
				}
			})
		}
		busy, mine := a.stream, a.Who
		other := mine
		other.Org = core.ID{9}
		a.Who = other
		quiet := a.Create(core.StreamSpec{Name: "quiet"})
		tail, err := a.tails.Follow(t.Context(), other, "quiet", eventlog.TailSpec{})
		require.NoError(t, err)
		defer tail.Close()
		for ctx.Err() == nil {
			a.Who, a.stream = mine, busy
			a.put(slices.Repeat([]string{`{"text":"` + strings.Repeat("x", 1000) + `"}`}, 100)...)
			time.Sleep(20 * time.Millisecond)
			a.Who, a.stream = other, quiet
			begun := time.Now()
			a.put(`{}`)
			require.Len(t, a.next(tail).Events, 1)
			require.Less(t, time.Since(begun), 10*time.Millisecond)
		}
		all.Wait()
	})
}

// TestTailsEnd: Close ends all tails, the end of a call its own; one that the
// log fails says so and goes on where it was.
func TestTailsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAudience(t)
		tail := a.follow(core.Filter{}, nil)
		ended, end := context.WithTimeout(t.Context(), time.Second)
		defer end()
		part, more, err := tail.Next(ended, time.Minute)
		require.NoError(t, err)
		require.False(t, more)
		require.Empty(t, part.Events)

		a.put(many(2500)...) // more than is kept in memory
		a.log.Blind.Store(true)
		_, more, err = tail.Next(t.Context(), time.Minute)
		coretest.RequireRefusal(t, err, core.CodeUnavailable, "")
		require.True(t, more)
		a.log.Blind.Store(false)
		got, _ := a.drained(tail)
		require.Equal(t, coretest.From(0, 2500), got)

		begun := time.Now()
		time.AfterFunc(5*time.Second, func() { a.tails.Close(); a.tails.Close() })
		_, more, err = tail.Next(t.Context(), time.Minute)
		require.NoError(t, err)
		require.False(t, more)
		require.Equal(t, 5*time.Second, time.Since(begun))
		_, err = a.tails.Follow(t.Context(), a.Who, "none", eventlog.TailSpec{})
		coretest.RequireRefusal(t, err, core.CodeNotFound, "")
	})
}
