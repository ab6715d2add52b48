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
	if !IsNotFound(err) {
		return oldest, err
	}
	now = Stamp(now)
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
		return Organization{}, "", StoreFailed(err)
	}
	if oldest.ID != who.Org {
		return Organization{}, "", Errorf(CodeForbidden, "only admins of the installation's first organization make others")
	}
	now := a.now.Stamp()
	org = Organization{ID: newID(now), Name: name, CreatedAt: now}
	stored, err := a.Organizations.EnsureOrganization(ctx, org)
	if err != nil {
		return Organization{}, "", StoreFailed(err)
	}
	if stored.ID != org.ID {
		return Organization{}, "", Errorf(CodeConflict, "there is an organization named %q already", name)
	}
	a.Record(ctx, from.record(who, AuditOrganizationCreated, "organization", org.ID))
	link, err = a.SetupLink(ctx, org.ID)
	return org, link, err
}

// OrganizationLimits describes changes to what the keys and the people of an
// organization are limited to. A nil field changes nothing, a zero rate is that
// of the settings again.
type OrganizationLimits struct{ Key, User *Rate }

// LimitOrganization changes the limits of the organization that who is in; servers
// that run follow within two seconds. Only who operates the installation may:
// neither a person nor a key, whatever the role.
func (a *Accounts) LimitOrganization(ctx context.Context, from Visitor, who Principal, limits OrganizationLimits) (Organization, error) {
	if !who.User.IsZero() || !who.Key.IsZero() {
		return Organization{}, Errorf(CodeForbidden, "the limits of an organization are changed on the host, by who operates the installation")
	}
	org, err := a.Organizations.Organization(ctx, who.Org)
	if err != nil {
		return Organization{}, StoreFailed(err)
	}
	if err := org.limit(limits); err != nil {
		return Organization{}, err
	}
	if err := a.Organizations.LimitOrganization(ctx, org); err != nil {
		return Organization{}, StoreFailed(err)
	}
	record := from.record(who, AuditOrganizationChanged, "organization", org.ID)
	record.Details = map[string]string{"key_rate": org.KeyRate.String(), "user_rate": org.UserRate.String()}
	a.Record(ctx, record)
	return org, nil
}

// limit checks changes and makes them.
func (o *Organization) limit(limits OrganizationLimits) error {
	if limits.Key != nil {
		o.KeyRate = *limits.Key
	}
	if limits.User != nil {
		o.UserRate = *limits.User
	}
	if err := o.KeyRate.check("key_rate"); err != nil {
		return err
	}
	return o.UserRate.check("user_rate")
}
