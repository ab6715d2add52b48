package server_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/identity"
)

// Who signs in again in the same browser leaves no session behind.
func TestASignInEndsTheOneItReplaces(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	elsewhere := o.person("ann@example.com", core.RoleViewer)
	signIn := func(cookie, password string) reply {
		body := `{"email":"ann@example.com","want_refresh_token":true,"password":"` + password + `"}`
		return o.do("POST", rest.AuthPath+"/login", strings.NewReader(body), "-", "Cookie: "+cookie)
	}
	var first rest.SignedIn
	got := signIn("none=x", password)
	require.NoError(t, json.Unmarshal(got.body, &first))
	cookie, _, _ := strings.Cut(got.Header.Get("Set-Cookie"), ";")
	require.Equal(t, 401, signIn(cookie, "Wrong-Horse-99").StatusCode)
	_, err := o.as(first).Me(t.Context())
	require.NoError(t, err, "a wrong password ends nothing")
	require.Equal(t, 200, signIn(cookie, password).StatusCode)
	_, err = o.as(first).Me(t.Context())
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err))
	_, err = o.as(elsewhere).Me(t.Context())
	require.NoError(t, err, "another browser's stays")
}

// A page of another site, or of another host of this one, signs nobody in.
func TestNobodyIsSignedInFromElsewhere(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.person("ann@example.com", core.RoleViewer)
	body := `{"email":"ann@example.com","password":"` + password + `"}`
	for site, status := range map[string]int{"cross-site": 403, "same-site": 403, "none": 403, "same-origin": 200} {
		got := o.do("POST", rest.AuthPath+"/login", strings.NewReader(body), "-", "Sec-Fetch-Site: "+site)
		require.Equal(t, status, got.StatusCode, site)
		require.Equal(t, status == 200, got.Header.Get("Set-Cookie") != "", site)
	}
	for origin, status := range map[string]int{
		"https://evil.example": 403, "null": 403, "": 403, "http://" + o.address + ".evil.example": 403, "http://" + o.address: 200,
	} {
		got := o.do("POST", rest.AuthPath+"/login", strings.NewReader(body), "-", "Origin: "+origin)
		require.Equal(t, status, got.StatusCode, "an older browser says it by Origin: %q", origin)
		require.Equal(t, status == 200, got.Header.Get("Set-Cookie") != "", origin)
	}
	for media, status := range map[string]int{
		"": 415, "text/plain": 415, "application/x-www-form-urlencoded": 415, "multipart/form-data; boundary=x": 415,
		"application/json": 200, "application/json; charset=utf-8": 200,
	} {
		got := o.do("POST", rest.AuthPath+"/login", strings.NewReader(body), "-", "Content-Type: "+media)
		require.Equal(t, status, got.StatusCode, media)
		require.Equal(t, status == 200, got.Header.Get("Set-Cookie") != "", media)
	}
	for _, path := range []string{"/setup", "/accept"} {
		for _, header := range []string{"Sec-Fetch-Site: same-site", "Origin: https://evil.example"} {
			got := o.do("POST", rest.AuthPath+path, strings.NewReader(`{"token":"x"}`), "-", header)
			require.Equal(t, 403, got.StatusCode, path)
		}
		got := o.do("POST", rest.AuthPath+path, strings.NewReader(`{"token":"x"}`), "-", "Content-Type: text/plain")
		require.Equal(t, 415, got.StatusCode, path)
	}
}

// People see where they are signed in, and end what is not theirs any more; a
// browser that was left open does not suffice for it.
func TestSessionsAreSeenAndEnded(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ctx := t.Context()
	lost := o.person("ann@example.com", core.RoleViewer)
	bob := o.person("bob@example.com", core.RoleAdmin)
	o.pass(time.Second)
	here, third := o.login("ann@example.com", password), o.login("ann@example.com", password)
	require.NoError(t, o.as(third).Logout(ctx))
	sessions, err := o.as(here).Sessions(ctx)
	require.NoError(t, err)
	require.Len(t, sessions, 2, "what was ended and what is another's is not shown")
	require.Equal(t, []any{true, false, "127.0.0.1"}, []any{sessions[0].Current, sessions[1].Current, sessions[1].Address})
	require.True(t, sessions[0].CreatedAt.After(sessions[1].CreatedAt), "the newest is the first")
	end := rest.SessionEnd{SessionID: sessions[1].ID.String(), Password: "Wrong-Horse-99"}
	require.Equal(t, core.CodeValidation, core.CodeOf(o.as(here).EndSession(ctx, end)))
	end.Password = password
	require.Equal(t, core.CodeNotFound, core.CodeOf(o.as(bob).EndSession(ctx, end)), "an admin's list is the admin's own")
	_, err = o.as(lost).Me(ctx)
	require.NoError(t, err)
	require.NoError(t, o.as(here).EndSession(ctx, end))
	_, err = o.as(lost).Me(ctx)
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err))
	again := o.login("ann@example.com", password)
	require.NoError(t, o.as(here).EndSession(ctx, rest.SessionEnd{Password: password}))
	_, err = o.as(again).Me(ctx)
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err), "all others")
	for _, stays := range []rest.SignedIn{here, bob} {
		_, err = o.as(stays).Me(ctx)
		require.NoError(t, err)
	}
	trail, err := o.as(bob).AuditPage(ctx, core.EventQuery{Filter: core.Filter{Type: string(core.AuditSessionEnded)}})
	require.NoError(t, err)
	require.Len(t, trail.Items, 2)
	o.pass(core.RefreshTokenLife)
	sessions, err = o.as(o.login("ann@example.com", password)).Sessions(ctx)
	require.NoError(t, err)
	require.Len(t, sessions, 1, "what has expired is not shown")
}

// An admin signs somebody else out everywhere, which is in the trail, and keeps
// nobody from signing in again.
func TestAnAdminSignsSomebodyOut(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ctx := t.Context()
	admin, bob := o.person("ann@example.com", core.RoleAdmin), o.person("bob@example.com", core.RoleDeveloper)
	second := o.login("bob@example.com", password)
	foreign, err := o.catalog.EnsureOrganization(ctx, core.Organization{ID: newID(), Name: "other", CreatedAt: time.Now().UTC()})
	require.NoError(t, err)
	eve, err := o.identity.Users.Create(ctx, operator(foreign.ID), identity.NewPerson{Email: "eve@example.com", Password: password}, core.RoleAdmin)
	require.NoError(t, err)
	them := o.login("eve@example.com", password)
	for id, code := range map[string]core.Code{
		eve.ID.String(): core.CodeNotFound, newID().String(): core.CodeNotFound, "7": core.CodeValidation, admin.User.ID.String(): core.CodeConflict,
	} {
		require.Equal(t, code, core.CodeOf(o.as(admin).EndSessionsOf(ctx, id)), id)
	}
	require.Equal(t, core.CodeForbidden, core.CodeOf(o.as(bob).EndSessionsOf(ctx, admin.User.ID.String())))
	_, err = o.as(second).Me(ctx)
	require.NoError(t, err)

	got := o.do("POST", rest.UsersPath+"/"+bob.User.ID.String()+"/sessions/end", nil, "X-API-Key: "+admin.AccessToken)
	require.Equal(t, 204, got.StatusCode)
	for _, ended := range []rest.SignedIn{bob, second} {
		_, err = o.as(ended).Me(ctx)
		require.Equal(t, core.CodeUnauthorized, core.CodeOf(err))
		_, err = o.anonymous().Refresh(ctx, rest.RefreshRequest{RefreshToken: ended.RefreshToken})
		require.Equal(t, core.CodeUnauthorized, core.CodeOf(err))
	}
	for _, stays := range []rest.SignedIn{admin, them, o.login("bob@example.com", password)} {
		_, err = o.as(stays).Me(ctx)
		require.NoError(t, err)
	}
	trail, err := o.as(admin).AuditPage(ctx, core.EventQuery{Filter: core.Filter{Type: string(core.AuditSessionEnded)}})
	require.NoError(t, err)
	require.Len(t, trail.Items, 1)
	require.Equal(t, bob.User.ID.String(), trail.Items[0].Subject)
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
