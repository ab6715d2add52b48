package server

import (
	"slices"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// getMe answers who makes the request.
func (s *Server) getMe(c *call) error {
	user, org, organizations, err := s.Identity.SignIns.Me(c.context(), c.who)
	if err != nil {
		return err
	}
	me := rest.Me{Organization: org, Organizations: organizations, Label: c.who.Label, Role: c.who.Role, Permissions: []core.Action{}}
	if !user.ID.IsZero() {
		me.User = &user
	}
	for _, action := range core.Actions {
		if s.Authorizer.Allow(c.who, c.who.Org, action) == nil {
			me.Permissions = append(me.Permissions, action)
		}
	}
	slices.Sort(me.Permissions)
	return c.answerJSON(fasthttp.StatusOK, me)
}
