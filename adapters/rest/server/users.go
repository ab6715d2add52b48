package server

import (
	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// getUsers answers a page of the organization's users.
func (s *Server) getUsers(c *call) error {
	values, limit, err := c.pageQuery()
	if err != nil {
		return err
	}
	page, err := s.Identity.Users.List(c.context(), c.who, values.Get("cursor"), limit)
	if err != nil {
		return err
	}
	return answerList(c, rest.UsersPath, values, page)
}

// postUser invites a user.
func (s *Server) postUser(c *call) error {
	var request rest.InviteRequest
	if err := c.readObject(&request); err != nil {
		return err
	}
	user, link, err := s.Identity.Users.Invite(c.context(), c.who, request.Email, request.Name, request.Role)
	if err != nil {
		return err
	}
	c.ctx.Response.Header.Set(fasthttp.HeaderLocation, rest.UserPath(user.ID.String()))
	return c.answerJSON(fasthttp.StatusCreated, rest.Invited{User: user, Link: link})
}

// getUser answers one user.
func (s *Server) getUser(c *call) error {
	id, err := c.param("id")
	if err != nil {
		return err
	}
	user, err := s.Identity.Users.Get(c.context(), c.who, id)
	if err != nil {
		return err
	}
	return c.answerRevised(fasthttp.StatusOK, user.Revision, user)
}

// getUserKeys answers the keys that a user would leave.
func (s *Server) getUserKeys(c *call) error {
	values, err := c.query("role")
	if err != nil {
		return err
	}
	id, err := c.param("id")
	if err != nil {
		return err
	}
	keys, err := s.Identity.Users.Keys(c.context(), c.who, id, core.Role(values.Get("role")))
	return c.answerKeys(keys, err)
}

// keyFate reads what becomes of the keys of a user who leaves.
func (c *call) keyFate() (core.KeyFate, error) {
	values, err := c.query("keys")
	return core.KeyFate(values.Get("keys")), err
}

// patchUser changes the fields that the request names.
func (s *Server) patchUser(c *call) error {
	fate, err := c.keyFate()
	if err != nil {
		return err
	}
	id, err := c.param("id")
	if err != nil {
		return err
	}
	revision, err := c.revision(c.userRevision(id))
	if err != nil {
		return err
	}
	var change core.UserChange
	if err := c.readObject(&change); err != nil {
		return err
	}
	user, keys, err := s.Identity.Users.Change(c.context(), c.who, id, change, revision, fate)
	if err != nil {
		return err
	}
	return c.answerRevised(fasthttp.StatusOK, user.Revision, rest.ChangedUser{User: user, Keys: keys})
}

// userRevision returns how the current revision of a user is looked up.
func (c *call) userRevision(id string) func() (int64, error) {
	return func() (int64, error) {
		user, err := c.server.Identity.Users.Get(c.context(), c.who, id)
		return user.Revision, err
	}
}

// deleteUser removes a user, and answers the keys that are left, if there are any.
func (s *Server) deleteUser(c *call) error {
	fate, err := c.keyFate()
	if err != nil {
		return err
	}
	id, err := c.param("id")
	if err != nil {
		return err
	}
	if err := c.checkRevision(c.userRevision(id)); err != nil {
		return err
	}
	keys, err := s.Identity.Users.Remove(c.context(), c.who, id, fate)
	if err == nil && len(keys) == 0 {
		c.ctx.SetStatusCode(fasthttp.StatusNoContent)
		return nil
	}
	return c.answerKeys(keys, err)
}

// postInvitation answers another link for an invited user.
func (s *Server) postInvitation(c *call) error {
	id, err := c.param("id")
	if err != nil {
		return err
	}
	ctx := c.context()
	link, err := s.Identity.Users.InviteAgain(ctx, c.who, id)
	if err != nil {
		return err
	}
	user, err := s.Identity.Users.Get(ctx, c.who, id)
	if err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusOK, rest.Invited{User: user, Link: link})
}
