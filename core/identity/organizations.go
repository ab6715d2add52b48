package identity

import (
	"context"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// FirstOrganization returns the oldest organization and makes one when there
// is none yet.
func FirstOrganization(ctx context.Context, organizations core.Organizations, now time.Time) (core.Organization, error) {
	oldest, err := organizations.OldestOrganization(ctx)
	if !core.IsNotFound(err) {
		return oldest, err
	}
	now = core.Stamp(now)
	return organizations.EnsureOrganization(ctx, core.Organization{ID: core.RandomID(now), Name: core.FirstOrganizationName, CreatedAt: now})
}

// CreateOrganization makes an organization, and the link by which its first
// admin is made. Only admins of the installation's first organization may.
func (a *Accounts) CreateOrganization(ctx context.Context, from core.Visitor, who core.Principal, name string) (org core.Organization, link string, err error) {
	if err := core.Authorize(a.Authorizer, who, core.ActionCreateOrganizations, core.ID{}); err != nil {
		return core.Organization{}, "", err
	}
	name = strings.TrimSpace(name)
	if err := core.CheckText("name", name, 1, core.MaxUserNameLength); err != nil {
		return core.Organization{}, "", err
	}
	ctx = core.ContextWithOrganization(ctx, core.ID{}) // it is the installation's business
	oldest, err := a.Organizations.OldestOrganization(ctx)
	if err != nil {
		return core.Organization{}, "", core.StoreFailed(err)
	}
	if oldest.ID != who.Org {
		return core.Organization{}, "", core.Errorf(core.CodeForbidden, "only admins of the installation's first organization make others")
	}
	now := a.now.Stamp()
	org = core.Organization{ID: core.RandomID(now), Name: name, CreatedAt: now}
	stored, err := a.Organizations.EnsureOrganization(ctx, org)
	if err != nil {
		return core.Organization{}, "", core.StoreFailed(err)
	}
	if stored.ID != org.ID {
		return core.Organization{}, "", core.Errorf(core.CodeConflict, "an organization named %q already exists", name)
	}
	a.Record(ctx, who.At(from).Did(core.AuditOrganizationCreated, "organization", org.ID))
	link, err = a.SetupLink(ctx, org.ID)
	return org, link, err
}

// LimitOrganization changes the limits of the organization that who is in; servers
// that run follow within two seconds. Only who operates the installation may:
// neither a person nor a key, whatever the role.
func (a *Accounts) LimitOrganization(ctx context.Context, from core.Visitor, who core.Principal, limits core.OrganizationLimits) (core.Organization, error) {
	if !who.User.IsZero() || !who.Key.IsZero() {
		return core.Organization{}, core.Errorf(core.CodeForbidden, "the limits of an organization are changed on the host, by who operates the installation")
	}
	org, err := a.Organizations.Organization(ctx, who.Org)
	if err != nil {
		return core.Organization{}, core.StoreFailed(err)
	}
	if err := org.ApplyLimits(limits); err != nil {
		return core.Organization{}, err
	}
	if err := a.Organizations.LimitOrganization(ctx, org); err != nil {
		return core.Organization{}, core.StoreFailed(err)
	}
	record := who.At(from).Did(core.AuditOrganizationChanged, "organization", org.ID)
	record.Details = map[string]string{"key_rate": org.KeyRate.String(), "user_rate": org.UserRate.String()}
	a.Record(ctx, record)
	return org, nil
}

// RenameOrganization changes the organization's name.
func (a *Accounts) RenameOrganization(ctx context.Context, from core.Visitor, who core.Principal, name string) (core.Organization, error) {
	if err := core.Authorize(a.Authorizer, who, core.ActionWriteOrganization, core.ID{}); err != nil {
		return core.Organization{}, err
	}
	name = strings.TrimSpace(name)
	if err := core.CheckText("name", name, 1, core.MaxUserNameLength); err != nil {
		return core.Organization{}, err
	}
	org, err := a.Organizations.Organization(ctx, who.Org)
	if err != nil {
		return core.Organization{}, core.StoreFailed(err)
	}
	org.Name = name
	if err := a.Organizations.UpdateOrganization(ctx, org); err != nil {
		return core.Organization{}, core.StoreFailed(err)
	}
	a.Record(ctx, who.At(from).Did(core.AuditOrganizationChanged, "organization", org.ID))
	return org, nil
}
