package server

import (
	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// getRoles answers what each role may do.
func (s *Server) getRoles(c *call) error {
	var roles rest.Roles
	for _, role := range core.Roles {
		item := rest.RolePermissions{Role: role, Permissions: []core.Action{}}
		for _, action := range core.Actions {
			if s.Authorizer.Allow(core.Principal{Org: c.who.Org, Role: role}, c.who.Org, action) == nil {
				item.Permissions = append(item.Permissions, action)
			}
		}
		roles.Items = append(roles.Items, item)
	}
	return c.answerJSON(fasthttp.StatusOK, roles)
}
