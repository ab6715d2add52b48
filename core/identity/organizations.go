package identity

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Organizations makes organizations and changes them.
type Organizations struct {
	organizations core.Organizations
	authorizer    core.Authorizer
	tickets       *Tickets
	record        core.Recorder
	now           core.Clock
}

// FirstOrganization returns the oldest organization. If there is none yet, it
// makes one.
func FirstOrganization(ctx context.Context, organizations core.Organizations, now time.Time) (core.Organization, error) {
	oldest, err := organizations.OldestOrganization(ctx)
	if !core.IsNotFound(err) {
		return oldest, err
	}
	now = core.Stamp(now)
	return organizations.EnsureOrganization(ctx, core.Organization{ID: core.RandomID(now), Name: core.FirstOrganizationName, CreatedAt: now})
}

// Current returns the organization that who belongs to.
func (o *Organizations) Current(ctx context.Context, who core.Principal) (core.Organization, error) {
	if err := core.Authorize(o.authorizer, who, core.ActionReadOrganization, core.ID{}); err != nil {
		return core.Organization{}, err
	}
	org, err := o.organizations.Organization(ctx, who.Org)
	return org, core.StoreFailed(err)
}

// Create makes an organization, and the link that makes its first admin. Only
// admins of the installation's first organization may.
func (o *Organizations) Create(ctx context.Context, who core.Principal, name string) (org core.Organization, link string, err error) {
	if err := core.Authorize(o.authorizer, who, core.ActionCreateOrganizations, core.ID{}); err != nil {
		return core.Organization{}, "", err
	}
	if name, err = checkOrganizationName(name); err != nil {
		return core.Organization{}, "", err
	}
	ctx = core.ContextWithOrganization(ctx, core.ID{}) // the new organization is not the one of who
	oldest, err := o.organizations.OldestOrganization(ctx)
	if err != nil {
		return core.Organization{}, "", core.StoreFailed(err)
	}
	if oldest.ID != who.Org {
		return core.Organization{}, "", core.Errorf(core.CodeForbidden, "only admins of the installation's first organization can create others")
	}
	now := o.now.Stamp()
	org = core.Organization{ID: core.RandomID(now), Name: name, CreatedAt: now}
	if err := o.organizations.CreateOrganization(ctx, org); err != nil {
		return core.Organization{}, "", core.StoreFailed(err)
	}
	o.record.Record(ctx, who.Did(core.AuditOrganizationCreated, "organization", org.ID))
	link, err = o.tickets.setupLink(ctx, who, org.ID)
	return org, link, err
}

// Limit changes the limits of the organization that who belongs to. Running
// servers follow within two seconds. Only whoever operates the installation may:
// neither a person nor a key, whatever its role.
func (o *Organizations) Limit(ctx context.Context, who core.Principal, limits core.OrganizationLimits) (core.Organization, error) {
	if !who.User.IsZero() || !who.Key.IsZero() {
		return core.Organization{}, core.Errorf(core.CodeForbidden, "the limits of an organization can only be changed on the host, by the operator of the installation")
	}
	org, err := o.organizations.Organization(ctx, who.Org)
	if err != nil {
		return core.Organization{}, core.StoreFailed(err)
	}
	if err := org.ApplyLimits(limits); err != nil {
		return core.Organization{}, err
	}
	if err := o.organizations.LimitOrganization(ctx, org); err != nil {
		return core.Organization{}, core.StoreFailed(err)
	}
	record := who.Did(core.AuditOrganizationChanged, "organization", org.ID)
	record.Details = map[string]string{"key_rate": org.KeyRate.String(), "user_rate": org.UserRate.String()}
	for share, most := range limits.Shares {
		record.Details[string(share)] = strconv.FormatInt(most, 10)
	}
	o.record.Record(ctx, record)
	return org, nil
}

// Rename changes the name of the organization that who belongs to. Names are labels:
// nothing is told of whether another organization has it.
func (o *Organizations) Rename(ctx context.Context, who core.Principal, name string) (core.Organization, error) {
	if err := core.Authorize(o.authorizer, who, core.ActionWriteOrganization, core.ID{}); err != nil {
		return core.Organization{}, err
	}
	name, err := checkOrganizationName(name)
	if err != nil {
		return core.Organization{}, err
	}
	org, err := o.organizations.Organization(ctx, who.Org)
	if err != nil {
		return core.Organization{}, core.StoreFailed(err)
	}
	org.Name = name
	if err := o.organizations.UpdateOrganization(ctx, org); err != nil {
		return core.Organization{}, core.StoreFailed(err)
	}
	o.record.Record(ctx, who.Did(core.AuditOrganizationChanged, "organization", org.ID))
	return org, nil
}

// checkOrganizationName returns a name as it is stored, or refuses it.
func checkOrganizationName(name string) (string, error) {
	name = strings.TrimSpace(name)
	if err := core.CheckText("name", name, 1, core.MaxUserNameLength); err != nil {
		return "", err
	}
	return name, core.CheckSeen("name", name)
}
