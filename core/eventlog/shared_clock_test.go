package eventlog_test

import (
	"bytes"
	"context"
	"log/slog"
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

// engine is a database with a clock. A question takes a time on its way there and
// another one on its way back.
type engine struct {
	mu          sync.Mutex
	off         time.Duration // of its clock from the bubble's
	there, back time.Duration
	err         error
}

// Time implements [core.Timekeeper].
func (e *engine) Time(context.Context) (time.Time, error) {
	e.mu.Lock()
	off, there, back, err := e.off, e.there, e.back, e.err
	e.mu.Unlock()
	time.Sleep(there)
	now := time.Now().Add(off)
	time.Sleep(back)
	return now, err
}

func (e *engine) set(change func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change()
}

// wall is a machine's clock, which people set.
type wall struct {
	mu  sync.Mutex
	off time.Duration
}

func (w *wall) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Round(0).Add(w.off)
}

func (w *wall) set(off time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.off = off
}

// clocked runs a test with a shared clock that goes. settle lets it ask once more.
func clocked(t *testing.T, test func(c *eventlog.SharedClock, database *engine, own *wall, log *bytes.Buffer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		database, own, log := &engine{}, &wall{}, &bytes.Buffer{}
		c, err := eventlog.NewSharedClock(t.Context(), own.now, slog.New(slog.NewTextHandler(log, nil)), database)
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { c.Run(ctx) })
		test(c, database, own, log)
		stop()
		running.Wait()
	})
}

// settle lets the clock ask the database again.
func settle() {
	time.Sleep(4 * time.Second)
	synctest.Wait()
}

// A node's own clock is wrong, and is set: the shared one is the database's all the
// time, and people are told once for each change.
func TestTheSharedClockIsTheDatabases(t *testing.T) {
	t.Parallel()
	clocked(t, func(c *eventlog.SharedClock, _ *engine, own *wall, log *bytes.Buffer) {
		for _, step := range []struct {
			off   time.Duration
			state eventlog.ClockState
			says  string
		}{
			{0, eventlog.ClockGood, ""},
			{900 * time.Millisecond, eventlog.ClockGood, ""},
			{time.Hour, eventlog.ClockWrong, "1h0m0s ahead of the database's"},
			{-time.Hour, eventlog.ClockWrong, "1h0m0s behind the database's"},
			{-2 * time.Second, eventlog.ClockOff, "2s behind the database's"},
			{5 * time.Second, eventlog.ClockWrong, "5s ahead of the database's"},
			{0, eventlog.ClockGood, ""},
		} {
			own.set(step.off)
			require.Equal(t, time.Now().UTC(), c.Now(), "at once")
			settle()
			settle()
			require.Equal(t, time.Now().UTC(), c.Now())
			require.Equal(t, step.off, c.Ahead())
			state, said := c.State()
			require.Equal(t, step.state, state)
			require.Contains(t, said, step.says)
		}
		require.Equal(t, 4, strings.Count(log.String(), "\n"), "wrong, off, wrong, good: %s", log)
		require.Equal(t, 1, strings.Count(log.String(), "agrees with the database's again"))
	})
}

// The clock is right within half a trip, moves only when an answer proves it wrong,
// and does not go back meanwhile.
func TestTheSharedClockKnowsWhatATripHides(t *testing.T) {
	t.Parallel()
	clocked(t, func(c *eventlog.SharedClock, database *engine, _ *wall, _ *bytes.Buffer) {
		off := func() time.Duration { return c.Now().Sub(time.Now().UTC()) }
		database.set(func() { database.there = 800 * time.Millisecond })
		settle()
		require.Zero(t, off(), "a trip of 800 ms proves nothing against what was known")
		database.set(func() { database.off, database.there = 300*time.Millisecond, 0 })
		settle()
		require.Equal(t, 300*time.Millisecond, off())
		database.set(func() { database.off = -200 * time.Millisecond })
		last := c.Now()
		for range 5000 {
			time.Sleep(time.Millisecond)
			now := c.Now()
			require.False(t, now.Before(last), "%s after %s", now, last)
			last = now
		}
		require.Equal(t, -200*time.Millisecond, off())
		database.set(func() { database.err = coretest.ErrBroken })
		time.Sleep(time.Hour)
		require.Equal(t, -200*time.Millisecond, off(), "a database that is away stops no clock")
	})
}

// A database may get another clock, by people or by a failover. That is followed in
// both directions: all nodes have one clock again within seconds.
func TestTheSharedClockFollowsADatabaseThatIsSet(t *testing.T) {
	t.Parallel()
	clocked(t, func(c *eventlog.SharedClock, database *engine, own *wall, log *bytes.Buffer) {
		for _, off := range []time.Duration{time.Hour, -time.Hour, 0} {
			database.set(func() { database.off = off })
			own.set(off)
			settle()
			require.Equal(t, time.Now().UTC().Add(off), c.Now())
			require.Zero(t, c.Ahead())
		}
		require.Equal(t, 2, strings.Count(log.String(), "was set forward"))
		require.Equal(t, 1, strings.Count(log.String(), "was set back"))
	})
}

// Where all nodes are on one machine, its clock is the one that they share.
func TestOneMachineHasOneClock(t *testing.T) {
	t.Parallel()
	own := coretest.NewClock()
	for _, keepers := range [][]core.Timekeeper{nil, {noKeeper{}}} {
		c, err := eventlog.NewSharedClock(t.Context(), own.Now, slog.New(slog.DiscardHandler), keepers...)
		require.NoError(t, err)
		own.Pass(-time.Hour)
		require.Equal(t, own.Now(), c.Now())
		require.Zero(t, c.Ahead())
		c.Run(t.Context()) // which has nothing to do
	}
	_, err := eventlog.NewSharedClock(t.Context(), own.Now, slog.New(slog.DiscardHandler), &engine{err: coretest.ErrBroken})
	require.ErrorIs(t, err, coretest.ErrBroken)
}

// noKeeper is an engine without a clock of its own.
type noKeeper struct{}

// Time implements [core.Timekeeper].
func (noKeeper) Time(context.Context) (time.Time, error) { return time.Time{}, nil }
