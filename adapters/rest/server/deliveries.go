package server

import (
	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// getDeliveries answers a page of a processor's attempts to send, newest first.
func (s *Server) getDeliveries(c *call) error {
	stream, ref, err := c.processor()
	if err != nil {
		return err
	}
	values, limit, err := c.pageQuery("outcome")
	if err != nil {
		return err
	}
	page, err := s.Processing.Deliveries.List(c.context(), c.who, stream, ref, core.DeliveryQuery{
		Outcome: core.DeliveryOutcome(values.Get("outcome")), Cursor: values.Get("cursor"), Limit: limit,
	})
	if err != nil {
		return err
	}
	return answerList(c, rest.ProcessorPath(stream, ref)+"/deliveries", values, page)
}

// postResend sends the event of an attempt once more.
func (s *Server) postResend(c *call) error {
	id, err := c.param("id")
	if err != nil {
		return err
	}
	attempt, err := s.Processing.Deliveries.Resend(c.context(), c.who, id)
	if err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusOK, attempt)
}

// postSendTest sends a made-up event to the destination of a processor.
func (s *Server) postSendTest(c *call) error {
	stream, ref, err := c.processor()
	if err != nil {
		return err
	}
	attempt, err := s.Processing.Deliveries.SendTest(c.context(), c.who, stream, ref)
	if err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusOK, attempt)
}

// postRecover gives back the dead letters of a processor that were parked since a time.
func (s *Server) postRecover(c *call) error {
	stream, ref, err := c.processor()
	if err != nil {
		return err
	}
	var request rest.RecoverRequest
	if err := c.readObject(&request); err != nil {
		return err
	}
	if request.Since == nil {
		return core.Invalid("since", "is required: an RFC 3339 time; all letters that were parked from then on are sent again")
	}
	replay, err := s.Processing.Deliveries.Recover(c.context(), c.who, stream, ref, request.Since.Time)
	if err != nil {
		return err
	}
	c.ctx.Response.Header.Set(fasthttp.HeaderLocation, rest.ReplayPath(replay.ID.String()))
	return c.answerJSON(fasthttp.StatusAccepted, replay)
}
