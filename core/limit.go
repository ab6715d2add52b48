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
// It is a bucket (the generic cell rate algorithm): it begins with Burst
// permits, each use takes one, and one comes back every [Limit.Interval] until
// there are Burst again. So within any time d at most Burst + d/Interval uses
// are allowed, and who never exceeds PerMinute, evenly spread, is never refused.
// There are no windows at whose edges twice as many would pass.
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
	// ResetAfter is the time until Burst permits are there again if none is
	// taken; zero when they are.
	ResetAfter time.Duration
	// RetryAfter is the time until as many permits are there as were asked for,
	// zero when they were taken, or [RetryNever].
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

// Check returns an error unless a limiter can take n permits of l, of which
// there may be fewer than n.
func (l Limit) Check(n int) error {
	if min(l.PerMinute, l.Burst) < 1 || max(l.PerMinute, l.Burst) > MaxLimit {
		return fmt.Errorf("a limit of %d a minute and %d at once: both must be 1 to %d", l.PerMinute, l.Burst, MaxLimit)
	}
	if n < 0 {
		return fmt.Errorf("%d permits cannot be taken", n)
	}
	return nil
}

// Take is the arithmetic of every limiter. missing is the time until the bucket
// is full, which is all there is to know about one; the answer has what it is
// afterwards. A missing time that no bucket of this limit can have, because the
// limit was another or a clock was set back, counts as that of an empty one.
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

// ParseLimit reads a limit as settings write it: uses a minute, a slash and uses
// at once, like `1000/100`; or `off`.
func ParseLimit(text string) (Limit, error) {
	if text == limitOff {
		return Limit{}, nil
	}
	perMinute, burst, _ := strings.Cut(text, "/")
	limit := Limit{PerMinute: wholeNumber(perMinute), Burst: wholeNumber(burst)}
	if limit.Check(0) != nil {
		return Limit{}, fmt.Errorf("must be requests a minute and at once, each 1 to %d, like 1000/100, or %s", MaxLimit, limitOff)
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

// Rate is a limit of a key's own, or of all keys or people of an organization;
// zero changes nothing.
type Rate struct {
	// PerMinute is how many requests are allowed in the long run, PerSecond how
	// many at once: a tenth of PerMinute where it is 0.
	PerMinute int `json:"per_minute"`
	PerSecond int `json:"per_second"`
}

// Limit is the rate as it is enforced.
func (r Rate) Limit() Limit {
	if r.PerMinute == 0 {
		return Limit{}
	}
	if r.PerSecond == 0 {
		r.PerSecond = max(r.PerMinute/10, 1)
	}
	return Limit{PerMinute: r.PerMinute, Burst: r.PerSecond}
}

// Check names what is wrong below a field.
func (r Rate) Check(field string) error {
	if r == (Rate{}) {
		return nil
	}
	if r.PerMinute < 1 || r.PerMinute > MaxLimit {
		return Invalid(field+".per_minute", "must be 1 to %d", MaxLimit)
	}
	if r.PerSecond < 0 || r.PerSecond > MaxLimit {
		return Invalid(field+".per_second", "must be 0 (a tenth of per_minute) to %d", MaxLimit)
	}
	return nil
}

// rateDefault is a rate that changes nothing, as people write it.
const rateDefault = "default"

// String returns the rate as [ParseRate] reads it.
func (r Rate) String() string {
	if r == (Rate{}) {
		return rateDefault
	}
	return r.Limit().String()
}

// ParseRate reads a rate as people write it: requests a minute, a slash and
// requests at once, like `6000/200`; or `default`, which changes nothing. There
// is no `off`: a rate is in place of a setting, and bounds.
func ParseRate(text string) (Rate, error) {
	if text == rateDefault {
		return Rate{}, nil
	}
	limit, err := ParseLimit(text)
	if err != nil || limit.IsZero() {
		return Rate{}, fmt.Errorf("must be requests a minute and at once, each 1 to %d, like 6000/200, or %s", MaxLimit, rateDefault)
	}
	return Rate{PerMinute: limit.PerMinute, PerSecond: limit.Burst}, nil
}
