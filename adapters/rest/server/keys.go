package server

import (
	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// of makes a handler for one kind of credentials of a function that handles
// both kinds.
func of(kind core.KeyKind, handle func(*Server, *call, core.KeyKind) error) func(*Server, *call) error {
	return func(s *Server, c *call) error { return handle(s, c, kind) }
}

// getKeys answers a page of the credentials that the caller may see.
func (s *Server) getKeys(c *call, kind core.KeyKind) error {
	values, limit, err := c.pageQuery("created_by")
	if err != nil {
		return err
	}
	var creator core.ID
	if values.Has("created_by") {
		if creator, err = core.ParseID(values.Get("created_by")); err != nil || creator.IsZero() {
			return core.Invalid("created_by", "must be the id of a user or of a key")
		}
	}
	page, err := s.Identity.Keys.List(c.context(), c.who, kind, creator, values.Get("cursor"), limit)
	if err != nil {
		return err
	}
	return answerList(c, rest.KeysPath(kind), values, page)
}

// postKey makes a credential. Its secret is in this answer only.
func (s *Server) postKey(c *call, kind core.KeyKind) error {
	var request core.KeyRequest
	if err := c.readObject(&request); err != nil {
		return err
	}
	key, secret, err := s.Identity.Keys.Create(c.context(), c.who, kind, request)
	if err != nil {
		return err
	}
	c.ctx.Response.Header.Set(fasthttp.HeaderLocation, rest.KeyPath(kind, key.ID.String()))
	return c.answerJSON(fasthttp.StatusCreated, rest.KeyWithSecret{APIKey: key, Secret: secret})
}

// getKey answers one credential.
func (s *Server) getKey(c *call, kind core.KeyKind) error {
	id, err := c.param("id")
	if err != nil {
		return err
	}
	key, err := s.Identity.Keys.Get(c.context(), c.who, kind, id)
	if err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusOK, key)
}

// postRotate gives a credential another secret, which is in this answer only.
// The body may be empty.
func (s *Server) postRotate(c *call, kind core.KeyKind) error {
	id, err := c.param("id")
	if err != nil {
		return err
	}
	var request rest.RotateRequest
	if c.ctx.Request.Header.ContentLength() != 0 {
		if err := c.readObject(&request); err != nil {
			return err
		}
	}
	key, secret, err := s.Identity.Keys.Rotate(c.context(), c.who, kind, id, request.Grace)
	if err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusOK, rest.KeyWithSecret{APIKey: key, Secret: secret})
}

// getKeyChildren answers the credentials that descend from one.
func (s *Server) getKeyChildren(c *call, kind core.KeyKind) error {
	id, err := c.param("id")
	if err != nil {
		return err
	}
	keys, err := s.Identity.Keys.Children(c.context(), c.who, kind, id)
	return c.answerKeys(keys, err)
}

// answerKeys answers with keys of both kinds.
func (c *call) answerKeys(keys []core.APIKey, err error) error {
	if err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusOK, rest.KeysLeft{Keys: append([]core.APIKey{}, keys...)}) // none are no null
}

// deleteKey revokes a credential, and those that descend from it where the request
// says so.
func (s *Server) deleteKey(c *call, kind core.KeyKind) error {
	values, err := c.query("children")
	if err != nil {
		return err
	}
	children := values.Get("children")
	if values.Has("children") && children != "true" && children != "false" {
		return core.Invalid("children", "must be true or false")
	}
	id, err := c.param("id")
	if err != nil {
		return err
	}
	if err := s.Identity.Keys.Revoke(c.context(), c.who, kind, id, children == "true"); err != nil {
		return err
	}
	c.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}
