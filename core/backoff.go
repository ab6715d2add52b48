package core

import (
	"math"
	"time"
)

// Backoff says how long an event waits before it is tried again: Initial after the
// first attempt, twice as long after each further one, and at most Max. The wait is
// a random part of that, between a half and the whole, so that events that failed
// together do not come back together.
type Backoff struct {
	Initial Seconds `json:"initial"`
	Max     Seconds `json:"max"`
}

// After is how long an event waits after its n-th attempt; random is in [0, 1).
func (b Backoff) After(n int, random float64) time.Duration {
	longest := float64(b.Initial) * math.Pow(2, float64(n-1))
	longest = min(longest, float64(b.Max))
	return time.Duration(longest * (1 + random) / 2)
}

// BackoffSpec describes a backoff; a nil field changes nothing.
type BackoffSpec struct {
	Initial *Seconds `json:"initial,omitempty"`
	Max     *Seconds `json:"max,omitempty"`
}
