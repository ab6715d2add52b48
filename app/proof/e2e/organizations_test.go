package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/app/proof/browser"
	"github.com/eventflow-go/eventflow/core"
)

// another makes a second organization with a stream, which has invited the admin of
// the first one.
func (p *program) another() core.Organization {
	p.t.Helper()
	ctx := p.t.Context()
	made, err := p.admin.CreateOrganization(ctx, "umbrella")
	require.NoError(p.t, err)
	_, ticket, _ := strings.Cut(made.Link, "#t=")
	eve := rest.NewClient(p.base, "")
	_, err = eve.Setup(ctx, rest.SetupRequest{Token: ticket, Email: "eve@example.com", Password: password})
	require.NoError(p.t, err)
	_, err = eve.CreateStream(ctx, core.StreamSpec{Name: "parasols"})
	require.NoError(p.t, err)
	invited, err := eve.Invite(ctx, rest.InviteRequest{Email: adminEmail, Role: core.RoleViewer})
	require.NoError(p.t, err)
	_, ticket, _ = strings.Cut(invited.Link, "#invite=")
	_, err = rest.NewClient(p.base, "").Accept(ctx, rest.AcceptRequest{Token: ticket, Password: password})
	require.NoError(p.t, err)
	return made.Organization
}

// shows holds a page to the streams of one organization: on it, and in what the
// browser keeps.
func shows(t *testing.T, page *browser.Page, stream, foreign string) {
	t.Helper()
	page.Go("/streams")
	page.See(stream)
	require.False(t, page.Shows(foreign), foreign)
	var kept string
	page.Eval("JSON.stringify(localStorage)", &kept)
	require.NotContains(t, kept, foreign)
}

// Who belongs to two organizations chooses one at the sign-in and switches later, also
// in another tab. What is shown and kept is always of the one.
func TestTwoOrganizationsOfOnePerson(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	other := p.another()
	page := browser.Open(t, p.base)
	page.Allow("401 (Unauthorized)")
	for _, size := range sizes {
		page.Size(size[0], size[1])
		page.Go("/")
		page.Fill("Email", adminEmail)
		page.Fill("Password", password)
		page.Click("Sign in")
		page.See("Choose one to go on")
		fitsTheScreen(t, page, "the choice")
		bothColours(page, fmt.Sprint("organizations/choice-", size[0]))
		page.Click("umbrella viewer")
		page.See("Newest events")
		shows(t, page, "parasols", "demo")
		page.Go("/settings/account")
		page.See("Your organizations")
		fitsTheScreen(t, page, "the account")
		bothColours(page, fmt.Sprint("organizations/account-", size[0]))
		page.Click("Switch to default")
		page.Await("the home page", "location.pathname === '/'")
		page.See("Newest events")
		shows(t, page, "demo", "parasols")
		// As another tab does it.
		page.Eval(`fetch('/api/v1/auth/switch', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({organization: '`+other.ID.String()+`'})})
			.then(answer => answer.ok || Promise.reject(answer.status))`, nil)
		page.Await("the other organization", "location.pathname === '/'")
		page.See("Newest events")
		shows(t, page, "parasols", "demo")
		page.Click("Sign out")
		page.See("Email")
	}
}
