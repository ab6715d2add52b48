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

// patchOrganization renames the organization that the request belongs to.
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

// getUsage answers what the organization has of what all share, and what it may have. What
// schemas cost, the memory of uploads and the requests that last are those of this node.
func (s *Server) getUsage(c *call) error {
	usage, err := s.Shares.Usage(c.context(), c.who)
	if err != nil {
		return err
	}
	usage.Used.Evaluations, usage.Allowed.Evaluations = s.Streams.Evaluations.Held(c.who.Org, usage.Allowed.Evaluations)
	usage.Used.Uploads, usage.Allowed.Uploads = s.uploads.held(c.who.Org, usage.Allowed.Uploads)
	usage.Used.Lasting, usage.Allowed.Lasting = s.lasting.held(c.who.Org, usage.Allowed.Lasting)
	return c.answerJSON(fasthttp.StatusOK, usage)
}
