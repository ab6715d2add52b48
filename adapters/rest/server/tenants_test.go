package server_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/identity"
)

// rival makes another organization with an admin, eve, and signs her in.
func (o *office) rival() rest.SignedIn {
	o.t.Helper()
	ctx := context.Background()
	org := core.Organization{ID: newID(), Name: "rival", CreatedAt: time.Now().UTC()}
	require.NoError(o.t, o.catalog.CreateOrganization(ctx, org))
	_, err := o.identity.Users.Create(ctx, operator(org.ID), identity.NewPerson{Email: "eve@example.com", Password: password}, core.RoleAdmin)
	require.NoError(o.t, err)
	return o.login("eve@example.com", password)
}

// ticket cuts the ticket out of an invitation.
func ticket(invited rest.Invited) string {
	_, ticket, _ := strings.Cut(invited.Link, "#invite=")
	return ticket
}

// invites has an admin invite an address, and returns the ticket that the admin gets to see.
func (o *office) invites(admin rest.SignedIn, email string) string {
	o.t.Helper()
	invited, err := o.as(admin).Invite(context.Background(), rest.InviteRequest{Email: email, Role: core.RoleViewer})
	require.NoError(o.t, err)
	return ticket(invited)
}

func (o *office) accepts(ticket, password string) rest.SignedIn {
	o.t.Helper()
	signedIn, err := o.anonymous().Accept(context.Background(), rest.AcceptRequest{Token: ticket, Password: password, WantRefreshToken: true})
	require.NoError(o.t, err)
	return signedIn
}

// shape is what an answer consists of, without what differs from one to the next.
func shape(t *testing.T, body []byte) []string {
	t.Helper()
	var object map[string]any
	require.NoError(t, json.Unmarshal(body, &object))
	names := slices.Collect(maps.Keys(object))
	for _, inner := range object {
		if inner, ok := inner.(map[string]any); ok {
			names = slices.AppendSeq(names, maps.Keys(inner))
		}
	}
	slices.Sort(names)
	return names
}

// An admin invites addresses and uses the links, and reads out of no answer which of
// them other organizations know.
func TestAnInvitationIsNoOracle(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, o *office) {
		o.person("ann@example.com", core.RoleAdmin)
		o.invites(o.login("ann@example.com", password), "ida@example.com")
		eve := o.rival()
		var shapes [][]string
		for _, email := range []string{"nobody@example.com", "ann@example.com", "ida@example.com"} {
			got := o.do("POST", rest.UsersPath, strings.NewReader(`{"email":"`+email+`","role":"viewer"}`), "X-API-Key: "+eve.AccessToken)
			require.Equal(t, http.StatusCreated, got.StatusCode, "%s: %s", email, got.body)
			var invited rest.Invited
			require.NoError(t, json.Unmarshal(got.body, &invited))
			accepted := o.do("POST", rest.AuthPath+"/accept", strings.NewReader(`{"token":"`+ticket(invited)+`","password":"Wicked-Ladder-66"}`), "-")
			require.Equal(t, http.StatusOK, accepted.StatusCode, "%s: %s", email, accepted.body)
			shapes = append(shapes, append(shape(t, got.body), shape(t, accepted.body)...))
		}
		require.Equal(t, shapes[0], shapes[1])
		require.Equal(t, shapes[0], shapes[2])
		require.Equal(t, core.CodeConflict, core.CodeOf(errorOf(o.as(eve).Invite(context.Background(), rest.InviteRequest{Email: "ann@example.com", Role: core.RoleViewer}))), "one's own users are known")
	})
}

func errorOf[T any](_ T, err error) error { return err }

// An admin who uses the link that was made for somebody else gets an account in the
// own organization, and nothing of what the person has elsewhere.
func TestAnInvitationTakesNobodyOver(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, o *office) {
		ctx := context.Background()
		ann, eve := o.person("ann@example.com", core.RoleAdmin), o.rival()
		stolen := o.accepts(o.invites(eve, "ann@example.com"), "Wicked-Ladder-66")
		thief := o.as(stolen)
		me, err := thief.Me(ctx)
		require.NoError(t, err)
		require.Len(t, me.Organizations, 1)
		require.Equal(t, "rival", me.Organizations[0].Name)
		_, err = o.anonymous().Switch(ctx, rest.SwitchRequest{Organization: o.org.ID.String(), RefreshToken: stolen.RefreshToken})
		require.Equal(t, core.CodeNotFound, core.CodeOf(err))
		_, err = o.anonymous().Login(ctx, rest.LoginRequest{Email: "ann@example.com", Password: "Wicked-Ladder-66", Organization: o.org.ID.String()})
		require.Equal(t, core.CodeNotFound, core.CodeOf(err))
		require.NoError(t, thief.EndSession(ctx, rest.SessionEnd{Password: "Wicked-Ladder-66"}))
		require.NoError(t, thief.ChangePassword(ctx, rest.PasswordChange{Password: "Wicked-Ladder-66", NewPassword: "Wicked-Ladder-67"}))
		require.NoError(t, o.as(eve).EndSessionsOf(ctx, stolen.User.ID.String()))
		require.NoError(t, o.as(eve).RemoveUser(ctx, stolen.User.ID.String()))
		me, err = o.as(ann).Me(ctx)
		require.NoError(t, err, "signed in as before")
		require.Len(t, me.Organizations, 1)
		require.Equal(t, ann.User.ID, o.login("ann@example.com", password).User.ID)
	})
}

// Whoever takes an address first keeps its owner from nothing.
func TestAReservedAddressJoinsElsewhere(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, o *office) {
		admin, eve := o.person("admin@example.com", core.RoleAdmin), o.rival()
		o.accepts(o.invites(eve, "ann@example.com"), "Wicked-Ladder-66")
		ann := o.accepts(o.invites(admin, "ann@example.com"), password)
		require.Len(t, ann.Organizations, 1)
		require.Equal(t, o.org.ID, ann.Organizations[0].ID)
		require.Equal(t, ann.User.ID, o.login("ann@example.com", password).User.ID)
	})
}

// Any name is an organization's to take: whether another one has it is not told.
func TestANameIsNoOracle(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, o *office) {
		eve := o.as(o.rival())
		for _, name := range []string{o.org.Name, "nobody's", "rival"} {
			renamed, err := eve.RenameOrganization(context.Background(), name)
			require.NoError(t, err)
			require.Equal(t, name, renamed.Name)
		}
		oldest, err := identity.FirstOrganization(context.Background(), o.catalog, time.Now())
		require.NoError(t, err)
		require.Equal(t, o.org.ID, oldest.ID)
	})
}

// Who belongs to two organizations signs in once and goes from one to the other.
// Each shows its own, and what an admin ends in one goes on in the other.
func TestOnePersonInTwoOrganizations(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, o *office) {
		ctx := context.Background()
		o.person("ann@example.com", core.RoleAdmin)
		admin, eve := o.person("admin@example.com", core.RoleAdmin), o.rival()
		joined := o.accepts(o.invites(eve, "ann@example.com"), password)
		require.Len(t, joined.Organizations, 2)
		rival := eve.Organizations[0].ID

		o.pass(time.Second)
		home, err := o.anonymous().Login(ctx, rest.LoginRequest{Email: "ann@example.com", Password: password, Organization: o.org.ID.String(), WantRefreshToken: true})
		require.NoError(t, err)
		page, err := o.as(home).UsersPage(ctx, "")
		require.NoError(t, err)
		require.Len(t, page.Items, 2)
		away, err := o.anonymous().Switch(ctx, rest.SwitchRequest{Organization: rival.String(), RefreshToken: home.RefreshToken, WantRefreshToken: true})
		require.NoError(t, err)
		require.Equal(t, core.RoleViewer, away.User.Role)
		me, err := o.as(away).Me(ctx)
		require.NoError(t, err)
		require.Equal(t, rival, me.Organization.ID)
		require.Len(t, me.Organizations, 2)
		_, err = o.as(home).Me(ctx)
		require.Equal(t, core.CodeUnauthorized, core.CodeOf(err), "the session is elsewhere now")
		sessions, err := o.as(away).Sessions(ctx)
		require.NoError(t, err)
		require.NotEmpty(t, sessions)

		o.pass(time.Second)
		require.NoError(t, o.as(admin).EndSessionsOf(ctx, home.User.ID.String()))
		_, err = o.as(away).Me(ctx)
		require.NoError(t, err, "it goes on where that admin is nobody")
		_, err = o.anonymous().Switch(ctx, rest.SwitchRequest{Organization: o.org.ID.String(), RefreshToken: away.RefreshToken})
		require.Equal(t, core.CodeNotFound, core.CodeOf(err))
		require.NoError(t, o.as(away).ChangePassword(ctx, rest.PasswordChange{Password: password, NewPassword: "Another-Horse-10"}))
		require.Len(t, o.login("ann@example.com", "Another-Horse-10").Organizations, 2)
		for _, of := range []rest.SignedIn{admin, eve} {
			trail, err := o.as(of).AuditPage(ctx, core.EventQuery{Filter: core.Filter{Type: string(core.AuditPasswordChanged)}})
			require.NoError(t, err)
			require.Len(t, trail.Items, 1)
		}
	})
}

// A switch is asked for like a refresh: by the token, or by a page of this server
// that has the cookie.
func TestASwitchIsAskedForFromHere(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ann := o.person("ann@example.com", core.RoleAdmin)
	body, cookie := `{"organization":"`+o.org.ID.String()+`"}`, "Cookie: "+rest.RefreshCookie+"="+ann.RefreshToken
	got := o.do("POST", rest.AuthPath+"/switch", strings.NewReader(body), "-", cookie, "Sec-Fetch-Site: cross-site")
	require.Equal(t, core.CodeForbidden, got.problem(t).Code)
	got = o.do("POST", rest.AuthPath+"/switch", strings.NewReader(body), "-", cookie, "Sec-Fetch-Site: same-origin")
	require.Equal(t, http.StatusOK, got.StatusCode, "%s", got.body)
	require.NotContains(t, string(got.body), "efr_", "no script gets at it")
	for _, wrong := range []string{`{}`, `{"organization":""}`, `{"organization":"acme"}`} {
		got = o.do("POST", rest.AuthPath+"/switch", strings.NewReader(wrong), "-")
		require.Equal(t, core.CodeValidation, got.problem(t).Code, wrong)
	}
	got = o.do("POST", rest.AuthPath+"/switch", strings.NewReader(body), "-")
	require.Equal(t, core.CodeUnauthorized, got.problem(t).Code)
	got = o.do("POST", rest.AuthPath+"/login", strings.NewReader(`{"email":"ann@example.com","password":"`+password+`","organization":"x"}`), "-")
	require.Equal(t, core.CodeValidation, got.problem(t).Code)
}
