package server

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// Rates are the limits for requests, by who makes them. A limit of zero is no
// limit. A batch is one request.
type Rates struct {
	// Key is the limit of an API key, and User is the limit of a user, over all of
	// the user's sessions. If a [core.Principal] has a limit of its own, that one
	// counts instead.
	Key, User core.Limit
	// Address is the limit of a client's address. It counts requests that need no
	// credential, and those whose credential is not valid.
	Address core.Limit
}

// SetRates replaces the limits, from the next request on. It may be called while the
// server answers requests.
func (s *Server) SetRates(rates Rates) { s.rates.Store(&rates) }

// exempt are the public routes that monitoring asks again and again.
var exempt = map[string]bool{
	"/livez": true, "/readyz": true, "/metrics": true,
	rest.Prefix + "/health": true, rest.Prefix + "/health/ready": true, rest.Prefix + "/health/live": true,
}

// isProbe reports whether the call is what monitoring asks: the root too, by uptime
// checks, though no connection is kept for that.
func (c *call) isProbe() bool {
	return c.route.Action == Public && (exempt[c.route.Path] || c.route.Path == rootPath)
}

// admit lets a request of an authenticated caller pass, or returns the error
// that says when to come back. What a key has made counts in its own rate first, and
// then in the rate of each key that it descends from.
func (s *Server) admit(c *call) error {
	if s.Limiter == nil {
		return nil
	}
	if key, limit := s.limitOf(c); !limit.IsZero() {
		if err := s.count(c, key, limit); err != nil {
			return err
		}
	}
	for _, maker := range c.who.Makers {
		limit := cmp.Or(maker.Limit, s.rates.Load().Key)
		if limit.IsZero() {
			continue
		}
		if err := s.count(c, "key:"+maker.Key.String(), limit); err != nil {
			return err
		}
	}
	return nil
}

// limitOf returns the limit of an authenticated caller, and what it is counted
// by.
func (s *Server) limitOf(c *call) (key string, limit core.Limit) {
	rates := s.rates.Load()
	prefix, id, limit := "key:", c.who.Key, rates.Key
	if !c.who.User.IsZero() {
		prefix, id, limit = "user:", c.who.User, rates.User
	}
	if !c.who.Limit.IsZero() {
		limit = c.who.Limit
	}
	if limit.IsZero() {
		return "", limit
	}
	return prefix + id.String(), limit
}

// admitAddress is admit for a request of which only the address is known.
func (s *Server) admitAddress(c *call) error {
	limit := s.rates.Load().Address
	if s.Limiter == nil || limit.IsZero() {
		return nil
	}
	return s.count(c, addressKey(c.address()), limit)
}

func addressKey(address string) string { return "addr:" + core.NetworkOf(address) }

// count takes a permit and tells the client how many are left. Of several buckets it
// tells the emptiest.
func (s *Server) count(c *call, key string, limit core.Limit) error {
	now := s.Now()
	state, err := s.Limiter.Take(c.context(), key, limit, 1, now)
	if err != nil {
		return fmt.Errorf("counting a request: %w", err)
	}
	if !c.limited || !state.Allowed || state.Remaining < c.remaining {
		c.limited, c.remaining = true, state.Remaining
		c.setLimitHeaders(now, limit, state)
	}
	if state.Allowed {
		return nil
	}
	c.abandonBody()
	seconds := wholeSeconds(state.RetryAfter)
	return &core.Error{
		Code: core.CodeRateLimited, RetryAfter: state.RetryAfter,
		Message: fmt.Sprintf("too many requests: %d per minute and %d at once are allowed; try again in %s", limit.PerMinute, limit.Burst, secondsText(seconds)),
	}
}

func secondsText(seconds int64) string {
	if seconds == 1 {
		return "1 second"
	}
	return strconv.FormatInt(seconds, 10) + " seconds"
}

// The headers about rates, as bytes in canonical form: setting them costs
// nothing more.
var (
	headerLimit      = []byte("X-RateLimit-Limit")
	headerRemaining  = []byte("X-RateLimit-Remaining")
	headerReset      = []byte("X-RateLimit-Reset")
	headerRatePolicy = []byte("RateLimit-Policy")
	headerRate       = []byte("RateLimit")
)

// setLimitHeaders tells the client its limit, how many requests it could make
// right now, and when it can make a whole burst again.
func (c *call) setLimitHeaders(now time.Time, limit core.Limit, state core.LimitState) {
	var buffer [64]byte
	header := &c.ctx.Response.Header
	number := func(name []byte, value int64) { header.SetCanonical(name, strconv.AppendInt(buffer[:0], value, 10)) }
	number(headerLimit, int64(limit.PerMinute))
	number(headerRemaining, int64(state.Remaining))
	number(headerReset, wholeSeconds(time.Duration(now.UnixNano())+state.ResetAfter))

	policy := strconv.AppendInt(append(buffer[:0], `"default";q=`...), int64(limit.PerMinute), 10)
	header.SetCanonical(headerRatePolicy, append(policy, ";w=60"...))
	rate := strconv.AppendInt(append(buffer[:0], `"default";r=`...), int64(state.Remaining), 10)
	header.SetCanonical(headerRate, strconv.AppendInt(append(rate, ";t="...), wholeSeconds(state.ResetAfter), 10))
}
