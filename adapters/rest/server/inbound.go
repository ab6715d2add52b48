package server

import (
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/inbound"
)

// inboundPath is the address of a source. Its token is its credential.
const inboundPath = rest.Prefix + "/in/:token"

// inbound reports whether a route takes what senders send.
func (r *route) inbound() bool { return r.Path == inboundPath }

// admitSource lets a call through that names a source and is within its rate. Guesses count
// against their address.
func (s *Server) admitSource(c *call) error {
	token, err := c.param("token")
	if err != nil {
		token = "" // no token has such a form
	}
	source, err := s.Inbound.Find(c.context(), token)
	if core.IsNotFound(err) {
		c.abandonBody()
		if limited := s.admitAddress(c); limited != nil {
			return limited
		}
	}
	if err != nil {
		return err
	}
	c.source, c.who = source, source.Principal()
	if limit := s.rates.Load().Key; s.Limiter != nil && !limit.IsZero() {
		return s.count(c, sourceKey(source), limit)
	}
	return nil
}

func sourceKey(source *inbound.Open) string { return "source:" + source.ID.String() }

// postInbound takes in what a sender sends. The answer comes once it is durable.
func (s *Server) postInbound(c *call) error {
	request := inbound.Request{Header: c.requestHeader, From: c.visitor()}
	var err error
	if request.Body, err = c.readBody(); err != nil {
		s.Inbound.Refused(c.context(), c.source, request, err)
		return err
	}
	answer, err := s.Inbound.Receive(c.context(), c.source, request)
	switch {
	case err != nil:
		return err
	case answer.Reply != nil:
		return c.answerJSON(fasthttp.StatusOK, answer.Reply)
	case answer.Quiet:
		c.ctx.SetStatusCode(fasthttp.StatusOK)
		return nil
	}
	return c.answerJSON(fasthttp.StatusAccepted, rest.Taken{
		Status: core.Accepted, Events: append([]core.Receipt{}, answer.Receipts...), Duplicate: answer.Known,
	})
}

// shownPath is the path of a request as it may be logged: the address of a source is a
// secret, however it is written.
func (c *call) shownPath() string {
	beginning := rest.InboundPath("")
	if path := c.ctx.Path(); len(path) >= len(beginning) && strings.EqualFold(string(path[:len(beginning)]), beginning) {
		return beginning + "…"
	}
	return string(c.ctx.URI().PathOriginal())
}

// takesWebhooks reports whether senders of CloudEvents may ask whether they may deliver to a
// route.
func (r *route) takesWebhooks() bool {
	return r.takesCloudEvents() || r.Method == fiber.MethodPost && r.inbound()
}
