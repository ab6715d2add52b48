package server

import (
	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// getQuarantine answers a page of the quarantine of a stream, newest first.
func (s *Server) getQuarantine(c *call) error {
	ref, err := c.stream()
	if err != nil {
		return err
	}
	values, limit, err := c.pageQuery("event_type")
	if err != nil {
		return err
	}
	page, err := s.Quarantine.List(c.context(), c.who, ref, core.QuarantineQuery{
		EventType: values.Get("event_type"), Cursor: values.Get("cursor"), Limit: limit,
	})
	if err != nil {
		return err
	}
	return answerList(c, rest.QuarantinePath(ref), values, page)
}

// streamAndID returns what the path names.
func (c *call) streamAndID() (ref, id string, err error) {
	if ref, err = c.stream(); err != nil {
		return "", "", err
	}
	id, err = c.param("id")
	return ref, id, err
}

// getQuarantined answers one event of a quarantine.
func (s *Server) getQuarantined(c *call) error {
	ref, id, err := c.streamAndID()
	if err != nil {
		return err
	}
	found, err := s.Quarantine.Get(c.context(), c.who, ref, id)
	if err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusOK, found)
}

// postQuarantineIngest puts an event of a quarantine into its stream, mended.
func (s *Server) postQuarantineIngest(c *call) error {
	ref, id, err := c.streamAndID()
	if err != nil {
		return err
	}
	var mend core.Mend
	if err := c.readObject(&mend); err != nil {
		return err
	}
	receipt, err := s.Quarantine.Ingest(c.context(), c.who, ref, id, mend)
	if err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusAccepted, receipt)
}

// postQuarantineDiscard throws an event of a quarantine away.
func (s *Server) postQuarantineDiscard(c *call) error {
	ref, id, err := c.streamAndID()
	if err != nil {
		return err
	}
	if err := s.Quarantine.Discard(c.context(), c.who, ref, id); err != nil {
		return err
	}
	c.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}
