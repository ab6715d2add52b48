package core_test

import (
	"fmt"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// How do I write a limiter? Keep one number for each key, the time until its bucket
// is full, and let Take do the arithmetic.
func ExampleLimit_Take() {
	limit := core.Limit{PerMinute: 60, Burst: 2}
	var missing time.Duration
	for range 3 {
		var state core.LimitState
		missing, state = limit.Take(missing, 1)
		fmt.Println(state.Allowed, state.Remaining, state.RetryAfter)
	}
	missing -= time.Second // time passes, and the bucket fills
	_, state := limit.Take(missing, 1)
	fmt.Println(state.Allowed, state.Remaining, state.RetryAfter)
	// Output:
	// true 1 0s
	// true 0 0s
	// false 0 1s
	// true 0 0s
}
