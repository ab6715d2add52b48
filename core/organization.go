package core

import (
	"context"
	"strings"
	"time"
)

// FirstOrganizationName is the organization that a new installation begins with.
const FirstOrganizationName = "default"

// FirstOrganization returns the oldest organization and makes one when there
// is none yet.
func FirstOrganization(ctx context.Context, organizations Organizations, now time.Time) (Organization, error) {
	oldest, err := organizations.OldestOrganization(ctx)
	if !isNotFound(err) {
		return oldest, err
	}
	now = now.UTC().Truncate(time.Microsecond)
	return organizations.EnsureOrganization(ctx, Organization{ID: newID(now), Name: FirstOrganizationName, CreatedAt: now})
}

// CreateOrganization makes an organization, and the link by which its first
// admin is made. Only admins of the installation's first organization may.
func (a *Accounts) CreateOrganization(ctx context.Context, from Visitor, who Principal, name string) (org Organization, link string, err error) {
	if err := authorize(a.Authorizer, who, ActionCreateOrganizations, ID{}); err != nil {
		return Organization{}, "", err
	}
	name = strings.TrimSpace(name)
	if err := checkText("name", name, 1, MaxUserNameLength); err != nil {
		return Organization{}, "", err
	}
	ctx = ContextWithOrganization(ctx, ID{}) // it is the installation's business
	oldest, err := a.Organizations.OldestOrganization(ctx)
	if err != nil {
		return Organization{}, "", storeFailed(err)
	}
	if oldest.ID != who.Org {
		return Organization{}, "", Errorf(CodeForbidden, "only admins of the installation's first organization make others")
	}
	now := a.now().UTC().Truncate(time.Microsecond)
	org = Organization{ID: newID(now), Name: name, CreatedAt: now}
	stored, err := a.Organizations.EnsureOrganization(ctx, org)
	if err != nil {
		return Organization{}, "", storeFailed(err)
	}
	if stored.ID != org.ID {
		return Organization{}, "", Errorf(CodeConflict, "there is an organization named %q already", name)
	}
	a.Record(ctx, from.record(who, AuditOrganizationCreated, "organization", org.ID))
	link, err = a.SetupLink(ctx, org.ID)
	return org, link, err
}
