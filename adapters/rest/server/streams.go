package server

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// getStreams answers a page of the streams.
func (s *Server) getStreams(c *call) error {
	values, err := c.query("cursor", "limit")
	if err != nil {
		return err
	}
	limit, err := parseLimit(values)
	if err != nil {
		return err
	}
	page, err := s.Streams.List(s.deadline.context(c.start), c.who, values.Get("cursor"), limit)
	if err != nil {
		return err
	}
	if page.HasMore {
		values.Set("cursor", page.NextCursor)
		c.setNext(rest.StreamsPath, values)
	}
	return c.answerJSON(fasthttp.StatusOK, rest.List[core.Stream]{
		Items:      append([]core.Stream{}, page.Items...),
		Pagination: rest.Pagination{NextCursor: page.NextCursor, HasMore: page.HasMore},
	})
}

// postStream creates a stream.
func (s *Server) postStream(c *call) error {
	var spec core.StreamSpec
	if err := c.readObject(&spec, "name", "description", "retention_days", "idempotency_window_seconds", "schema"); err != nil {
		return err
	}
	stream, err := s.Streams.Create(s.deadline.context(c.start), c.who, spec)
	if err != nil {
		return err
	}
	c.ctx.Response.Header.Set(fasthttp.HeaderLocation, rest.StreamPath(stream.ID.String()))
	return c.answerStream(fasthttp.StatusCreated, stream)
}

// getStream answers one stream.
func (s *Server) getStream(c *call) error {
	ref, err := c.stream()
	if err != nil {
		return err
	}
	stream, err := s.Streams.Get(s.deadline.context(c.start), c.who, ref)
	if err != nil {
		return err
	}
	return c.answerStream(fasthttp.StatusOK, stream)
}

// patchStream changes the fields that the request names.
func (s *Server) patchStream(c *call) error {
	ref, revision, err := c.streamRevision()
	if err != nil {
		return err
	}
	var change core.StreamChange
	if err := c.readObject(&change, "name", "description", "retention_days", "idempotency_window_seconds", "schema"); err != nil {
		return err
	}
	stream, err := s.Streams.Change(s.deadline.context(c.start), c.who, ref, change, revision)
	if err != nil {
		return err
	}
	return c.answerStream(fasthttp.StatusOK, stream)
}

// deleteStream takes a stream away.
func (s *Server) deleteStream(c *call) error {
	ref, revision, err := c.streamRevision()
	if err != nil {
		return err
	}
	if err := s.Streams.Delete(s.deadline.context(c.start), c.who, ref, revision); err != nil {
		return err
	}
	c.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

// getStats says what a stream holds.
func (s *Server) getStats(c *call) error {
	ref, err := c.stream()
	if err != nil {
		return err
	}
	stats, err := s.Streams.Stats(s.deadline.context(c.start), c.who, ref)
	if err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusOK, stats)
}

func (c *call) answerStream(status int, stream core.Stream) error {
	c.ctx.Response.Header.Set(fasthttp.HeaderETag, `"`+strconv.FormatInt(stream.Revision, 10)+`"`)
	return c.answerJSON(status, stream)
}

func (c *call) streamRevision() (ref string, revision int64, err error) {
	if ref, err = c.stream(); err != nil {
		return "", 0, err
	}
	revision, err = parseIfMatch(c.requestHeader(fasthttp.HeaderIfMatch))
	return ref, revision, err
}

// parseIfMatch returns the revision that a change is about, or 0 for any. A
// tag that no revision can have, and a weak one, never match.
func parseIfMatch(header string) (int64, error) {
	if header == "" || header == "*" {
		return 0, nil
	}
	tag, weak := strings.CutPrefix(header, "W/")
	inner := strings.TrimSuffix(strings.TrimPrefix(tag, `"`), `"`)
	if len(tag) < 2 || len(inner) != len(tag)-2 || strings.Contains(inner, `"`) {
		return 0, core.Invalid(fasthttp.HeaderIfMatch, `must be one entity tag in quotes, such as "3", or *`)
	}
	revision, err := strconv.ParseInt(inner, 10, 64)
	if weak || err != nil || revision < 1 || strconv.FormatInt(revision, 10) != inner {
		return 0, core.Errorf(core.CodePreconditionFailed, "If-Match holds no entity tag of this resource")
	}
	return revision, nil
}

// readObject reads a body that is a JSON object with these fields. Names are
// exact and values strictly typed, unlike what encoding/json does by itself.
func (c *call) readObject(into any, fields ...string) error {
	if err := c.wantJSON(); err != nil {
		return err
	}
	body, err := c.readBody(core.MaxEventBytes)
	if err != nil {
		return err
	}
	if err := core.ValidJSON(body); err != nil {
		return err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil || members == nil {
		return core.Invalid("body", "must be a JSON object")
	}
	for name := range members {
		if !slices.Contains(fields, name) {
			return core.Invalid(name, "is not a field of this request")
		}
	}
	err = json.Unmarshal(body, into)
	if wrongType, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return core.Invalid(wrongType.Field, "must be a %s, not a %s", jsonType(wrongType), wrongType.Value)
	}
	if err != nil {
		return core.Invalid("body", "does not fit this request")
	}
	return nil
}

func jsonType(err *json.UnmarshalTypeError) string {
	if kind := err.Type.Kind().String(); strings.HasPrefix(kind, "int") {
		return "whole number"
	}
	return "string"
}
