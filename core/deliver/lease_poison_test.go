package deliver

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/eventflow-go/eventflow/core"
)

// crowd is a group whose consumers die of some events.
type crowd struct {
	state  *groupState
	group  core.Group
	now    time.Time
	poison map[core.Offset]bool
	// runs are the sizes of what killed a consumer, parked what became a dead
	// letter, taken how often each event was handed out.
	runs   []int
	parked []core.Offset
	taken  []int
	polls  int
}

func newCrowd(mode core.Mode, attempts, events int, poison ...core.Offset) *crowd {
	c := &crowd{state: &groupState{}, now: leaseStart, poison: map[core.Offset]bool{}, taken: make([]int, events)}
	c.group = core.Group{Mode: mode, MaxAttempts: attempts, Visibility: core.DefaultVisibility, Backoff: core.Backoff{Initial: core.DefaultBackoffInitial, Max: core.DefaultBackoffMax}}
	for _, offset := range poison {
		c.poison[offset] = true
	}
	return c
}

// consume works until nothing is left.
func (c *crowd) consume(limit int) {
	for {
		for _, one := range c.state.expire(c.now, &c.group, func() float64 { return 0.5 }) {
			for offset := one.From; one.park && offset < one.To; offset++ {
				c.parked = append(c.parked, offset)
			}
		}
		if spans := c.state.take(c.now, &c.group, core.Offset(len(c.taken)), limit); len(spans) > 0 {
			c.process(spans)
			continue
		}
		wake := c.state.wake(c.now)
		if wake.IsZero() {
			return
		}
		c.now = wake
	}
}

// process acknowledges a run, unless it kills the consumer.
func (c *crowd) process(spans []span) {
	c.polls++
	id, dies := core.ID{0: byte(c.polls), 1: byte(c.polls >> 8), 2: byte(c.polls >> 16), 15: 1}, false
	for _, part := range spans {
		for offset := part.From; offset < part.To; offset++ {
			c.taken[offset]++
			dies = dies || c.poison[offset]
		}
	}
	c.state.hold(id, c.now.Add(c.group.Visibility.Duration()), slices.Clone(spans))
	if dies {
		c.runs = append(c.runs, sizeOf(spans))
		return
	}
	_, _ = c.state.ack(c.now, id, nil)
}

// TestPoisonDiesAlone: an event that kills its consumers becomes a dead letter
// alone, and takes none of its neighbours with it.
func TestPoisonDiesAlone(t *testing.T) {
	t.Parallel()
	for attempts, runs := range [][]int{2: {1000, 1}, 3: {1000, 100, 1}, 4: {1000, 100, 10, 1}, 5: {1000, 100, 10, 1, 1}, 7: {1000, 100, 10, 1, 1, 1, 1}} {
		for _, mode := range []core.Mode{core.Ordered, core.Shared} {
			for _, at := range []core.Offset{0, 417, 999, 2999} {
				if attempts < 2 || runs == nil {
					continue
				}
				c := newCrowd(mode, attempts, 3000, at)
				c.consume(core.MaxPageSize)
				require.Equal(t, runs, c.runs, "%s, %d attempts, %d", mode, attempts, at)
				require.Equal(t, []core.Offset{at}, c.parked, "%s, %d attempts, %d", mode, attempts, at)
				require.Equal(t, core.Offset(3000), c.state.committed())
				require.NotContains(t, c.taken, 0)
			}
		}
	}
}

// TestPoisonedDieAlone: the same of any number of such events at any limit.
func TestPoisonedDieAlone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		mode := rapid.SampledFrom([]core.Mode{core.Ordered, core.Shared}).Draw(t, "mode")
		attempts := rapid.IntRange(2, 8).Draw(t, "attempts")
		poison := rapid.SliceOfNDistinct(rapid.Map(rapid.IntRange(0, 499), func(n int) core.Offset { return core.Offset(n) }), 0, 6, rapid.ID).Draw(t, "poison")
		c := newCrowd(mode, attempts, 500, poison...)
		c.consume(rapid.IntRange(1, 500).Draw(t, "limit"))
		slices.Sort(poison)
		slices.Sort(c.parked)
		require.Equal(t, append([]core.Offset{}, poison...), append([]core.Offset{}, c.parked...))
		for _, offset := range poison {
			require.Equal(t, attempts, c.taken[offset])
		}
	})
}

// TestPoisonCostsItsAttempts: in a shared group, of 100,000 events one that
// kills its consumers costs as many consumers as it has attempts.
func TestPoisonCostsItsAttempts(t *testing.T) {
	t.Parallel()
	for _, attempts := range []int{2, 3, 5, 10} {
		c := newCrowd(core.Shared, attempts, 100_000, 51_234)
		c.consume(core.MaxPageSize)
		require.Len(t, c.runs, attempts)
		require.Equal(t, []core.Offset{51_234}, c.parked)
		again := 0
		for _, times := range c.taken {
			again += times - 1
		}
		require.Less(t, again, 1000+100+10+attempts, "only its neighbours come again")
		require.Less(t, c.polls, 100+1000+attempts)
	}
}

// TestBoundedWaiting: a group whose consumers refuse everything is handed
// nothing new when 20,000 spans wait, and goes on when there is room.
func TestBoundedWaiting(t *testing.T) {
	t.Parallel()
	const events = core.Offset(30_000)
	group := &core.Group{Mode: core.Shared, MaxAttempts: 3}
	state, now := &groupState{}, leaseStart
	for n := byte(0); ; n++ {
		spans := state.take(now, group, events, core.MaxPageSize)
		if len(spans) == 0 {
			break
		}
		state.hold(core.ID{n, 1}, now.Add(time.Minute), spans)
		var refusals []refusal
		for offset := spans[0].From; offset < spans[0].To; offset++ {
			delay := time.Hour + time.Duration(offset)*time.Millisecond // each is due at a time of its own
			refusals = append(refusals, refusal{offset: offset, action: core.NackRetry, delay: delay})
		}
		_, err := state.nack(now, group, core.ID{n, 1}, refusals, nil)
		require.NoError(t, err)
	}
	require.Len(t, state.Waiting, maxWaiting)
	require.Equal(t, core.Offset(maxWaiting), state.Next)
	require.Equal(t, now.Add(time.Hour), state.wake(now))

	now = now.Add(time.Hour)
	spans := state.take(now, group, events, 10)
	require.Equal(t, []span{{From: 0, To: 1, Attempts: 2}, {From: maxWaiting, To: maxWaiting + 9, Attempts: 1}}, spans, "there is room again")
	raw := state.encode()
	require.Less(t, len(raw), 4<<20, "a group's progress stays small")
}

// TestWaitMerges: neighbours of one fate wait as one span, others do not.
func TestWaitMerges(t *testing.T) {
	t.Parallel()
	due := leaseStart
	for _, c := range []struct {
		name  string
		next  waiting
		spans int
	}{
		{"the same fate", waiting{span{From: 5, To: 9, Attempts: 1}, due}, 1},
		{"due within the same millisecond", waiting{span{From: 5, To: 9, Attempts: 1}, due.Add(999 * time.Microsecond)}, 1},
		{"a gap", waiting{span{From: 6, To: 9, Attempts: 1}, due}, 2},
		{"another attempt", waiting{span{From: 5, To: 9, Attempts: 2}, due}, 2},
		{"lost before", waiting{span{From: 5, To: 9, Attempts: 1, Lost: 1}, due}, 2},
		{"due later", waiting{span{From: 5, To: 9, Attempts: 1}, due.Add(time.Millisecond)}, 2},
		{"a dead letter", waiting{span{From: 5, To: 6, Attempts: 1, Letter: core.ID{1}}, due}, 2},
	} {
		state := &groupState{Next: 9}
		state.wait(span{From: 0, To: 5, Attempts: 1}, due)
		state.wait(c.next.span, c.next.Due)
		require.Len(t, state.Waiting, c.spans, c.name)
		_, waits := state.counts()
		require.Equal(t, 5+c.next.size(), waits, c.name)
	}
}

// TestReplayedLettersKeepTheOrder: a dead letter that is replayed in the
// middle of a waiting run does not let a later event overtake an earlier one.
func TestReplayedLettersKeepTheOrder(t *testing.T) {
	t.Parallel()
	group := &core.Group{Mode: core.Ordered, MaxAttempts: 9}
	state := &groupState{Next: 20}
	state.wait(span{From: 3, To: 10, Attempts: 1}, leaseStart)
	state.replay(&core.DeadLetter{ID: core.ID{7}, Event: core.Event{Offset: 5}}, leaseStart)
	state.wait(span{From: 12, To: 13, Attempts: 2}, leaseStart)
	state.hold(core.ID{1}, leaseStart.Add(time.Minute), state.take(leaseStart, group, 20, 4))
	sorted := func() bool {
		return slices.IsSortedFunc(state.Waiting, func(a, b waiting) int { return int(a.From - b.From) })
	}
	require.True(t, sorted(), "%+v", state.Waiting)
	_, err := state.nack(leaseStart, group, core.ID{1}, []refusal{{offset: 4, action: core.NackRetry}}, nil)
	require.NoError(t, err)
	require.True(t, sorted(), "%+v", state.Waiting)
	state.trim(8)
	require.True(t, sorted(), "%+v", state.Waiting)
	require.Equal(t, int64(4), state.Missed, "4 to 7; a dead letter has its own copy")

	group.Mode, state = core.Shared, &groupState{Next: 20}
	state.wait(span{From: 3, To: 10, Attempts: 1}, leaseStart)
	state.replay(&core.DeadLetter{ID: core.ID{7}, Event: core.Event{Offset: 5}}, leaseStart)
	require.Equal(t, []span{{From: 3, To: 7, Attempts: 2}}, state.take(leaseStart, group, 20, 4))
	require.True(t, sorted(), "%+v", state.Waiting)
}

// TestExpiredReceipts: a lease is worth nothing from the moment it expires,
// also before that is noted.
func TestExpiredReceipts(t *testing.T) {
	t.Parallel()
	group, id, ends := &core.Group{Mode: core.Shared, MaxAttempts: 2}, core.ID{1}, leaseStart.Add(time.Second)
	for name, use := range map[string]func(s *groupState, now time.Time) error{
		"ack":    func(s *groupState, now time.Time) error { _, err := s.ack(now, id, nil); return err },
		"nack":   func(s *groupState, now time.Time) error { _, err := s.nack(now, group, id, nil, nil); return err },
		"extend": func(s *groupState, now time.Time) error { _, err := s.extend(now, id, time.Second); return err },
		"commit": func(s *groupState, now time.Time) error { _, err := s.commit(now, 0, id); return err },
	} {
		state := &groupState{Next: 1}
		state.hold(id, ends, []span{{To: 1, Attempts: 1}})
		require.ErrorIs(t, use(state, ends), errsLostLease[leaseExpired], name)
		require.NoError(t, use(state, ends.Add(-1)), name)
	}
}

// TestBackoff: the wait doubles from Initial to Max, of which chance takes at
// most a half.
func TestBackoff(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		longest := rapid.Int64Range(0, int64(core.MaxBackoff)).Draw(t, "max")
		b := core.Backoff{Initial: core.Seconds(rapid.Int64Range(0, longest).Draw(t, "initial")), Max: core.Seconds(longest)}
		n, random := rapid.IntRange(1, core.MaxMaxAttempts).Draw(t, "n"), rapid.Float64Range(0, math.Nextafter(1, 0)).Draw(t, "random")
		whole := b.Initial.Duration()
		for i := 1; i < n && whole < b.Max.Duration(); i++ {
			whole *= 2
		}
		whole = min(whole, b.Max.Duration())
		require.WithinRange(t, leaseStart.Add(b.After(n, random)), leaseStart.Add(whole/2), leaseStart.Add(whole))
		require.Equal(t, whole/2, b.After(n, 0))
	})
}
