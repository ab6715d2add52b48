package server

import (
	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
)

// postOrganization makes an organization.
func (s *Server) postOrganization(c *call) error {
	var request rest.OrganizationRequest
	if err := c.readObject(&request); err != nil {
		return err
	}
	org, link, err := s.Identity.Organizations.Create(c.context(), c.who, request.Name)
	if err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusCreated, rest.OrganizationCreated{Organization: org, Link: link})
}

// getOrganization answers the organization that the request belongs to.
func (s *Server) getOrganization(c *call) error {
	org, err := s.Identity.Organizations.Current(c.context(), c.who)
	if err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusOK, org)
}

// patchOrganization renames it.
func (s *Server) patchOrganization(c *call) error {
	var change rest.OrganizationChange
	if err := c.readObject(&change); err != nil {
		return err
	}
	org, err := s.Identity.Organizations.Rename(c.context(), c.who, change.Name)
	if err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusOK, org)
}
