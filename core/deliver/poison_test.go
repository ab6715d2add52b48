package deliver

import (
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
		if spans := c.state.take(c.now, &c.group, core.Offset(len(c.taken)), limit, keys{}); len(spans) > 0 {
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

// TestPoisonedDieAlone: events that kill their consumers become dead letters alone,
// each after all its attempts, and take none of their neighbours with them. poison.txt
// tells how.
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

// TestPoisonCostsItsAttempts: in a shared group, of 100,000 events one that kills its
// consumers costs as many consumers as it has attempts. Each but the last is handed a
// tenth of the run that killed the one before.
func TestPoisonCostsItsAttempts(t *testing.T) {
	t.Parallel()
	for _, attempts := range []int{2, 3, 5, 10} {
		c := newCrowd(core.Shared, attempts, 100_000, 51_234)
		c.consume(core.MaxPageSize)
		runs := append([]int{1000, 100, 10}, slices.Repeat([]int{1}, attempts)...)[:attempts]
		runs[attempts-1] = 1
		require.Equal(t, runs, c.runs)
		require.Equal(t, []core.Offset{51_234}, c.parked)
		again := 0
		for _, times := range c.taken {
			again += times - 1
		}
		require.Less(t, again, 1000+100+10+attempts, "only its neighbours come again")
		require.Less(t, c.polls, 100+1000+attempts)
	}
}
