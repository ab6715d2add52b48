package server

import (
	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// getSchemas answers a page of the schema versions of a stream.
func (s *Server) getSchemas(c *call) error {
	ref, err := c.stream()
	if err != nil {
		return err
	}
	values, limit, err := c.pageQuery("event_type")
	if err != nil {
		return err
	}
	page, err := s.Schemas.List(c.context(), c.who, ref, core.SchemaQuery{EventType: values.Get("event_type"), Cursor: values.Get("cursor"), Limit: limit})
	if err != nil {
		return err
	}
	return answerList(c, rest.SchemasPath(ref), values, page)
}

// postSchema registers a version: 201, or 200 where it is there already.
func (s *Server) postSchema(c *call) error {
	ref, err := c.stream()
	if err != nil {
		return err
	}
	var spec core.SchemaSpec
	if err := c.readObject(&spec); err != nil {
		return err
	}
	version, added, err := s.Schemas.Register(c.context(), c.who, ref, spec)
	if err != nil {
		return err
	}
	c.ctx.Response.Header.Set(fasthttp.HeaderLocation, rest.SchemaPath(ref, version.EventType, version.Version))
	if !added {
		return c.answerJSON(fasthttp.StatusOK, version)
	}
	return c.answerJSON(fasthttp.StatusCreated, version)
}

// getSchema answers one version.
func (s *Server) getSchema(c *call) error {
	ref, err := c.stream()
	if err != nil {
		return err
	}
	eventType, err := c.param("type")
	if err != nil {
		return err
	}
	number, err := c.param("version")
	if err != nil {
		return err
	}
	version, err := s.Schemas.Get(c.context(), c.who, ref, eventType, number)
	if err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusOK, version)
}

// postSchemaCheck answers whether a schema is compatible, and how many stored events would fit.
func (s *Server) postSchemaCheck(c *call) error {
	ref, err := c.stream()
	if err != nil {
		return err
	}
	var trial core.SchemaTrial
	if err := c.readObject(&trial); err != nil {
		return err
	}
	verdict, err := s.Schemas.Check(c.context(), c.who, ref, trial)
	if err != nil {
		return err
	}
	verdict.Incompatible = append([]core.Incompatibility{}, verdict.Incompatible...)
	verdict.Events.Failures = append([]core.SchemaFailure{}, verdict.Events.Failures...)
	return c.answerJSON(fasthttp.StatusOK, verdict)
}

// postSchemaInfer answers a schema that samples, or the newest events, fit.
func (s *Server) postSchemaInfer(c *call) error {
	ref, err := c.stream()
	if err != nil {
		return err
	}
	var from core.SchemaSamples
	if err := c.readObject(&from); err != nil {
		return err
	}
	inferred, err := s.Schemas.Infer(c.context(), c.who, ref, from)
	if err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusOK, inferred)
}
