package eventlog

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// SharedClock tells the time by which all nodes judge what they share: leases,
// sessions, limits, and the times of events. It is the clock of the database, as far
// as a node can know it: asked for every few seconds, and carried on in between by
// how much time has passed here, which no setting of this machine's clock changes.
//
// It never goes back. The one exception is a database whose own clock was set back by
// more than ClockTolerance: that is followed at once, because a node that waited for
// it would be the one whose clock is ahead.
type SharedClock struct {
	own    core.Clock
	keeper core.Timekeeper
	logger *slog.Logger

	// mu guards what follows. The line changes under the full lock, and is read under
	// the shared one. So who reads it after a change reads a time that is not before
	// any that was read from the line before.
	mu   sync.RWMutex
	line timeline
	// told is the state that the log has.
	told ClockState
}

// timeline is the time of the database as a function of the time that passes here.
type timeline struct {
	// at is a moment here, and then the database's time at that moment.
	at, then time.Time
	// floor is the latest time that the line before has told.
	floor time.Time
}

// when is the database's time at a moment here.
func (l timeline) when(now time.Time) time.Time {
	if then := l.then.Add(now.Sub(l.at)); then.After(l.floor) {
		return then
	}
	return l.floor
}

// ClockState says how far this machine's own clock is from the database's.
type ClockState int

// The states of a clock. One that is off makes mistakes in logs and certificates
// only, as long as SharedClock corrects it. A machine whose clock is wrong is likely
// to have it jump, or more that is wrong; so it should get no requests.
const (
	ClockGood  ClockState = iota
	ClockOff              // by ClockTolerance or more
	ClockWrong            // by ClockLimit or more
)

const (
	// ClockTolerance is how far a node's clock may be off before people are told.
	ClockTolerance = time.Second
	// ClockLimit is how far it may be off before the node is not ready.
	ClockLimit = 5 * time.Second
	// clockInterval is how often the database is asked, clockTimeout for how long.
	clockInterval = 3 * time.Second
	clockTimeout  = 3 * time.Second
)

// NewSharedClock returns a clock that goes by the first of the keepers that has one,
// after it has asked. own is this machine's clock. It is the shared one, too, where no
// keeper has one: then all nodes are on this machine.
func NewSharedClock(ctx context.Context, own core.Clock, logger *slog.Logger, keepers ...core.Timekeeper) (*SharedClock, error) {
	c := &SharedClock{own: own, logger: logger}
	for _, c.keeper = range keepers {
		if err := c.ask(ctx); err != nil {
			return nil, fmt.Errorf("asking the database for the time: %w", err)
		}
		if !c.line.at.IsZero() {
			c.tell()
			return c, nil
		}
	}
	c.keeper = nil
	return c, nil
}

// Now returns the time. It is a [core.Clock].
func (c *SharedClock) Now() time.Time {
	if c.keeper == nil {
		return c.own()
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.line.when(time.Now())
}

// Ahead is how far this machine's own clock is ahead of the database's; negative
// where it is behind.
func (c *SharedClock) Ahead() time.Duration {
	if c.keeper == nil {
		return 0
	}
	return c.own().Round(0).Sub(c.Now())
}

// State says whether this machine's clock is good enough, and in words what is wrong
// with it.
func (c *SharedClock) State() (ClockState, string) {
	ahead, where := c.Ahead(), "ahead of"
	if ahead < 0 {
		ahead, where = -ahead, "behind"
	}
	if ahead < ClockTolerance {
		return ClockGood, ""
	}
	said := fmt.Sprintf("this server's clock is %s %s the database's; synchronize it, for example by NTP", ahead.Round(100*time.Millisecond), where)
	if ahead < ClockLimit {
		return ClockOff, said
	}
	return ClockWrong, said
}

// Run keeps the clock right until ctx ends, and logs when this machine's clock gets
// into another state.
func (c *SharedClock) Run(ctx context.Context) {
	if c.keeper == nil {
		return
	}
	tick := time.NewTicker(clockInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		// A database that does not answer is told of elsewhere. Time goes on as it did.
		_ = c.ask(ctx)
		c.tell()
	}
}

// ask corrects the clock by the database's. The database looked at its clock within
// the round trip, and nobody knows when. So the first answer is taken for the middle
// of the trip, and a later one changes only what it proves wrong: an answer that took
// long moves nothing, a quick one makes the clock more exact.
func (c *SharedClock) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, clockTimeout)
	defer cancel()
	asked := time.Now()
	told, err := c.keeper.Time(ctx)
	at := time.Now()
	if err != nil || told.IsZero() {
		return err
	}
	told = told.UTC().Round(0)
	trip := at.Sub(asked)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.line.at.IsZero() {
		c.line = timeline{at: at, then: told.Add(trip / 2)}
		return nil
	}
	then, latest := c.line.then.Add(at.Sub(c.line.at)), told.Add(trip)
	switch {
	case then.Before(told):
		then = told
	case then.After(latest):
		then = latest
	}
	c.move(timeline{at: at, then: then})
	return nil
}

// move changes the line. The caller holds mu.
func (c *SharedClock) move(line timeline) {
	now := time.Now()
	before := c.line.when(now)
	switch step := line.when(now).Sub(before); {
	case step < -ClockTolerance:
		c.logger.Warn("the database's clock was set back", "seconds", step.Seconds())
	case step > ClockTolerance:
		c.logger.Warn("the database's clock was set forward, or this server stood still", "seconds", step.Seconds())
	default:
		line.floor = before
	}
	c.line = line
}

// tell logs a change of the state, once.
func (c *SharedClock) tell() {
	state, _ := c.State()
	if state == c.told {
		return
	}
	c.told = state
	if state == ClockGood {
		c.logger.Info("this server's clock agrees with the database's again")
		return
	}
	c.logger.Warn("this server's clock differs from the database's; synchronize it, for example by NTP", "ahead_seconds", c.Ahead().Seconds(), "ready", state != ClockWrong)
}
