package server_test

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest/server"
	"github.com/eventflow-go/eventflow/core"
)

const metricsToken = "a-token-for-prometheus"

// withMetrics gives a server metrics that hold another tenant's name.
func withMetrics(token string) option {
	return func(o *server.Options, _ *fixture) {
		o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "orders_of_them 1") })
		o.MetricsToken = token
	}
}

// elsewhere is a listener whose connections come from another address.
type elsewhere struct {
	net.Listener
	from net.Addr
}

type connElsewhere struct {
	net.Conn
	from net.Addr
}

func (l elsewhere) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return connElsewhere{c, l.from}, err
}

func (c connElsewhere) RemoteAddr() net.Addr { return c.from }

// from lets the fixture's requests come from an address.
func (f *fixture) from(address string) {
	f.t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(f.t, err)
	f.address = ln.Addr().String()
	served := make(chan error, 1)
	go func() {
		served <- f.server.Serve(elsewhere{ln, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(address))})
	}()
	f.t.Cleanup(func() {
		_ = ln.Close()
		require.NoError(f.t, <-served)
	})
}

func (f *fixture) refusesMetrics(says string, headers ...string) {
	f.t.Helper()
	for _, method := range []string{"GET", "HEAD"} {
		got := f.do(method, "/metrics", nil, headers...)
		require.Equal(f.t, 401, got.StatusCode, headers)
		require.NotContains(f.t, string(got.body), "orders_of_them")
		require.NotEmpty(f.t, got.Header.Get("WWW-Authenticate"))
		if method == "GET" {
			problem := got.problem(f.t)
			require.Equal(f.t, core.CodeUnauthorized, problem.Code)
			require.Contains(f.t, problem.Message, "EVENTFLOW_METRICS_TOKEN")
			require.Contains(f.t, problem.Message, says)
		}
	}
}

func (f *fixture) answersMetrics(headers ...string) {
	f.t.Helper()
	got := f.do("GET", "/metrics", nil, headers...)
	require.Equal(f.t, 200, got.StatusCode, "%s", got.body)
	require.Equal(f.t, "orders_of_them 1", string(got.body))
}

// The metrics are about all organizations. With a token they are for whoever
// presents it: no key and no session of an organization opens them, and this
// machine is nobody special.
func TestMetricsWantTheirToken(t *testing.T) {
	t.Parallel()
	f := start(t, withMetrics(metricsToken))
	const says = "operates the server"
	f.answersMetrics("-", "Authorization: Bearer "+metricsToken)
	f.answersMetrics("-", "Authorization: bearer "+metricsToken, "X-Forwarded-For: 203.0.113.9")
	f.refusesMetrics(says, "-")
	f.refusesMetrics(says)
	f.refusesMetrics(says, "Authorization: Bearer "+f.key)
	for _, wrong := range []string{
		"Bearer", "Bearer ", "Basic " + metricsToken, metricsToken, "Bearer " + metricsToken + "x", "Bearer " + metricsToken[1:], "Bearer " + strings.ToUpper(metricsToken),
	} {
		f.refusesMetrics(says, "-", "Authorization: "+wrong)
	}
	f.refusesMetrics(says, "X-API-Key: "+metricsToken)
	require.Equal(t, 401, f.do("GET", "/metrics?token="+metricsToken, nil, "-").StatusCode)
	f.from("203.0.113.9:4711")
	f.answersMetrics("-", "Authorization: Bearer "+metricsToken)
	f.refusesMetrics(says, "-")
}

// Without a token the metrics are for programs on the server's machine, and not
// for whom a proxy on it asks.
func TestMetricsWithoutATokenStayOnTheMachine(t *testing.T) {
	t.Parallel()
	f := start(t, withMetrics(""), func(o *server.Options, _ *fixture) {
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.7/32")}
	})
	const says = "this machine only"
	f.answersMetrics("-")
	for _, forwarded := range []string{
		"X-Forwarded-For: 203.0.113.9", "X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1", "X-Real-IP: 127.0.0.1", "X-Forwarded-Host: a", "X-Forwarded-Proto: https", "Via: 1.1 a",
	} {
		f.refusesMetrics(says, "-", forwarded)
	}
	for _, host := range []string{"events.example", "events.example:8080", "127.0.0.1.nip.io", "localhost.example", "203.0.113.9", "[2001:db8::1]:80"} {
		got, _ := f.raw("GET /metrics HTTP/1.1\r\nHost: " + host + "\r\n\r\n")
		require.Equal(t, 401, got.StatusCode, "a proxy that hands the name on, or a page whose name leads here: %s", host)
	}
	for _, host := range []string{"localhost", "localhost:8080", "127.0.0.2:80", "[::1]:8080"} {
		got, _ := f.raw("GET /metrics HTTP/1.1\r\nHost: " + host + "\r\n\r\n")
		require.Equal(t, 200, got.StatusCode, host)
	}
	for address, local := range map[string]bool{
		"127.0.0.1:1": true, "127.8.9.1:1": true, "[::1]:1": true, "[::ffff:127.0.0.1]:1": true,
		"127.0.0.7:1": false, "203.0.113.9:1": false, "10.0.0.1:1": false, "[2001:db8::1]:1": false, "[::ffff:10.0.0.1]:1": false, "0.0.0.0:1": false,
	} {
		if f.from(address); local {
			f.answersMetrics("-")
			continue
		}
		f.refusesMetrics(says, "-")
		f.refusesMetrics(says)
		f.refusesMetrics(says, "-", "Authorization: Bearer ")
	}
}

// Who reads the metrics is not counted, however full the address's limit is;
// who tries tokens is.
func TestGuessesAtTheMetricsAreCounted(t *testing.T) {
	t.Parallel()
	limiter := &counter{state: core.LimitState{}}
	f := start(t, withMetrics(metricsToken), withLimiter(limiter, someRates))
	f.answersMetrics("-", "Authorization: Bearer "+metricsToken)
	require.Empty(t, limiter.takeAsked())
	require.Equal(t, 429, f.do("GET", "/metrics", nil, "-", "Authorization: Bearer wrong").StatusCode)
	require.Equal(t, []string{"addr:127.0.0.1 60/3 1"}, limiter.takeAsked())
	limiter.answer(core.LimitState{Allowed: true}, nil)
	f.refusesMetrics("operates the server", "-", "Authorization: Bearer wrong")
}
