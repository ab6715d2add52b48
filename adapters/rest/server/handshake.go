package server

import (
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/core"
)

// takesCloudEvents reports whether CloudEvents may be delivered to a route.
func (r *route) takesCloudEvents() bool {
	return r.Method == fiber.MethodPost && r.Action == core.ActionIngest && !strings.HasSuffix(r.Path, "/validate")
}

// shakeHands answers OPTIONS, by which a sender of CloudEvents asks whether they
// may be delivered here: the abuse protection of "HTTP 1.1 Web Hooks for Event
// Delivery", on which Azure Event Grid insists.
//
// It takes a credential that may ingest. The answer is a promise to whoever
// delivers, so only somebody who may have events delivered gives it. Deliveries
// without one would be refused anyway, and a sender that asks without its
// credential is told so by 401. WebHook-Request-Callback is passed over: this
// server calls no addresses that a request names. The address of a source is such a
// credential.
func (s *Server) shakeHands(c *call) error {
	header := &c.ctx.Response.Header
	header.Set(fasthttp.HeaderAllow, s.allowed(string(c.ctx.URI().PathOriginal())))
	if origin := c.requestHeader("WebHook-Request-Origin"); origin != "" && visibleASCII([]byte(origin)) {
		header.Set("WebHook-Allowed-Origin", origin)
		rate, limit := "*", s.rates.Load().Key
		if c.source == nil {
			_, limit = s.limitOf(c)
		}
		if !limit.IsZero() {
			rate = strconv.Itoa(limit.PerMinute)
		}
		header.Set("WebHook-Allowed-Rate", rate)
	}
	c.ctx.SetStatusCode(fasthttp.StatusOK)
	return nil
}
