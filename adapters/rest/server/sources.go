package server

import (
	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// getSources answers a page of the sources.
func (s *Server) getSources(c *call) error {
	values, limit, err := c.pageQuery()
	if err != nil {
		return err
	}
	page, err := s.Inbound.List(c.context(), c.who, values.Get("cursor"), limit)
	if err != nil {
		return err
	}
	return answerList(c, rest.SourcesPath, values, page)
}

// postSource makes a source. Its address, if it has one, is in this answer only.
func (s *Server) postSource(c *call) error {
	var spec core.SourceSpec
	if err := c.readObject(&spec); err != nil {
		return err
	}
	source, token, err := s.Inbound.Create(c.context(), c.who, spec)
	if err != nil {
		return err
	}
	c.ctx.Response.Header.Set(fasthttp.HeaderLocation, rest.SourcePath(source.ID.String()))
	return c.answerSource(fasthttp.StatusCreated, source, token)
}

// answerSource answers with a source and its address.
func (c *call) answerSource(status int, source core.Source, token string) error {
	c.setRevision(source.Revision)
	answer := rest.SourceWithToken{Source: source}
	if token != "" {
		answer.Token, answer.Path = token, rest.InboundPath(token)
	}
	return c.answerJSON(status, answer)
}

// getSource answers one source.
func (s *Server) getSource(c *call) error {
	id, err := c.param("id")
	if err != nil {
		return err
	}
	source, err := s.Inbound.Get(c.context(), c.who, id)
	if err != nil {
		return err
	}
	return c.answerRevised(fasthttp.StatusOK, source.Revision, source)
}

// patchSource changes the fields that the request names.
func (s *Server) patchSource(c *call) error {
	id, revision, err := c.sourceRevision()
	if err != nil {
		return err
	}
	var change core.SourceChange
	if err := c.readObject(&change); err != nil {
		return err
	}
	source, err := s.Inbound.Change(c.context(), c.who, id, change, revision)
	if err != nil {
		return err
	}
	return c.answerRevised(fasthttp.StatusOK, source.Revision, source)
}

// sourceRevision returns the source that the path names, and the revision that a change is
// meant for.
func (c *call) sourceRevision() (id string, revision int64, err error) {
	if id, err = c.param("id"); err != nil {
		return "", 0, err
	}
	revision, err = c.revision(func() (int64, error) {
		source, err := c.server.Inbound.Get(c.context(), c.who, id)
		return source.Revision, err
	})
	return id, revision, err
}

// deleteSource removes a source and its refusals.
func (s *Server) deleteSource(c *call) error {
	id, revision, err := c.sourceRevision()
	if err != nil {
		return err
	}
	if err := s.Inbound.Delete(c.context(), c.who, id, revision); err != nil {
		return err
	}
	c.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

// postSourceRotate gives a source another address, which is in this answer only.
func (s *Server) postSourceRotate(c *call) error {
	id, err := c.param("id")
	if err != nil {
		return err
	}
	source, token, err := s.Inbound.Rotate(c.context(), c.who, id)
	if err != nil {
		return err
	}
	return c.answerSource(fasthttp.StatusOK, source, token)
}

// getSourceRefusals answers what a source refused. There is one page.
func (s *Server) getSourceRefusals(c *call) error {
	id, err := c.param("id")
	if err != nil {
		return err
	}
	refusals, err := s.Inbound.Refusals(c.context(), c.who, id)
	if err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusOK, rest.List[core.SourceRefusal]{Items: append([]core.SourceRefusal{}, refusals...)})
}
