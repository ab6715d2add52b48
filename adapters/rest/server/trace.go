package server

import "github.com/valyala/fasthttp"

// getTrace answers what has become of an event.
func (s *Server) getTrace(c *call) error {
	id, err := c.param("event_id")
	if err != nil {
		return err
	}
	trace, err := s.Delivery.Tracer.Trace(c.context(), c.who, id)
	if err != nil {
		return err
	}
	if err := s.Processing.Trials.Judge(c.context(), c.who, &trace); err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusOK, trace)
}
