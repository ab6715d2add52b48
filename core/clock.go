package core

import "time"

// Clock tells the time. Core takes its clock as an argument, so that tests can set
// it. Call it directly to measure how much time has passed. A time that is stored,
// or is compared with a stored one, is a [Clock.Stamp].
type Clock func() time.Time

// Stamp returns the time as it is stored: in UTC, with microseconds, which is
// what every store keeps.
func (now Clock) Stamp() time.Time { return Stamp(now()) }

// Stamp returns a time as it is stored: in UTC, with microseconds.
func Stamp(at time.Time) time.Time { return at.UTC().Truncate(time.Microsecond) }
