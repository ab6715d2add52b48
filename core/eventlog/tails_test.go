package eventlog_test

import (
	"context"
	"log/slog"
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
	tail, err := s.tails.Follow(s.of.Context(), s.of.Who, "orders", filter, after)
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

// TestTailResumes: a tail goes on after the last event that was seen, or at
// the first one that is left; an offset that is no event's is refused, but for
// the one before all.
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
			_, err := a.tails.Follow(t.Context(), a.Who, "orders", core.Filter{}, &none)
			coretest.RequireRefusal(t, err, core.CodeValidation, "Last-Event-ID")
		}
		a.Clock.Pass(48 * time.Hour)
		a.put(many(3)...)
		require.NoError(t, a.log.Trim(t.Context(), a.stream, a.Clock.Now()))
		got, _ = a.drained(a.follow(core.Filter{}, new(core.Offset(99))))
		require.Equal(t, coretest.From(1200, 3), got)
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

// TestSlowTail: a reader that falls behind is told how much it missed, and
// what it was shown and told of adds up to the stream.
func TestSlowTail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAudience(t)
		slow, fast := a.follow(core.Filter{}, nil), a.follow(core.Filter{}, nil)
		var shown, seen []core.Offset
		var skipped int64
		for range 30 {
			for range 4 {
				a.put(many(1000)...)
				for end := len(seen) + 1000; len(seen) < end; {
					part := a.next(fast)
					require.Zero(t, part.Skipped)
					seen = append(seen, coretest.Offsets(part.Events)...)
				}
			}
			part := a.next(slow)
			require.True(t, part.Skipped == 0 || len(part.Events) == 0, "one or the other")
			shown, skipped = append(shown, coretest.Offsets(part.Events)...), skipped+part.Skipped
		}
		require.Equal(t, coretest.From(0, 120_000), seen)
		require.NotZero(t, skipped)
		rest, more := a.drained(slow)
		shown, skipped = append(shown, rest...), skipped+more
		require.True(t, slices.IsSorted(shown))
		require.Len(t, slices.Compact(slices.Clone(shown)), len(shown), "nothing is shown twice")
		require.Equal(t, core.Offset(119_999), shown[len(shown)-1])
		require.Equal(t, int64(120_000), int64(len(shown))+skipped)
	})
}

// TestTailIsBoundedInBytes: one piece is of a megabyte, whatever there is.
func TestTailIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAudience(t)
		a.put(slices.Repeat([]string{`"` + strings.Repeat("x", 300<<10) + `"`}, 10)...)
		tail := a.follow(core.Filter{}, new(core.Offset(0)))
		for _, want := range [][]core.Offset{coretest.From(1, 4), coretest.From(5, 4), coretest.From(9, 1)} {
			require.Equal(t, want, coretest.Offsets(a.next(tail).Events))
		}
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
		_, err = a.tails.Follow(t.Context(), a.Who, "none", core.Filter{}, nil)
		coretest.RequireRefusal(t, err, core.CodeNotFound, "")
	})
}
