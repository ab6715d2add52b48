package rest

import (
	"context"

	"github.com/eventflow-go/eventflow/core"
)

// The addresses of all organizations, and of the caller's own.
const (
	OrganizationsPath = Prefix + "/organizations"
	OrganizationPath  = OrganizationsPath + "/current"
	// UsagePath is what the caller's organization has and may have.
	UsagePath = OrganizationPath + "/usage"
)

// OrganizationRequest creates an organization.
type OrganizationRequest struct {
	Name string `json:"name"`
}

// OrganizationCreated is the answer. The link is for the first admin of the
// organization; it is good once, for 30 minutes.
type OrganizationCreated struct {
	Organization core.Organization `json:"organization"`
	Link         string            `json:"link"`
}

// OrganizationChange renames the organization.
type OrganizationChange struct {
	Name string `json:"name"`
}

// CreateOrganization creates an organization.
func (c *Client) CreateOrganization(ctx context.Context, name string) (created OrganizationCreated, err error) {
	err = c.post(ctx, OrganizationsPath, OrganizationRequest{name}, &created)
	return created, err
}

// Organization returns the organization that the client belongs to.
func (c *Client) Organization(ctx context.Context) (org core.Organization, err error) {
	err = c.get(ctx, OrganizationPath, &org)
	return org, err
}

// RenameOrganization renames the organization that the client belongs to.
func (c *Client) RenameOrganization(ctx context.Context, name string) (org core.Organization, err error) {
	err = c.patch(ctx, OrganizationPath, 0, OrganizationChange{name}, &org)
	return org, err
}

// Usage returns what the organization that the client belongs to has of what all
// organizations share, and what it may have.
func (c *Client) Usage(ctx context.Context) (usage core.Usage, err error) {
	err = c.get(ctx, UsagePath, &usage)
	return usage, err
}
