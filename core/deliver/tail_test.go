package deliver_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// follow begins a tail that ends with the test.
func (s *site) follow(filter core.Filter, after *core.Offset) *eventlog.Tail {
	tail, err := s.tails.Follow(s.desk.Context(), s.desk.who, "orders", filter, after)
	require.NoError(s.desk, err)
	s.desk.Cleanup(tail.Close)
	return tail
}

// next returns the next piece of a tail.
func (d *desk) next(tail *eventlog.Tail) eventlog.TailPart {
	part, more, err := tail.Next(d.Context(), time.Minute)
	require.NoError(d, err)
	require.True(d, more)
	return part
}

// drained reads a tail until nothing happens any more.
func (d *desk) drained(tail *eventlog.Tail) (all []core.Offset, skipped int64) {
	for {
		part := d.next(tail)
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
		d := newDesk(t)
		d.run()
		d.put(many(5)...)
		tail := d.follow(core.Filter{}, nil)
		begun := time.Now()
		require.Equal(t, eventlog.TailPart{}, d.next(tail))
		require.Equal(t, time.Minute, time.Since(begun))
		other := d.node(nil)
		for i := range 40 {
			go func() {
				time.Sleep(time.Duration(i) * 30 * time.Millisecond)
				if i%3 == 0 {
					other.put(many(2)...)
				} else {
					d.put(many(1)...)
				}
			}()
		}
		got, skipped := d.drained(tail)
		require.Equal(t, from(5, 54), got)
		require.Zero(t, skipped)
	})
}

// TestTailResumes: a tail goes on after the last event that was seen, or at
// the first one that is left; an offset that is no event's is refused, but for
// the one before all.
func TestTailResumes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		whole := d.follow(core.Filter{}, new(core.Offset(-1)))
		d.put(many(1200)...)
		got, _ := d.drained(whole)
		require.Equal(t, from(0, 1200), got)
		got, skipped := d.drained(d.follow(core.Filter{}, new(core.Offset(99))))
		require.Equal(t, from(100, 1100), got)
		require.Zero(t, skipped)
		got, _ = d.drained(d.follow(core.Filter{}, new(core.Offset(1199))))
		require.Empty(t, got)
		for _, none := range []core.Offset{-2, 1200, 1 << 40} {
			_, err := d.tails.Follow(t.Context(), d.who, "orders", core.Filter{}, &none)
			coretest.RequireRefusal(t, err, core.CodeValidation, "Last-Event-ID")
		}
		time.Sleep(48 * time.Hour)
		d.put(many(3)...)
		require.NoError(t, d.log.Trim(t.Context(), d.stream, time.Now()))
		got, _ = d.drained(d.follow(core.Filter{}, new(core.Offset(99))))
		require.Equal(t, from(1200, 3), got)
	})
}

// TestTailFilters: a tail shows what matches and passes over the rest.
func TestTailFilters(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		odd := d.follow(core.Filter{Type: "refunded"}, nil)
		all := d.follow(core.Filter{Type: "paid"}, nil)
		d.put(many(700)...)
		events, err := d.log.Read(t.Context(), d.stream, core.Scan{From: 650, Limit: 1})
		require.NoError(t, err)
		one := d.follow(core.Filter{ID: events[0].ID}, new(core.Offset(0)))
		got, _ := d.drained(one)
		require.Equal(t, from(650, 1), got)
		got, _ = d.drained(odd)
		require.Empty(t, got)
		got, _ = d.drained(all)
		require.Equal(t, from(0, 700), got)
	})
}

// TestSlowTail: a reader that falls behind is told how much it missed, and
// what it was shown and told of adds up to the stream.
func TestSlowTail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		slow, fast := d.follow(core.Filter{}, nil), d.follow(core.Filter{}, nil)
		var shown, seen []core.Offset
		var skipped int64
		for range 30 {
			for range 4 {
				d.put(many(1000)...)
				for end := len(seen) + 1000; len(seen) < end; {
					part := d.next(fast)
					require.Zero(t, part.Skipped)
					seen = append(seen, coretest.Offsets(part.Events)...)
				}
			}
			part := d.next(slow)
			require.True(t, part.Skipped == 0 || len(part.Events) == 0, "one or the other")
			shown, skipped = append(shown, coretest.Offsets(part.Events)...), skipped+part.Skipped
		}
		require.Equal(t, from(0, 120_000), seen)
		require.NotZero(t, skipped)
		rest, more := d.drained(slow)
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
		d := newDesk(t)
		d.put(slices.Repeat([]string{`"` + strings.Repeat("x", 300<<10) + `"`}, 10)...)
		tail := d.follow(core.Filter{}, new(core.Offset(0)))
		for _, want := range [][]core.Offset{from(1, 4), from(5, 4), from(9, 1)} {
			require.Equal(t, want, coretest.Offsets(d.next(tail).Events))
		}
	})
}

// TestTailsEnd: Close ends all tails, the end of a call its own; one that the
// log fails says so and goes on where it was.
func TestTailsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		tail := d.follow(core.Filter{}, nil)
		ended, end := context.WithTimeout(t.Context(), time.Second)
		defer end()
		part, more, err := tail.Next(ended, time.Minute)
		require.NoError(t, err)
		require.False(t, more)
		require.Empty(t, part.Events)

		d.put(many(2500)...) // more than is kept in memory
		d.log.blind.Store(true)
		_, more, err = tail.Next(t.Context(), time.Minute)
		coretest.RequireRefusal(t, err, core.CodeUnavailable, "")
		require.True(t, more)
		d.log.blind.Store(false)
		got, _ := d.drained(tail)
		require.Equal(t, from(0, 2500), got)

		begun := time.Now()
		time.AfterFunc(5*time.Second, func() { d.tails.Close(); d.tails.Close() })
		_, more, err = tail.Next(t.Context(), time.Minute)
		require.NoError(t, err)
		require.False(t, more)
		require.Equal(t, 5*time.Second, time.Since(begun))
		_, err = d.tails.Follow(t.Context(), d.who, "none", core.Filter{}, nil)
		coretest.RequireRefusal(t, err, core.CodeNotFound, "")
	})
}
