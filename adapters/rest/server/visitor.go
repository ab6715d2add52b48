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

// address is the client's, without its port: the last one in the chain of
// X-Forwarded-For that no trusted proxy vouches for.
func (c *call) address() string {
	remote, err := netip.ParseAddrPort(c.ctx.RemoteAddr().String())
	if err != nil {
		return c.ctx.RemoteAddr().String()
	}
	address := remote.Addr().Unmap()
	if len(c.server.TrustedProxies) == 0 {
		return address.String()
	}
	hops := strings.Split(string(c.ctx.Request.Header.Peek(fasthttp.HeaderXForwardedFor)), ",")
	for _, hop := range slices.Backward(hops) {
		if !c.server.trusts(address) {
			break
		}
		next, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		address = next.Unmap()
	}
	return address.String()
}

func (s *Server) trusts(address netip.Addr) bool {
	return slices.ContainsFunc(s.TrustedProxies, func(network netip.Prefix) bool { return network.Contains(address) })
}
