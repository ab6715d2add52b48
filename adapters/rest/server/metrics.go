package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/netip"
	"slices"

	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttpadaptor"

	"github.com/eventflow-go/eventflow/core"
)

var (
	errMetricsToken = core.Errorf(core.CodeUnauthorized,
		"the metrics are for whoever operates the server: present the value of EVENTFLOW_METRICS_TOKEN as Authorization: Bearer")
	errMetricsLocal = core.Errorf(core.CodeUnauthorized,
		"the metrics cover all organizations and can be read from this machine only: to read them from elsewhere or through a proxy, "+
			"set EVENTFLOW_METRICS_TOKEN on the server and present it as Authorization: Bearer")
)

// getMetrics answers the metrics of the process, for Prometheus. They name streams, types and
// groups of all organizations, so a credential of one organization does not
// open them. Guesses at the token count against the rate of the client's
// address; scrapes do not.
func (s *Server) getMetrics(c *call) error {
	if s.Metrics == nil {
		return core.Errorf(core.CodeNotFound, "there is nothing at this address")
	}
	if err := s.mayScrape(c); err != nil {
		if limited := s.admitAddress(c); limited != nil {
			return limited
		}
		return err
	}
	fasthttpadaptor.NewFastHTTPHandler(s.Metrics)(c.ctx)
	return nil
}

func (s *Server) mayScrape(c *call) error {
	if s.MetricsToken == "" {
		if !c.local() {
			return errMetricsLocal
		}
		return nil
	}
	// Hashes all have the same length, so the time that the comparison takes says
	// nothing about the token.
	want := sha256.Sum256([]byte(s.MetricsToken))
	got := sha256.Sum256(bearerToken(c.ctx.Request.Header.Peek(fasthttp.HeaderAuthorization)))
	if subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
		return errMetricsToken
	}
	return nil
}

// forwarding lists the headers by which a proxy says for whom it asks.
var forwarding = []string{
	fasthttp.HeaderXForwardedFor, fasthttp.HeaderForwarded, fasthttp.HeaderXForwardedHost, fasthttp.HeaderXForwardedProto, "X-Real-Ip", fasthttp.HeaderVia,
}

// local reports whether a program on this machine asks for itself. A proxy does
// not, and neither does the page of another site whose name leads to this
// machine.
func (c *call) local() bool {
	remote, err := netip.ParseAddrPort(c.ctx.RemoteAddr().String())
	if err != nil || !plain(remote.Addr()).IsLoopback() || c.server.trusts(plain(remote.Addr())) {
		return false
	}
	return isLocalName(string(c.ctx.Request.Header.Host())) && !slices.ContainsFunc(forwarding, c.hasHeader)
}

// isLocalName reports whether a Host header says "this machine", by name or by
// address.
func isLocalName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.Unmap().IsLoopback()
}
