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

// getMetrics answers the metrics of the process. They name streams, types and
// groups of all organizations: no credential of one of them is good for that.
// Who may read them is not counted, who guesses is.
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
	// Hashes have one length: how long the comparison takes tells nothing.
	want := sha256.Sum256([]byte(s.MetricsToken))
	got := sha256.Sum256(bearerToken(c.ctx.Request.Header.Peek(fasthttp.HeaderAuthorization)))
	if subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
		return errMetricsToken
	}
	return nil
}

// forwarding are the headers by which a proxy says whom it asks for.
var forwarding = []string{
	fasthttp.HeaderXForwardedFor, fasthttp.HeaderForwarded, fasthttp.HeaderXForwardedHost, fasthttp.HeaderXForwardedProto, "X-Real-Ip", fasthttp.HeaderVia,
}

// local reports whether a program on this machine asks, for itself: not a proxy,
// and not the page of another site whose name leads here.
func (c *call) local() bool {
	remote, err := netip.ParseAddrPort(c.ctx.RemoteAddr().String())
	if err != nil || !remote.Addr().Unmap().IsLoopback() || c.server.trusts(remote.Addr().Unmap()) {
		return false
	}
	header := &c.ctx.Request.Header
	return isLocalName(string(header.Host())) &&
		!slices.ContainsFunc(forwarding, func(name string) bool { return len(header.Peek(name)) > 0 })
}

// isLocalName reports whether a Host header names this machine as such.
func isLocalName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.Unmap().IsLoopback()
}
