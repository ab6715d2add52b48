package server_test

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/server"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/identity"
)

func TestTheFirstAdminIsSetUpOnce(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ctx := context.Background()
	link, err := o.identity.Tickets.SetupLink(ctx, operator(o.org.ID))
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
	_, err = o.identity.Tickets.SetupLink(ctx, operator(o.org.ID))
	require.ErrorIs(t, err, identity.ErrSetUp)
	me, err := o.as(signedIn).Me(ctx)
	require.NoError(t, err)
	require.Equal(t, "Ann", me.User.Name)
	require.Contains(t, me.Permissions, core.ActionWriteUsers)
}

func TestATicketExpires(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	link, err := o.identity.Tickets.SetupLink(context.Background(), operator(o.org.ID))
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

// Guesses are bounded for an account, whether there is one or not, and the
// right password does not help who has guessed too often.
func TestGuessesAreThrottled(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.person("ann@example.com", core.RoleViewer)
	o.throttle()
	for _, email := range []string{"ann@example.com", "nobody@example.com"} {
		o.throttle()
		for range 10 {
			got := o.do("POST", rest.AuthPath+"/login", strings.NewReader(`{"email":"`+email+`","password":"Wrong-Horse-99"}`), "-")
			require.Equal(t, 401, got.StatusCode)
		}
		got := o.do("POST", rest.AuthPath+"/login", strings.NewReader(`{"email":"`+email+`","password":"`+password+`"}`), "-")
		require.Equal(t, core.CodeRateLimited, got.problem(t).Code)
		require.NotEmpty(t, got.Header.Get("Retry-After"))
	}
}

// Who has a network of IPv6 has more addresses than there are guesses: they
// count as one.
func TestGuessesAreThrottledByNetwork(t *testing.T) {
	t.Parallel()
	o := openOffice(t, func(options *server.Options, _ *fixture) {
		options.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	o.throttle()
	guess := func(i int, from string) int {
		body := fmt.Sprintf(`{"email":"%d@example.com","password":"Wrong-Horse-99"}`, i)
		return o.do("POST", rest.AuthPath+"/login", strings.NewReader(body), "-", "X-Forwarded-For: "+from).StatusCode
	}
	for i := range 10 {
		require.Equal(t, 401, guess(i, fmt.Sprintf("2001:db8:1:2::%d", i)))
	}
	require.Equal(t, 429, guess(10, "2001:db8:1:2:3::4"))
	require.Equal(t, 401, guess(11, "2001:db8:1:3::1"), "others are not held up")
}

// Nobody fills another's mailbox, or tries links one after the other.
func TestMailsAndLinksAreThrottled(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.person("ann@example.com", core.RoleViewer)
	for path, body := range map[string]string{
		"/password/forgot": `{"email":"ann@example.com"}`, "/password/reset": `{"token":"x","password":"` + password + `"}`,
		"/accept": `{"token":"x","password":"` + password + `"}`, "/setup": `{"token":"x","email":"eve@example.com","password":"` + password + `"}`,
		"/link": `{"kind":"reset","token":"x"}`,
	} {
		o.throttle()
		ask := func() int { return o.do("POST", rest.AuthPath+path, strings.NewReader(body), "-").StatusCode }
		for range 10 {
			require.Contains(t, []int{202, 401}, ask(), path)
		}
		require.Equal(t, 429, ask(), path)
	}
	require.Len(t, o.mails, 10)
}

// A page asks whether its link still works when it is opened, which uses nothing up.
func TestALinkIsCheckedBeforeItsFormIsFilled(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ctx := t.Context()
	admin := o.as(o.person("ann@example.com", core.RoleAdmin))
	created, err := admin.CreateOrganization(ctx, "acme")
	require.NoError(t, err)
	_, setup, _ := strings.Cut(created.Link, "/setup#t=")
	invited, err := admin.Invite(ctx, rest.InviteRequest{Email: "bob@example.com", Role: core.RoleViewer})
	require.NoError(t, err)
	_, invite, _ := strings.Cut(invited.Link, "#invite=")
	require.NoError(t, o.anonymous().ForgotPassword(ctx, "ann@example.com"))
	_, reset, _ := strings.Cut(strings.TrimSpace(o.mail(len(o.mails)-1)), "#t=")
	check := func(kind core.TicketKind, token string) core.Code {
		return core.CodeOf(o.anonymous().CheckLink(ctx, rest.LinkRequest{Kind: kind, Token: token}))
	}
	tokens := map[core.TicketKind]string{core.TicketSetup: setup, core.TicketInvite: invite, core.TicketReset: reset}
	for kind, token := range tokens {
		require.Empty(t, check(kind, token), kind)
		require.Empty(t, check(kind, token), "it is not used up")
		for other := range tokens {
			require.Equal(t, other == kind, check(other, token) == "", "%s as %s", kind, other)
		}
		require.Equal(t, core.CodeUnauthorized, check(kind, token[:len(token)-1]))
		require.Equal(t, core.CodeValidation, check("session", token))
	}
	_, err = o.anonymous().Setup(ctx, rest.SetupRequest{Token: setup, Email: "eve@example.com", Password: password})
	require.NoError(t, err)
	_, err = admin.InviteAgain(ctx, invited.User.ID.String())
	require.NoError(t, err)
	require.NoError(t, o.anonymous().ResetPassword(ctx, rest.ResetPasswordRequest{Token: reset, Password: password + "1"}))
	for kind, token := range tokens {
		require.Equal(t, core.CodeUnauthorized, check(kind, token), kind)
	}
}
