package server

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/core"
)

// visitor says where a request comes from, for sessions and the audit trail.
func (c *call) visitor() core.Visitor {
	return core.Visitor{
		Address:   c.address(),
		UserAgent: strings.ToValidUTF8(string(c.ctx.Request.Header.UserAgent()), "?"),
		RequestID: string(c.id),
	}
}

// address returns the client's address, without the port. Proxies that are
// trusted are believed: the address is the last one in the chain of
// X-Forwarded-For that no trusted proxy vouches for.
//
// If a trusted proxy writes something that is not understood, the client is
// "unknown via" that proxy. It must not count as the proxy itself, for which the
// proxy's own requests count, nor as an address further left, which the client
// may have made up. All such clients of a proxy count as one, because a text that
// nobody understands may differ from request to request.
func (c *call) address() string {
	remote, err := netip.ParseAddrPort(c.ctx.RemoteAddr().String())
	if err != nil {
		return c.ctx.RemoteAddr().String()
	}
	address := plain(remote.Addr())
	if !c.server.trusts(address) {
		return address.String()
	}
	hops := slices.Collect(elements(c.requestHeader(fasthttp.HeaderXForwardedFor)))
	for _, hop := range slices.Backward(hops) {
		next, ok := parseHop(hop)
		if !ok {
			return "unknown via " + address.String()
		}
		address = next
		if !c.server.trusts(address) {
			break
		}
	}
	return address.String()
}

// parseHop reads an address of X-Forwarded-For, in every form that proxies
// write: HAProxy and nginx leave the port out, AWS and Azure may add it, and
// then an IPv6 address is in brackets.
func parseHop(hop string) (netip.Addr, bool) {
	if inner, ok := strings.CutPrefix(hop, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); ok {
			hop = inner
		}
	}
	if address, err := netip.ParseAddr(hop); err == nil {
		return plain(address), true
	}
	withPort, err := netip.ParseAddrPort(hop)
	return plain(withPort.Addr()), err == nil
}

// plain returns an address in the one form that it is compared and counted in:
// IPv4 is not mapped into IPv6, and there is no zone. A zone names an interface
// of the machine that wrote it, and no network contains an address with one.
func plain(address netip.Addr) netip.Addr { return address.Unmap().WithZone("") }

func (s *Server) trusts(address netip.Addr) bool {
	return slices.ContainsFunc(s.TrustedProxies, func(network netip.Prefix) bool { return network.Contains(address) })
}
