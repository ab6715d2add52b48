package server

import (
	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
)

// getSummary answers the organization in numbers.
func (s *Server) getSummary(c *call) error {
	values, err := c.query(rest.PartialParameter)
	if err != nil {
		return err
	}
	partial, err := parseFlag(values, rest.PartialParameter)
	if err != nil {
		return err
	}
	sum, err := s.Delivery.Numbers.Summary(c.context(), c.who, partial)
	if err != nil {
		return err
	}
	if sum.FailingProcessors, err = s.Processing.Processors.Failing(c.context(), c.who); err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusOK, sum)
}
