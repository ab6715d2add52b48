package server

import (
	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// getSessions answers where the caller is signed in.
func (s *Server) getSessions(c *call) error {
	sessions, err := s.Identity.SignIns.Sessions(c.context(), c.who)
	if err != nil {
		return err
	}
	list := rest.List[rest.Session]{Items: make([]rest.Session, len(sessions))}
	for i, one := range sessions {
		list.Items[i] = rest.Session{
			ID: one.ID, Current: one.ID == c.who.Session, Address: one.Address, UserAgent: one.UserAgent,
			CreatedAt: one.CreatedAt, RefreshedAt: one.RotatedAt, ExpiresAt: one.ExpiresAt,
		}
	}
	return c.answerJSON(fasthttp.StatusOK, list)
}

// postSessionEnd ends one of the caller's sessions, or all others.
func (s *Server) postSessionEnd(c *call) error {
	var request rest.SessionEnd
	if err := c.readObject(&request); err != nil {
		return err
	}
	var session core.ID
	if request.SessionID != "" {
		var err error
		if session, err = core.ParseID(request.SessionID); err != nil {
			return core.Invalid("session_id", "%v", err)
		}
	}
	if err := s.Identity.SignIns.End(c.context(), c.who, session, request.Password); err != nil {
		return err
	}
	c.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

// postUserSessionsEnd ends all sessions of a user of the organization.
func (s *Server) postUserSessionsEnd(c *call) error {
	id, err := c.param("id")
	if err != nil {
		return err
	}
	if err := s.Identity.SignIns.EndAllOf(c.context(), c.who, id); err != nil {
		return err
	}
	c.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}
