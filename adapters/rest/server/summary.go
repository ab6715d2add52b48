package server

import "github.com/valyala/fasthttp"

// getSummary answers the organization in numbers.
func (s *Server) getSummary(c *call) error {
	sum, err := s.Delivery.Numbers.Summary(c.context(), c.who)
	if err != nil {
		return err
	}
	if sum.FailingProcessors, err = s.Processing.Processors.Failing(c.context(), c.who); err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusOK, sum)
}
