package server

import (
	"fmt"
	"strconv"
	"time"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// Rates are the limits of those who make requests, by what is known of them; a
// zero limit is none. A batch is one request.
type Rates struct {
	// Key is the limit of an API key, User that of a person over all sign-ins;
	// a [core.Principal] with a limit of its own has that instead.
	Key, User core.Limit
	// Address is the limit of a client's address for what needs no credential,
	// and for requests whose credential is not valid.
	Address core.Limit
}

// exempt are the public routes that those who operate a server ask without end.
var exempt = map[string]bool{
	"/livez": true, "/readyz": true, "/metrics": true,
	rest.Prefix + "/health": true, rest.Prefix + "/health/ready": true, rest.Prefix + "/health/live": true,
}

// admit lets a request of whoever was authenticated pass, or returns the error
// that says when to come back.
func (s *Server) admit(c *call) error {
	if s.Limiter == nil {
		return nil
	}
	prefix, id, limit := "key:", c.who.Key, s.Rates.Key
	if !c.who.User.IsZero() {
		prefix, id, limit = "user:", c.who.User, s.Rates.User
	}
	if !c.who.Limit.IsZero() {
		limit = c.who.Limit
	}
	if limit.IsZero() {
		return nil
	}
	return s.count(c, prefix+id.String(), limit)
}

// admitAddress is admit for a request of which only the address is known.
func (s *Server) admitAddress(c *call) error {
	if s.Limiter == nil || s.Rates.Address.IsZero() {
		return nil
	}
	return s.count(c, addressKey(c.address()), s.Rates.Address)
}

func addressKey(address string) string { return "addr:" + core.NetworkOf(address) }

// count takes a permit and tells the client what is left.
func (s *Server) count(c *call, key string, limit core.Limit) error {
	state, err := s.Limiter.Take(c.context(), key, limit, 1, c.start)
	if err != nil {
		return fmt.Errorf("counting a request: %w", err)
	}
	c.setLimitHeaders(limit, state)
	if state.Allowed {
		return nil
	}
	c.abandonBody()
	seconds := wholeSeconds(state.RetryAfter)
	return &core.Error{
		Code: core.CodeRateLimited, RetryAfter: state.RetryAfter,
		Message: fmt.Sprintf("too many requests: %d a minute are allowed, and %d at once; try again in %s", limit.PerMinute, limit.Burst, secondsText(seconds)),
	}
}

func secondsText(seconds int64) string {
	if seconds == 1 {
		return "1 second"
	}
	return strconv.FormatInt(seconds, 10) + " seconds"
}

// The headers of a request that was counted, in the form that needs no work.
var (
	headerLimit      = []byte("X-RateLimit-Limit")
	headerRemaining  = []byte("X-RateLimit-Remaining")
	headerReset      = []byte("X-RateLimit-Reset")
	headerRatePolicy = []byte("RateLimit-Policy")
	headerRate       = []byte("RateLimit")
)

// setLimitHeaders tells the limit, how many requests could be made right now,
// and when as many as a burst can be made again.
func (c *call) setLimitHeaders(limit core.Limit, state core.LimitState) {
	var buffer [64]byte
	header := &c.ctx.Response.Header
	number := func(name []byte, value int64) { header.SetCanonical(name, strconv.AppendInt(buffer[:0], value, 10)) }
	number(headerLimit, int64(limit.PerMinute))
	number(headerRemaining, int64(state.Remaining))
	number(headerReset, wholeSeconds(time.Duration(c.start.UnixNano())+state.ResetAfter))

	policy := strconv.AppendInt(append(buffer[:0], `"default";q=`...), int64(limit.PerMinute), 10)
	header.SetCanonical(headerRatePolicy, append(policy, ";w=60"...))
	rate := strconv.AppendInt(append(buffer[:0], `"default";r=`...), int64(state.Remaining), 10)
	header.SetCanonical(headerRate, strconv.AppendInt(append(rate, ";t="...), wholeSeconds(state.ResetAfter), 10))
}
