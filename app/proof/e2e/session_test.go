package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/app/proof/browser"
	"github.com/eventflow-go/eventflow/core"
)

// A key is shown once, works, and stops working when it is revoked.
func TestAKeysLife(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	page := p.signIn(adminEmail)
	page.Go("/settings/api-keys")
	page.Click("New API key")
	page.Fill("Label", "billing")
	page.Click("Create API key")
	page.See("only time the secret is shown")
	var secret string
	page.Eval("document.querySelector('dialog code').innerText", &secret)
	require.Regexp(t, `^ef_live_[0-9A-Za-z]{38}$`, secret)
	page.Click("I have copied it")
	page.Gone(secret)
	page.Reload()
	page.See("billing")
	require.False(t, page.Shows(secret), "it is shown once")

	producer := rest.NewClient(p.base, secret)
	_, err := producer.Publish(t.Context(), "demo", rest.NewEvent{Type: "made", Payload: []byte(`{}`)})
	require.NoError(t, err)
	page.Click("Rotate billing")
	page.Choose("Old secret stays valid", "not at all")
	page.Click("Rotate")
	page.See("only time the secret is shown")
	var rotated string
	page.Eval("document.querySelector('dialog code').innerText", &rotated)
	page.Click("Close")
	require.NotEqual(t, secret, rotated)
	page.Click("Revoke billing")
	page.Click("Revoke")
	page.See("revoked")
	require.Eventually(t, func() bool {
		_, err := rest.NewClient(p.base, rotated).Publish(t.Context(), "demo", rest.NewEvent{Type: "made", Payload: []byte(`{}`)})
		return core.CodeOf(err) == core.CodeUnauthorized
	}, patience, 100*time.Millisecond)
	_, err = producer.Publish(t.Context(), "demo", rest.NewEvent{Type: "made", Payload: []byte(`{}`)})
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err))
}

// What a role may not do it does not see, and the server refuses it all the
// same.
func TestAViewerOnlyLooks(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	letter := furnish(t, p).letter
	p.person("eve@example.com", core.RoleViewer)
	page := p.signInHome("eve@example.com")
	for path, sees := range map[string]string{
		"/streams": "Highest lag", "/streams/orders": "Last hour", "/streams/orders/events/3": "Deliveries", "/streams/orders/consumers": "Oldest unread",
		"/streams/orders/schema": "draft/2020-12", "/streams/orders/settings": "revision", "/consumers/orders/billing": "Delivery settings",
		"/dead-letters": "By reason", "/dead-letters/" + letter: "Attempts",
	} {
		page.Visit(path)
		page.See(sees)
		for _, word := range []string{"New stream", "New group", "Publish", "Send again", "Save", "Delete", "Reset offset", "Replay", "Discard", "CSV"} {
			require.False(t, page.Shows(word), "%s shows %q", path, word)
		}
	}
	for _, path := range []string{"/settings/users", "/settings/api-keys", "/audit", "/publish", "/streams/new"} {
		page.Visit("/streams") // the refusals are alike
		page.See("Highest lag")
		page.Visit(path)
		page.See("Permission denied")
		page.See("needs the permission")
		bothColours(page, "forbidden/"+strings.Trim(path, "/"))
	}
	for _, word := range []string{"Users", "API keys", "Audit trail"} {
		require.False(t, page.Shows(word), "the rail shows %q", word)
	}
	viewer := rest.NewClient(p.base, "")
	_, err := viewer.Login(t.Context(), rest.LoginRequest{Email: "eve@example.com", Password: password})
	require.NoError(t, err)
	_, err = viewer.CreateStream(t.Context(), core.StreamSpec{Name: "mine"})
	require.Equal(t, core.CodeForbidden, core.CodeOf(err))
}

// An admin signs a user out on every device, after a look at what that means.
func TestAnAdminSignsAUserOut(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	p.person("dev@example.com", core.RoleDeveloper)
	dev := rest.NewClient(p.base, "")
	_, err := dev.Login(t.Context(), rest.LoginRequest{Email: "dev@example.com", Password: password})
	require.NoError(t, err)
	page := p.signIn(adminEmail)
	page.Go("/settings/users")
	page.Click("Change dev@example.com")
	page.Click("Sign out everywhere…")
	page.See("Sign dev@example.com out everywhere?")
	page.Screenshot("sign-out-everywhere")
	page.Axe("sign-out-everywhere")
	_, err = dev.Me(t.Context())
	require.NoError(t, err, "not before it is confirmed")
	page.ClickOn("dialog .danger")
	page.Gone("out everywhere?")
	require.Eventually(t, func() bool {
		_, err := dev.Me(t.Context())
		return core.CodeOf(err) == core.CodeUnauthorized
	}, patience, 50*time.Millisecond)
	page.See("dev@example.com")
	page.Click("Change dev@example.com")
	page.Click("Remove…")
	page.See("Remove dev@example.com?")
	page.ClickOn("dialog .danger")
	page.Gone("dev@example.com")
}

// A tab lets go of what it shows and keeps when its user signs out in another one. The
// other one is a frame here, which has the same storage.
func TestASecondTabLetsGo(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	page := p.signIn(adminEmail)
	page.Go("/streams")
	page.See("demo")
	page.Await("a list that is kept", "Object.keys(localStorage).some(key => key.startsWith('eventflow kept'))")
	page.Eval(`document.body.append(Object.assign(document.createElement('iframe'), {id: 'other'}));
		document.getElementById('other').contentWindow.localStorage.setItem('eventflow signed out', '"now"')`, nil)
	page.See("Email")
	require.False(t, page.Shows("demo"))
	var lists int
	page.Eval("Object.keys(localStorage).filter(key => key.startsWith('eventflow kept')).length", &lists)
	require.Zero(t, lists)
}

// Keys are revoked with what they have made, and whoever removes somebody is shown what
// that person leaves.
func TestKeysThatAreLeftAreShown(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	p.person("dev@example.com", core.RoleDeveloper)
	request := core.KeyRequest{Label: "deployer", Environment: core.Live, Role: core.RoleAdmin}
	maker, err := p.admin.CreateKey(t.Context(), core.KindAPIKey, request)
	require.NoError(t, err)
	request.Label = "made by deployer"
	child, err := rest.NewClient(p.base, maker.Secret).CreateKey(t.Context(), core.KindAPIKey, request)
	require.NoError(t, err)
	dev := rest.NewClient(p.base, "")
	_, err = dev.Login(t.Context(), rest.LoginRequest{Email: "dev@example.com", Password: password})
	require.NoError(t, err)
	left, err := dev.CreateKey(t.Context(), core.KindAPIKey, core.KeyRequest{Label: "shop", Environment: core.Live})
	require.NoError(t, err)

	page := p.signIn(adminEmail)
	page.Go("/settings/api-keys")
	page.Click("Revoke deployer")
	page.See("It has made other keys or tokens")
	page.Screenshot("revoke-with-children")
	page.Axe("revoke-with-children")
	page.Choose("They", "are revoked as well")
	page.ClickOn("dialog .danger")
	page.See("deployer revoked.")
	page.Go("/settings/users")
	page.Click("Change dev@example.com")
	page.Click("Disable")
	page.See("Disable dev@example.com?")
	page.See(left.Masked)
	page.Screenshot("keys-left")
	page.Axe("keys-left")
	page.Choose("They", "are revoked, with all that they have made")
	page.ClickOn("dialog .danger")
	page.See("dev@example.com disabled.")
	for _, key := range []rest.KeyWithSecret{maker, child, left} {
		found, err := p.admin.Key(t.Context(), core.KindAPIKey, key.ID.String())
		require.NoError(t, err)
		require.NotNil(t, found.RevokedAt, key.Label)
	}
}

// A session that ends is begun again on top of the page, which stays as it is.
func TestASessionThatEndsKeepsThePage(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	p.person("dev@example.com", core.RoleDeveloper)
	page := p.signIn("dev@example.com")
	page.Allow("401 (Unauthorized)")
	page.Go("/publish?stream=demo")
	page.Fill("Type", "typed.before")
	users, err := p.admin.UsersPage(t.Context(), "")
	require.NoError(t, err)
	disabled, active := core.UserDisabled, core.UserActive
	var id string
	for _, user := range users.Items {
		if user.Email == "dev@example.com" {
			id = user.ID.String()
		}
	}
	_, err = p.admin.ChangeUser(t.Context(), id, core.UserChange{State: &disabled}, 0)
	require.NoError(t, err)
	_, err = p.admin.ChangeUser(t.Context(), id, core.UserChange{State: &active}, 0)
	require.NoError(t, err)
	for n := 0; !page.Shows("Sign in again"); n++ { // what the server knew of the session is a second old at most
		page.Eval("document.querySelector('main form button[type=submit]').click()", nil) // the dialog may be on top by now
		page.Await("an answer", fmt.Sprintf("['Sign in again', 'Stored at offset %d'].some(text => document.body.innerText.includes(text))", n))
	}
	page.See("Your work on this page is kept")
	page.Await("the focus in what is missing", "document.querySelector('dialog [autofocus]')?.id === 'password'")
	page.Fill("Password", password)
	page.Click("Sign in")
	page.Gone("Your work on this page is kept")
	require.False(t, page.Shows("Sign in again"), "what was refused meanwhile")
	var typed string
	page.Eval("document.getElementById('type').value", &typed)
	require.Equal(t, "typed.before", typed)
	page.ClickOn("main form button[type=submit]")
	page.See("Stored at offset")

	page.Click("Sign out")
	page.See("Email")
	page.Go("/streams")
	page.See("Email")
	require.False(t, page.Shows("Highest lag"))
	require.Zero(t, kept(page), "signing out forgets")
}

// kept counts what the browser keeps of lists and of who was signed in.
func kept(page *browser.Page) (n int) {
	page.Eval("Object.keys(localStorage).filter(key => /^eventflow (kept|me)/.test(key)).length", &n)
	return n
}

// What is answered after a sign-out is kept for nobody.
func TestALateAnswerIsForNobody(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	page := p.signIn(adminEmail)
	page.Before(`(() => {
		const ask = window.fetch;
		window.fetch = (...given) => !window.hold || !String(given[0]).includes('/streams') ? ask(...given) :
			ask(...given).then(answer => new Promise(done => {
				const read = new TransformStream({flush() { window.wasRead = true }});
				window.release = () => done(new Response(answer.body.pipeThrough(read), {status: answer.status, headers: answer.headers}));
			}));
	})()`)
	page.Go("/streams")
	page.See("Highest lag")
	page.Eval("window.hold = true", nil)
	page.Await("an answer that is held back", "!!window.release")
	page.Allow("401 (Unauthorized)") // what was on its way when the session ended
	page.Click("Sign out")
	page.See("Email")
	page.Eval("window.release()", nil)
	page.Await("the answer to be read", "!!window.wasRead")
	page.Frames(10)
	require.Zero(t, kept(page))
	require.Equal(t, "/login", page.URL())
}

// Where a session has ended elsewhere, a page that is opened anew shows nothing of
// what it kept, and keeps nothing.
func TestASessionThatEndedElsewhereIsForgotten(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	page := p.signIn(adminEmail)
	page.Allow("401 (Unauthorized)")
	page.Go("/streams")
	page.See("Highest lag")
	require.NotZero(t, kept(page))
	page.Eval("fetch('/api/v1/auth/logout', {method: 'POST'}).then(answer => answer.ok || Promise.reject(answer.status))", nil)
	page.Reload()
	page.Fill("Email", adminEmail)
	require.False(t, page.Shows("Highest lag"))
	require.Zero(t, kept(page))
	page.Fill("Password", password)
	page.Click("Sign in")
	page.See("Highest lag") // where one was
}

// Without its server the dashboard opens at any address, shows what was last
// known and changes nothing; when the server is back, so is all else.
func TestWithoutAServer(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	furnish(t, p)
	page := p.signIn(adminEmail)
	mayBeAway(page)
	page.Go("/streams")
	page.See("payments")
	page.Go("/consumers")
	page.See("billing")
	page.Await("the worker", "navigator.serviceWorker.ready.then(() => true)")
	p.stop()
	page.See("Server unreachable")
	page.Go("/streams?from=elsewhere")
	page.See("payments")
	page.See("Last updated")
	require.False(t, page.Shows("New stream"), "nothing can be changed")
	bothColours(page, "offline/streams-kept")
	page.Click("Consumers")
	page.See("billing")
	for name, path := range map[string]string{
		"home": "/", "consumers-kept": "/consumers", "events": "/streams/orders/events", "live": "/streams/orders/events?live=1", "all-events": "/events",
		"stream-settings": "/streams/orders/settings", "publish": "/publish", "dead-letters": "/dead-letters", "users": "/settings/users", "system": "/system",
	} {
		page.Go(path)
		page.See("Data may be out of date")
		bothColours(page, "offline/"+name)
	}
	p.again()
	page.Go("/streams")
	page.See("New stream")
	page.Gone("Server unreachable")
}

// Whoever types goes on typing when the server goes away, and when it comes back.
func TestWhatIsTypedOutlivesTheServer(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	page := p.signIn(adminEmail)
	mayBeAway(page)
	page.Go("/publish?stream=demo")
	page.Fill("Type", "typed.before")
	typed := func() {
		page.Await("the focus in what was typed", `document.activeElement.id === 'type' && document.activeElement.value === 'typed.before'`)
	}
	typed()
	p.stop()
	page.See("Server unreachable")
	typed()
	p.again()
	page.Gone("Server unreachable")
	typed()
}

// What the server serves is what the browser may run: nothing from elsewhere.
func TestNothingComesFromElsewhere(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	page := p.signIn(adminEmail)
	page.Go("/streams")
	page.See("demo")
	var loaded []string
	page.Eval("performance.getEntriesByType('resource').map(entry => entry.name)", &loaded)
	require.NotEmpty(t, loaded)
	for _, address := range loaded {
		require.True(t, strings.HasPrefix(address, p.base+"/"), address)
	}
	var cookies string
	page.Eval("document.cookie", &cookies)
	require.Empty(t, cookies, "no script reads the session")
	var stored string
	page.Eval("JSON.stringify(localStorage)", &stored)
	require.NotContains(t, stored, "eyJ", "no token is kept")
	require.NotContains(t, stored, "efr_")
}
