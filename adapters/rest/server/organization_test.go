package server_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/identity"
)

// Another organization's users, streams and trail are not there.
func TestAForeignOrganizationIsNotThere(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ctx := context.Background()
	admin := o.person("ann@example.com", core.RoleAdmin)
	foreign, err := o.catalog.EnsureOrganization(ctx, core.Organization{ID: newID(), Name: "other", CreatedAt: time.Now().UTC()})
	require.NoError(t, err)
	eve, err := o.identity.Users.Create(ctx, operator(foreign.ID), identity.NewPerson{Email: "eve@example.com", Password: password}, core.RoleAdmin)
	require.NoError(t, err)
	them := o.as(o.login("eve@example.com", password))
	name := "x"
	_, err = o.as(admin).ChangeUser(ctx, eve.ID.String(), core.UserChange{Name: &name}, 0)
	require.Equal(t, core.CodeNotFound, core.CodeOf(err))
	require.Equal(t, core.CodeNotFound, core.CodeOf(o.as(admin).RemoveUser(ctx, eve.ID.String())))
	_, err = them.ChangeUser(ctx, admin.User.ID.String(), core.UserChange{Name: &name}, 0)
	require.Equal(t, core.CodeNotFound, core.CodeOf(err))
	page, err := them.UsersPage(ctx, "")
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	trail, err := them.AuditPage(ctx, core.EventQuery{})
	require.NoError(t, err)
	require.Len(t, trail.Items, 2, "their own user and sign-in, and nothing else")
	_, err = o.as(admin).Event(ctx, eventlog.AuditStream(foreign.ID).String(), trail.Items[0].ID.String())
	require.Equal(t, core.CodeNotFound, core.CodeOf(err), "no request can name a trail")
	_, err = o.as(admin).Trace(ctx, trail.Items[0].ID.String())
	require.Equal(t, core.CodeNotFound, core.CodeOf(err))
}

// Another organization is made by the first one's admins, and handed over by a
// set-up link.
func TestAnOrganizationIsMade(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ctx := context.Background()
	o.pass(time.Minute)
	admin := o.as(o.person("ann@example.com", core.RoleAdmin))
	developer := o.as(o.person("dev@example.com", core.RoleDeveloper))
	created, err := admin.CreateOrganization(ctx, "acme")
	require.NoError(t, err)
	_, err = admin.CreateOrganization(ctx, "acme")
	require.NoError(t, err, "names are labels")
	_, err = admin.CreateOrganization(ctx, " ")
	require.Equal(t, core.CodeValidation, core.CodeOf(err))
	_, err = developer.CreateOrganization(ctx, "mine")
	require.Equal(t, core.CodeForbidden, core.CodeOf(err))

	_, ticket, _ := strings.Cut(created.Link, "/setup#t=")
	signedIn, err := o.anonymous().Setup(ctx, rest.SetupRequest{Token: ticket, Email: "eve@example.com", Password: password})
	require.NoError(t, err)
	theirs := o.as(signedIn)
	org, err := theirs.Organization(ctx)
	require.NoError(t, err)
	require.Equal(t, created.Organization, org)
	_, err = theirs.CreateOrganization(ctx, "another")
	require.Equal(t, core.CodeForbidden, core.CodeOf(err), "only the first organization's admins")
	renamed, err := theirs.RenameOrganization(ctx, "Acme Inc.")
	require.NoError(t, err)
	require.Equal(t, "Acme Inc.", renamed.Name)
	trail, err := admin.AuditPage(ctx, core.EventQuery{Filter: core.Filter{Type: string(core.AuditOrganizationCreated)}})
	require.NoError(t, err)
	require.Len(t, trail.Items, 2)
}
