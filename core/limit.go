package core

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Limit bounds how often something may be done: PerMinute times a minute in the
// long run, and at most Burst times at once. The zero Limit stands for none.
//
// It is a bucket (the generic cell rate algorithm). A bucket begins with Burst
// permits. Each use takes one, and one comes back every [Limit.Interval] until there
// are Burst again. So within any time d at most Burst + d/Interval uses are
// allowed, and uses that are spread evenly at PerMinute are never refused. There
// are no windows, at whose edges twice as many would pass.
type Limit struct {
	PerMinute int
	Burst     int
}

// MaxLimit is the greatest value of each number of a [Limit].
const MaxLimit = 1_000_000

// RetryNever is the RetryAfter of a request for more permits than there can
// ever be at once.
const RetryNever time.Duration = -1

// LimitState is what a limiter answers.
type LimitState struct {
	// Allowed says that the permits were taken; otherwise none was.
	Allowed bool
	// Limit is the limit's PerMinute.
	Limit int
	// Remaining is how many permits could be taken now: at most the limit's
	// Burst.
	Remaining int
	// ResetAfter is the time until the bucket is full again if nothing is taken;
	// zero when it is full.
	ResetAfter time.Duration
	// RetryAfter is the time until there are as many permits as were asked for. It
	// is zero when they were taken, or [RetryNever].
	RetryAfter time.Duration
}

// IsZero reports whether l stands for no limit.
func (l Limit) IsZero() bool { return l == Limit{} }

// Interval is the time in which one permit comes back, rounded up to a
// microsecond: limiters that share a bucket agree to the last permit.
func (l Limit) Interval() time.Duration {
	const minute = int(time.Minute / time.Microsecond)
	return time.Duration((minute+l.PerMinute-1)/l.PerMinute) * time.Microsecond
}

// Check returns an error when the limit or the number of permits makes no sense.
// Asking for more permits than there can be makes sense, and is refused by Take.
func (l Limit) Check(n int) error {
	if min(l.PerMinute, l.Burst) < 1 || max(l.PerMinute, l.Burst) > MaxLimit {
		return fmt.Errorf("a limit of %d per minute and %d at once: both must be 1 to %d", l.PerMinute, l.Burst, MaxLimit)
	}
	if n < 0 {
		return fmt.Errorf("cannot take %d permits", n)
	}
	return nil
}

// Take is the arithmetic of every limiter. missing is the time until the bucket is
// full, which is all there is to know about a bucket. The first result is the same
// time afterwards. A missing time that no bucket of this limit can have counts as
// an empty bucket: the limit was another one, or a clock was set back.
func (l Limit) Take(missing time.Duration, n int) (time.Duration, LimitState) {
	interval := l.Interval()
	full := interval * time.Duration(l.Burst)
	missing = min(max(missing, 0), full)
	state := LimitState{Limit: l.PerMinute}
	switch cost := interval * time.Duration(min(n, l.Burst)); {
	case n > l.Burst:
		state.RetryAfter = RetryNever
	case missing+cost > full:
		state.RetryAfter = missing + cost - full
	default:
		state.Allowed = true
		missing += cost
	}
	state.ResetAfter, state.Remaining = missing, int((full-missing)/interval)
	return missing, state
}

// limitOff is a limit that is none, as settings write it.
const limitOff = "off"

// String returns the limit as [ParseLimit] reads it.
func (l Limit) String() string {
	if l.IsZero() {
		return limitOff
	}
	return strconv.Itoa(l.PerMinute) + "/" + strconv.Itoa(l.Burst)
}

// ParseLimit reads a limit as settings write it: uses per minute, a slash and uses
// at once, like `1000/100`; or `off`.
func ParseLimit(text string) (Limit, error) {
	if text == limitOff {
		return Limit{}, nil
	}
	perMinute, burst, _ := strings.Cut(text, "/")
	limit := Limit{PerMinute: wholeNumber(perMinute), Burst: wholeNumber(burst)}
	if limit.Check(0) != nil {
		return Limit{}, fmt.Errorf("must be requests per minute and at once, each 1 to %d, like 1000/100, or %s", MaxLimit, limitOff)
	}
	return limit, nil
}

// wholeNumber returns the number that a text of digits stands for, or zero.
func wholeNumber(text string) int {
	number, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0
	}
	return int(number)
}
