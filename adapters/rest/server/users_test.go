package server_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

func TestUsersAreManaged(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ctx := context.Background()
	admin := o.person("ann@example.com", core.RoleAdmin)
	invited, err := o.as(admin).Invite(ctx, rest.InviteRequest{Email: "bob@example.com", Name: "Bob", Role: core.RoleDeveloper})
	require.NoError(t, err)
	require.Contains(t, o.mail(0), invited.Link, "the link is mailed as well")
	_, ticket, _ := strings.Cut(invited.Link, "#invite=")
	bob, err := o.anonymous().Accept(ctx, rest.AcceptRequest{Token: ticket, Password: password})
	require.NoError(t, err)
	require.Equal(t, core.UserActive, bob.User.State)
	_, err = o.as(admin).Invite(ctx, rest.InviteRequest{Email: "BOB@example.com", Role: core.RoleViewer})
	require.Equal(t, core.CodeConflict, core.CodeOf(err))

	page, err := o.as(admin).UsersPage(ctx, "")
	require.NoError(t, err)
	require.Len(t, page.Items, 2)
	viewer := core.RoleViewer
	changed, err := o.as(admin).ChangeUser(ctx, bob.User.ID.String(), core.UserChange{Role: &viewer}, 2)
	require.NoError(t, err)
	require.Equal(t, viewer, changed.Role)
	_, err = o.as(admin).ChangeUser(ctx, bob.User.ID.String(), core.UserChange{Role: &viewer}, 2)
	require.Equal(t, core.CodePreconditionFailed, core.CodeOf(err))
	_, err = o.as(bob).CreateStream(ctx, core.StreamSpec{Name: "x"})
	require.Equal(t, core.CodeForbidden, core.CodeOf(err), "what the role lost is lost at once, whatever the token says")
	require.NoError(t, o.as(admin).RemoveUser(ctx, bob.User.ID.String()))
	_, err = o.as(bob).Me(ctx)
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err))
	_, err = o.as(admin).ChangeUser(ctx, admin.User.ID.String(), core.UserChange{Role: &viewer}, 0)
	require.Equal(t, core.CodeConflict, core.CodeOf(err), "nobody locks themselves out")
	require.Equal(t, core.CodeConflict, core.CodeOf(o.as(admin).RemoveUser(ctx, admin.User.ID.String())))
}

// Fields that are not the caller's to set are refused, not ignored.
func TestNobodyAssignsWhatIsNotTheirs(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	admin := o.person("ann@example.com", core.RoleAdmin)
	viewer := o.person("bob@example.com", core.RoleViewer)
	for _, field := range []string{`"org_id":"x"`, `"password_hash":"x"`, `"email":"eve@example.com"`, `"id":"x"`, `"revision":9`} {
		got := o.do("PATCH", rest.UsersPath+"/"+viewer.User.ID.String(), strings.NewReader("{"+field+"}"), "X-API-Key: "+admin.AccessToken)
		require.Equal(t, core.CodeValidation, got.problem(t).Code, field)
	}
	for _, role := range []string{"owner", "producer", "consumer", ""} {
		got := o.do("PATCH", rest.UsersPath+"/"+viewer.User.ID.String(), strings.NewReader(`{"role":"`+role+`"}`), "X-API-Key: "+admin.AccessToken)
		require.Equal(t, core.CodeValidation, got.problem(t).Code, role)
	}
	got := o.do("PATCH", rest.UsersPath+"/"+viewer.User.ID.String(), strings.NewReader(`{"role":"admin"}`), "X-API-Key: "+viewer.AccessToken)
	require.Equal(t, core.CodeForbidden, got.problem(t).Code)
	got = o.do("POST", rest.AuthPath+"/login", strings.NewReader(`{"email":"bob@example.com","password":"`+password+`","role":"admin"}`), "-")
	require.Equal(t, core.CodeValidation, got.problem(t).Code)
}
