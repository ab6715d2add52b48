package core

import (
	"context"
	"time"
)

// Clock tells the time. Core takes its clock as an argument, so that tests can set
// it. Call it directly to measure how much time has passed. A time that is stored,
// or is compared with a stored one, is a [Clock.Stamp].
type Clock func() time.Time

// Stamp returns the time as it is stored: in UTC, with microseconds, which is
// what every store keeps.
func (now Clock) Stamp() time.Time { return Stamp(now()) }

// Timekeeper is what a [Storage] or a [Catalog] that several machines share is, too:
// it tells the time by the clock of its engine, which is the same one for all of
// them. What they compare with each other's times is judged by it.
type Timekeeper interface {
	// Time returns the time, or zero when the engine is on the machine of everybody
	// who uses it, so that they have one clock anyway.
	Time(ctx context.Context) (time.Time, error)
}

// Stamp returns a time as it is stored: in UTC, with microseconds.
func Stamp(at time.Time) time.Time { return at.UTC().Truncate(time.Microsecond) }
