package core

import "fmt"

// Rate is the limit of one key, or of all keys or all people of an organization.
// It takes the place of a more general limit; zero leaves that in place.
type Rate struct {
	// PerMinute is how many requests are allowed in the long run, PerSecond how
	// many at once: a tenth of PerMinute when it is 0.
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

// Check refuses numbers that no limit has. field is the rate's name in the error.
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

// String returns the rate as [ParseRate] reads it.
func (r Rate) String() string {
	if r == (Rate{}) {
		return rateDefault
	}
	return r.Limit().String()
}

// rateDefault is a rate that changes nothing, as people write it.
const rateDefault = "default"

// ParseRate reads a rate as people write it: requests per minute, a slash and
// requests at once, like `6000/200`; or `default`, which leaves the more general
// limit in place. There is no `off`: only the settings can lift a limit.
func ParseRate(text string) (Rate, error) {
	if text == rateDefault {
		return Rate{}, nil
	}
	limit, err := ParseLimit(text)
	if err != nil || limit.IsZero() {
		return Rate{}, fmt.Errorf("must be requests per minute and at once, each 1 to %d, like 6000/200, or %s", MaxLimit, rateDefault)
	}
	return Rate{PerMinute: limit.PerMinute, PerSecond: limit.Burst}, nil
}
