package server

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/core"
)

// TestAddressesAreCountedByNetwork holds what counts as one client.
func TestAddressesAreCountedByNetwork(t *testing.T) {
	t.Parallel()
	for address, key := range map[string]string{
		"203.0.113.9":                   "addr:203.0.113.9",
		"203.0.113.10":                  "addr:203.0.113.10",
		"2001:db8:1:2:3:4:5:6":          "addr:2001:db8:1:2::/64",
		"2001:db8:1:2:ffff:ffff:ffff:1": "addr:2001:db8:1:2::/64",
		"2001:db8:1:3::1":               "addr:2001:db8:1:3::/64",
		"fe80::1%eth0":                  "addr:fe80::/64",
		"/run/socket":                   "addr:/run/socket",
	} {
		require.Equal(t, key, addressKey(address))
	}
}

// asked records what a limiter is asked.
type asked struct {
	key   string
	limit core.Limit
}

func (a *asked) Take(_ context.Context, key string, limit core.Limit, _ int, _ time.Time) (core.LimitState, error) {
	a.key, a.limit = key, limit
	return core.LimitState{Allowed: true}, nil
}

// TestAPrincipalMayHaveALimitOfItsOwn holds which limit counts.
func TestAPrincipalMayHaveALimitOfItsOwn(t *testing.T) {
	t.Parallel()
	id, own := core.NewID(time.Now(), make([]byte, 10)), core.Limit{PerMinute: 7, Burst: 3}
	rates := Rates{Key: core.Limit{PerMinute: 1, Burst: 1}, User: core.Limit{PerMinute: 2, Burst: 2}}
	for _, c := range []struct {
		who   core.Principal
		rates Rates
		want  asked
	}{
		{core.Principal{Key: id}, rates, asked{"key:" + id.String(), rates.Key}},
		{core.Principal{Key: id, Limit: own}, rates, asked{"key:" + id.String(), own}},
		{core.Principal{Key: id, Limit: own}, Rates{}, asked{"key:" + id.String(), own}},
		{core.Principal{Key: id}, Rates{User: rates.User}, asked{}},
		{core.Principal{User: id}, rates, asked{"user:" + id.String(), rates.User}},
		{core.Principal{User: id, Limit: own}, rates, asked{"user:" + id.String(), own}},
		{core.Principal{User: id}, Rates{Key: rates.Key}, asked{}},
	} {
		got := &asked{}
		s := &Server{Options: Options{Limiter: got, Now: time.Now}}
		s.SetRates(c.rates)
		require.NoError(t, s.admit(callOn(s, c.who)))
		require.Equal(t, c.want, *got)
	}
}

// callOn returns a call that was authenticated.
func callOn(s *Server, who core.Principal) *call {
	ctx := &fasthttp.RequestCtx{}
	ctx.Init(&fasthttp.Request{}, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, nil)
	return &call{server: s, ctx: ctx, who: who, start: time.Now()}
}

// TestToCountARequestAllocatesItsKeyOnly holds what the hot path costs in
// memory.
func TestToCountARequestAllocatesItsKeyOnly(t *testing.T) {
	s := &Server{Options: Options{Limiter: &asked{}, Now: time.Now}}
	s.SetRates(Rates{Key: core.Limit{PerMinute: 1000, Burst: 100}})
	s.deadline.after = time.Hour
	c := callOn(s, core.Principal{Key: core.NewID(time.Now(), make([]byte, 10))})
	require.LessOrEqual(t, testing.AllocsPerRun(1000, func() { _ = s.admit(c) }), 2.0)
}
