package server

import (
	"net/url"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// getSummary answers the organization in numbers.
func (s *Server) getSummary(c *call) error {
	values, err := c.query(rest.PartialParameter)
	if err != nil {
		return err
	}
	partial, err := parsePartial(values)
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

// parsePartial reads whether a request takes a part of an answer while a shard is away.
func parsePartial(values url.Values) (bool, error) {
	switch values.Get(rest.PartialParameter) {
	case "true":
		return true, nil
	case "", "false":
		return false, nil
	}
	return false, core.Invalid(rest.PartialParameter, "must be true or false")
}
