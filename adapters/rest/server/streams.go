package server

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// getStreams answers a page of the streams, with numbers where they are asked
// for.
func (s *Server) getStreams(c *call) error {
	values, err := c.query("prefix", "cursor", "limit", "stats")
	if err != nil {
		return err
	}
	limit, err := parseLimit(values)
	if err != nil {
		return err
	}
	query := core.StreamQuery{Prefix: values.Get("prefix"), Cursor: values.Get("cursor"), Limit: limit}
	switch values.Get("stats") {
	case "true":
		return s.getStreamOverviews(c, values, query)
	case "", "false":
	default:
		return core.Invalid("stats", "must be true or false")
	}
	page, err := s.Streams.List(c.context(), c.who, query)
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

func (s *Server) getStreamOverviews(c *call, values url.Values, query core.StreamQuery) error {
	page, err := s.Consumers.Overview(c.context(), c.who, query)
	if err != nil {
		return err
	}
	if page.HasMore {
		values.Set("cursor", page.NextCursor)
		c.setNext(rest.StreamsPath, values)
	}
	return c.answerJSON(fasthttp.StatusOK, rest.List[core.StreamOverview]{
		Items:      append([]core.StreamOverview{}, page.Items...),
		Pagination: rest.Pagination{NextCursor: page.NextCursor, HasMore: page.HasMore},
	})
}

// postStream creates a stream.
func (s *Server) postStream(c *call) error {
	var spec core.StreamSpec
	if err := c.readObject(&spec); err != nil {
		return err
	}
	stream, err := s.Streams.Create(c.context(), c.who, spec)
	if err != nil {
		return err
	}
	c.record(core.AuditStreamCreated, "stream", stream.ID.String())
	c.ctx.Response.Header.Set(fasthttp.HeaderLocation, rest.StreamPath(stream.ID.String()))
	return c.answerStream(fasthttp.StatusCreated, stream)
}

// getStream answers one stream.
func (s *Server) getStream(c *call) error {
	ref, err := c.stream()
	if err != nil {
		return err
	}
	stream, err := s.Streams.Get(c.context(), c.who, ref)
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
	if err := c.readObject(&change); err != nil {
		return err
	}
	stream, err := s.Streams.Change(c.context(), c.who, ref, change, revision)
	if err != nil {
		return err
	}
	c.record(core.AuditStreamChanged, "stream", stream.ID.String())
	return c.answerStream(fasthttp.StatusOK, stream)
}

// deleteStream takes a stream away.
func (s *Server) deleteStream(c *call) error {
	ref, revision, err := c.streamRevision()
	if err != nil {
		return err
	}
	if err := s.Streams.Delete(c.context(), c.who, ref, revision); err != nil {
		return err
	}
	c.record(core.AuditStreamDeleted, "stream", ref)
	c.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

// getStats says what a stream holds.
func (s *Server) getStats(c *call) error {
	ref, err := c.stream()
	if err != nil {
		return err
	}
	stats, err := s.Streams.Stats(c.context(), c.who, ref)
	if err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusOK, stats)
}

func (c *call) answerStream(status int, stream core.Stream) error {
	c.setRevision(stream.Revision)
	return c.answerJSON(status, stream)
}

// setRevision sets a changing resource's entity tag.
func (c *call) setRevision(revision int64) {
	c.ctx.Response.Header.Set(fasthttp.HeaderETag, `"`+strconv.FormatInt(revision, 10)+`"`)
}

func (c *call) streamRevision() (ref string, revision int64, err error) {
	if ref, err = c.stream(); err != nil {
		return "", 0, err
	}
	revision, err = c.revision()
	return ref, revision, err
}

// revision is the one that a change is about, or 0 for any.
func (c *call) revision() (int64, error) {
	return parseIfMatch(c.requestHeader(fasthttp.HeaderIfMatch))
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
		return 0, core.Errorf(core.CodePreconditionFailed, "If-Match does not match the current entity tag of this resource")
	}
	return revision, nil
}
