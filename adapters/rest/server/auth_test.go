package server_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/argon2"
	"github.com/eventflow-go/eventflow/adapters/casbinauth"
	stored "github.com/eventflow-go/eventflow/adapters/catalog"
	"github.com/eventflow-go/eventflow/adapters/jwt"
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/server"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/identity"
)

// office is a server with people: a real catalog, real hashes and tokens, the
// real policies, and a clock that tests move.
type office struct {
	*fixture
	accounts *identity.Accounts
	audit    *eventlog.Audit
	org      core.Organization
	catalog  core.Catalog

	mu    sync.Mutex
	now   time.Time
	mails []string
}

func (o *office) time() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.now
}

func (o *office) pass(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.now = o.now.Add(d)
}

// Send implements core.Mailer.
func (o *office) Send(_ context.Context, to, _, text string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.mails = append(o.mails, to+"\n"+text)
	return nil
}

func (o *office) mail(i int) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.mails[i]
}

func openOffice(t *testing.T, options ...option) *office {
	t.Helper()
	o := &office{now: time.Now()}
	opened, err := stored.Open(t.Context(), &url.URL{Scheme: "sqlite", Opaque: url.PathEscape(t.TempDir())})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, opened.Close()) })
	o.catalog = opened
	o.org, err = identity.FirstOrganization(t.Context(), opened, o.now)
	require.NoError(t, err)
	authorizer, err := casbinauth.New()
	require.NoError(t, err)
	secret := []byte(strings.Repeat("secret!", 5))
	tokens, err := jwt.New(secret)
	require.NoError(t, err)
	o.fixture = start(t, append(options, withPeople(func(f *fixture, options *server.Options, committer *eventlog.Committer) {
		o.audit = eventlog.NewAudit(committer, f.log, eventlog.NewQuery(f.log, options.Streams, time.Now), time.Now, options.Logger)
		o.accounts = identity.NewAccounts(identity.AccountPorts{
			Organizations: opened, Users: opened, Sessions: opened, Tickets: opened, Hasher: argon2.New(2), Tokens: tokens,
			Authorizer: authorizer, Mailer: o, Links: "https://events.example", Record: o.audit.Record,
		}, secret, nil, o.time)
		options.Accounts, options.Audit, options.Authorizer = o.accounts, o.audit, authorizer
	}))...)
	return o
}

const password = "Correct-Horse-9"

// person makes an active user, and signs in.
func (o *office) person(email string, role core.Role) rest.SignedIn {
	o.t.Helper()
	_, err := o.accounts.CreateUser(context.Background(), o.org.ID, identity.NewPerson{Email: email, Password: password}, role)
	require.NoError(o.t, err)
	return o.login(email, password)
}

func (o *office) login(email, password string) rest.SignedIn {
	o.t.Helper()
	signedIn, err := o.anonymous().Login(context.Background(), rest.LoginRequest{Email: email, Password: password, WantRefreshToken: true})
	require.NoError(o.t, err)
	return signedIn
}

func (o *office) anonymous() *rest.Client { return rest.NewClient("http://"+o.address, "") }

func (o *office) as(s rest.SignedIn) *rest.Client {
	return rest.NewClient("http://"+o.address, s.AccessToken)
}

func TestTheFirstAdminIsSetUpOnce(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ctx := context.Background()
	link, err := o.accounts.SetupLink(ctx, o.org.ID)
	require.NoError(t, err)
	_, ticket, _ := strings.Cut(link, "#t=")
	_, err = o.anonymous().Setup(ctx, rest.SetupRequest{Token: ticket, Email: "ann@example.com", Password: "weak"})
	require.Equal(t, core.CodeValidation, core.CodeOf(err), "a weak password does not use the ticket up")
	forged := ticket[:10] + string(rune(ticket[10]^1)) + ticket[11:]
	_, err = o.anonymous().Setup(ctx, rest.SetupRequest{Token: forged, Email: "eve@example.com", Password: password})
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err))
	signedIn, err := o.anonymous().Setup(ctx, rest.SetupRequest{Token: ticket, Email: " Ann@Example.com ", Name: "Ann", Password: password})
	require.NoError(t, err)
	require.Equal(t, []any{"ann@example.com", core.RoleAdmin, core.UserActive}, []any{signedIn.User.Email, signedIn.User.Role, signedIn.User.State})
	_, err = o.anonymous().Setup(ctx, rest.SetupRequest{Token: ticket, Email: "eve@example.com", Password: password})
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err))
	_, err = o.accounts.SetupLink(ctx, o.org.ID)
	require.ErrorIs(t, err, identity.ErrSetUp)
	me, err := o.as(signedIn).Me(ctx)
	require.NoError(t, err)
	require.Equal(t, "Ann", me.User.Name)
	require.Contains(t, me.Permissions, core.ActionWriteUsers)
}

func TestATicketExpires(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	link, err := o.accounts.SetupLink(context.Background(), o.org.ID)
	require.NoError(t, err)
	_, ticket, _ := strings.Cut(link, "#t=")
	o.pass(core.SetupTicketLife)
	_, err = o.anonymous().Setup(context.Background(), rest.SetupRequest{Token: ticket, Email: "ann@example.com", Password: password})
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err))
}

// Of a wrong address, a wrong password, a disabled and an invited user, nobody
// can tell which it was.
func TestALoginTellsNothing(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ctx := context.Background()
	admin := o.person("ann@example.com", core.RoleAdmin)
	bob := o.person("bob@example.com", core.RoleViewer)
	_, err := o.as(admin).Invite(ctx, rest.InviteRequest{Email: "eve@example.com", Role: core.RoleViewer})
	require.NoError(t, err)
	disabled := core.UserDisabled
	_, err = o.as(admin).ChangeUser(ctx, bob.User.ID.String(), core.UserChange{State: &disabled}, 0)
	require.NoError(t, err)
	var first string
	for _, body := range []string{
		`{"email":"ann@example.com","password":"Wrong-Horse-99"}`, `{"email":"nobody@example.com","password":"Wrong-Horse-99"}`,
		`{"email":"bob@example.com","password":"` + password + `"}`, `{"email":"eve@example.com","password":""}`,
		`{"email":"","password":""}`, `{"email":"ann@example.com","password":"` + strings.Repeat("x", 100_000) + `"}`,
	} {
		got := o.do("POST", rest.AuthPath+"/login", strings.NewReader(body), "-", "X-Request-Id: same")
		require.Equal(t, http.StatusUnauthorized, got.StatusCode, body[:20])
		require.Empty(t, got.Header.Get("Set-Cookie"))
		if first == "" {
			first = string(got.body)
		}
		require.Equal(t, first, string(got.body))
	}
	for _, email := range []string{"ann@example.com", "nobody@example.com", "bob@example.com", "eve@example.com"} {
		require.NoError(t, o.anonymous().ForgotPassword(ctx, email), "nor does a forgotten password")
	}
	require.Len(t, o.mails, 2, "but only an active user gets a link, besides the invitation")
}

func TestARefreshTokenIsGoodOnce(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ctx := context.Background()
	first := o.person("ann@example.com", core.RoleAdmin)
	refresh := func(s rest.SignedIn) (rest.SignedIn, error) {
		return o.anonymous().Refresh(ctx, rest.RefreshRequest{RefreshToken: s.RefreshToken, WantRefreshToken: true})
	}
	second, err := refresh(first)
	require.NoError(t, err)
	require.NotEqual(t, first.RefreshToken, second.RefreshToken)
	again, err := refresh(first)
	require.NoError(t, err, "two tabs may refresh at once")
	require.Equal(t, second.RefreshToken, again.RefreshToken, "and go on with the same token")
	o.pass(core.RefreshGrace)
	_, err = refresh(first)
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err))
	_, err = refresh(second)
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err), "the whole family is void: one of the two is a thief's")
	o.pass(time.Second)
	_, err = o.as(second).Me(ctx)
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err), "the access token too")
	for _, bad := range []string{"", "efr_", "efr_" + strings.Repeat("0", 112), strings.ToUpper(second.RefreshToken), second.RefreshToken[:len(second.RefreshToken)-1] + "0", second.AccessToken} {
		if bad == second.RefreshToken {
			continue
		}
		_, err = o.anonymous().Refresh(ctx, rest.RefreshRequest{RefreshToken: bad})
		require.Equal(t, core.CodeUnauthorized, core.CodeOf(err), bad)
	}
}

func TestASessionEnds(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ctx := context.Background()
	signedIn := o.person("ann@example.com", core.RoleAdmin)
	o.pass(core.AccessTokenLife - time.Second)
	_, err := o.as(signedIn).Me(ctx)
	require.NoError(t, err)
	o.pass(time.Second)
	_, err = o.as(signedIn).Me(ctx)
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err), "an access token expires")
	signedIn, err = o.anonymous().Refresh(ctx, rest.RefreshRequest{RefreshToken: signedIn.RefreshToken, WantRefreshToken: true})
	require.NoError(t, err)
	require.NoError(t, o.as(signedIn).Logout(ctx))
	_, err = o.as(signedIn).Me(ctx)
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err), "a logout ends it at once")
	_, err = o.anonymous().Refresh(ctx, rest.RefreshRequest{RefreshToken: signedIn.RefreshToken})
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err))
	require.NoError(t, o.anonymous().Logout(ctx), "ending nothing is no error")

	signedIn = o.login("ann@example.com", password)
	o.pass(core.RefreshTokenLife - time.Minute)
	signedIn, err = o.anonymous().Refresh(ctx, rest.RefreshRequest{RefreshToken: signedIn.RefreshToken, WantRefreshToken: true})
	require.NoError(t, err)
	_, err = o.as(signedIn).Me(ctx)
	require.NoError(t, err)
	o.pass(time.Minute)
	_, err = o.anonymous().Refresh(ctx, rest.RefreshRequest{RefreshToken: signedIn.RefreshToken})
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err), "and so does a week, however often it was refreshed")
	_, err = o.as(signedIn).Me(ctx)
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err), "for the youngest access token too")
}

func TestAPasswordIsChanged(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ctx := context.Background()
	here := o.person("ann@example.com", core.RoleViewer)
	elsewhere := o.login("ann@example.com", password)
	const next = "Better-Horse-10"
	for present, chosen := range map[string]string{"Wrong-Horse-99": next, password: "weak", password + " ": next} {
		err := o.as(here).ChangePassword(ctx, rest.PasswordChange{Password: present, NewPassword: chosen})
		require.Equal(t, core.CodeValidation, core.CodeOf(err))
	}
	require.NoError(t, o.as(here).ChangePassword(ctx, rest.PasswordChange{Password: password, NewPassword: next}))
	require.Contains(t, o.mail(0), "ann@example.com\nThe password of this address was changed", "the user is told")
	_, err := o.as(here).Me(ctx)
	require.NoError(t, err, "the session at hand goes on")
	_, err = o.as(elsewhere).Me(ctx)
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err), "all others end")
	_, err = o.anonymous().Login(ctx, rest.LoginRequest{Email: "ann@example.com", Password: password})
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err))
	o.login("ann@example.com", next)
}

func TestAForgottenPasswordIsReset(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ctx := context.Background()
	before := o.person("ann@example.com", core.RoleViewer)
	require.NoError(t, o.anonymous().ForgotPassword(ctx, "ANN@example.com"))
	require.NoError(t, o.anonymous().ForgotPassword(ctx, "ann@example.com"))
	token := func(i int) string {
		_, after, _ := strings.Cut(o.mail(i), "#t=")
		return strings.TrimSpace(after)
	}
	const next = "Better-Horse-10"
	err := o.anonymous().ResetPassword(ctx, rest.ResetPasswordRequest{Token: token(0), Password: next})
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err), "a newer link voids the older")
	require.NoError(t, o.anonymous().ResetPassword(ctx, rest.ResetPasswordRequest{Token: token(1), Password: next}))
	err = o.anonymous().ResetPassword(ctx, rest.ResetPasswordRequest{Token: token(1), Password: password})
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err), "a link is good once")
	require.Contains(t, o.mail(2), "was changed", "the user is told")
	_, err = o.as(before).Me(ctx)
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err), "all sessions end")
	o.login("ann@example.com", next)
	require.NoError(t, o.anonymous().ForgotPassword(ctx, "ann@example.com"))
	o.pass(core.ResetTicketLife)
	err = o.anonymous().ResetPassword(ctx, rest.ResetPasswordRequest{Token: token(3), Password: next})
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err), "and for 15 minutes")
}

// The cookie is for this site's pages only, and the browser says where a
// request comes from.
func TestTheRefreshCookie(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.person("ann@example.com", core.RoleViewer)
	got := o.do("POST", rest.AuthPath+"/login", strings.NewReader(`{"email":"ann@example.com","password":"`+password+`"}`), "-")
	cookie := got.Header.Get("Set-Cookie")
	for _, attribute := range []string{"__Host-eventflow-refresh=efr_", "HttpOnly", "secure", "SameSite=Strict", "path=/", "expires="} {
		require.Contains(t, cookie, attribute)
	}
	require.NotContains(t, cookie, "omain")
	require.NotContains(t, string(got.body), "efr_", "a browser's script never sees it")
	pair, _, _ := strings.Cut(cookie, ";")
	for header, status := range map[string]int{
		"Sec-Fetch-Site: cross-site": 403, "Sec-Fetch-Site: same-site": 403, "Sec-Fetch-Site: none": 403,
		"Origin: https://evil.example": 403, "Origin: null": 403, "X-Nothing: x": 403,
	} {
		got := o.do("POST", rest.AuthPath+"/refresh", nil, "-", "Cookie: "+pair, header)
		require.Equal(t, status, got.StatusCode, header)
	}
	got = o.do("POST", rest.AuthPath+"/refresh", nil, "-", "Cookie: "+pair, "Sec-Fetch-Site: same-origin")
	require.Equal(t, 200, got.StatusCode)
	got = o.do("POST", rest.AuthPath+"/refresh", nil, "-", "Cookie: "+pair, "Origin: http://"+o.address)
	require.Equal(t, 200, got.StatusCode, "an older browser says it by Origin")
	wanting := func(body string) reply {
		return o.do("POST", rest.AuthPath+"/refresh", strings.NewReader(body), "-", "Cookie: "+pair, "Sec-Fetch-Site: same-origin")
	}
	require.NotContains(t, string(wanting(`{"want_refresh_token":true}`).body), "efr_", "nor when it asks")
	got = o.do("GET", rest.AuthPath+"/me", nil, "-", "Cookie: "+pair)
	require.Equal(t, 401, got.StatusCode, "the cookie refreshes and does nothing else")
	got = o.do("POST", rest.AuthPath+"/refresh", nil, "-", "Cookie: "+pair+"x", "Sec-Fetch-Site: same-origin")
	require.Equal(t, 401, got.StatusCode)
	require.Contains(t, got.Header.Get("Set-Cookie"), "__Host-eventflow-refresh=;", "what is good no longer goes")
	require.NoError(t, o.catalog.Close())
	got = o.do("POST", rest.AuthPath+"/refresh", nil, "-", "Cookie: "+pair, "Sec-Fetch-Site: same-origin")
	require.Equal(t, 503, got.StatusCode)
	require.Empty(t, got.Header.Get("Set-Cookie"), "it may be good later")
}

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

// Another organization's users, streams and trail are not there.
func TestAForeignOrganizationIsNotThere(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ctx := context.Background()
	admin := o.person("ann@example.com", core.RoleAdmin)
	foreign, err := o.catalog.EnsureOrganization(ctx, core.Organization{ID: newID(), Name: "other", CreatedAt: time.Now().UTC()})
	require.NoError(t, err)
	eve, err := o.accounts.CreateUser(ctx, foreign.ID, identity.NewPerson{Email: "eve@example.com", Password: password}, core.RoleAdmin)
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
	require.Len(t, trail.Items, 1, "their own sign-in, and nothing else")
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
	require.Equal(t, core.CodeConflict, core.CodeOf(err))
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
	require.Len(t, trail.Items, 1)
}

func TestTheTrailSaysWhoDidWhat(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ctx := context.Background()
	admin := o.person("ann@example.com", core.RoleAdmin)
	viewer := o.person("bob@example.com", core.RoleViewer)
	_, err := o.anonymous().Login(ctx, rest.LoginRequest{Email: "ann@example.com", Password: "Wrong-Horse-99"})
	require.Error(t, err)
	got := o.do("POST", rest.UsersPath, strings.NewReader(`{}`), "X-API-Key: "+viewer.AccessToken, "User-Agent: curious", "X-Request-Id: r-1")
	require.Equal(t, 403, got.StatusCode)
	page, err := o.as(admin).AuditPage(ctx, core.EventQuery{})
	require.NoError(t, err)
	var actions []string
	for _, event := range page.Items {
		actions = append(actions, event.Type)
		require.NotContains(t, string(event.Payload), "Horse", "no password is in the trail")
	}
	require.Equal(t, []string{"login.succeeded", "login.succeeded", "login.failed", "request.refused"}, actions)
	var entry core.AuditEntry
	require.NoError(t, json.Unmarshal(page.Items[3].Payload, &entry))
	require.Equal(t, []any{"bob@example.com", "route", "POST /api/v1/users", "127.0.0.1", "curious", "r-1"},
		[]any{entry.Actor.Label, entry.Target.Kind, entry.Target.ID, entry.Address, entry.UserAgent, entry.RequestID})
	_, err = o.as(viewer).AuditPage(ctx, core.EventQuery{})
	require.Equal(t, core.CodeForbidden, core.CodeOf(err))
	failed, err := o.as(admin).AuditPage(ctx, core.EventQuery{Filter: core.Filter{Type: "login.failed"}})
	require.NoError(t, err)
	require.Len(t, failed.Items, 1)
}
