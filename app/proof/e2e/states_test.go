package e2e

import (
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/app/proof/browser"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/ui"
)

// anonymousScreens are those without a session. Two that differ in their
// fragment alone must not follow each other: the browser would stay where it is.
var anonymousScreens = []screen{
	{"/login", "login", "Forgot your password?"},
	{"/setup", "setup-link", "eventflow user setup-link"},
	{"/forgot", "forgot", "Send reset link"},
	{"/setup#t=ticket", "setup", "Create the first admin"},
	{"/reset#t=ticket", "reset", "Choose a new password"},
	{"/setup#invite=", "invited", "You were invited"},
	{"/streams/orders", "sign-in-first", "Sign in"},
}

// routeOf is the page that is at an address.
func routeOf(address string) string {
	address, _, _ = strings.Cut(address, "?")
	address, _, _ = strings.Cut(address, "#")
	for _, route := range ui.Paths() {
		if fits, _ := path.Match(varying.ReplaceAllString(route, "*"), address); fits {
			return route
		}
	}
	return ""
}

var varying = regexp.MustCompile(`\{[a-z]+\}`)

// oneScreenEach are the screens of a full program by their routes: the first of
// each.
func oneScreenEach(found furnished) (screens []screen) {
	seen := map[string]bool{"": true}
	for _, s := range everyScreen(true, found) {
		route := routeOf(s.path)
		if s.path == "/streams/demo" || s.name == "error" { // others of these routes show more
			continue
		}
		if !seen[route] {
			screens = append(screens, s)
		}
		seen[route] = true
	}
	return screens
}

// A page that is added is looked at: it needs a screen among those above.
func TestEveryRouteHasAScreen(t *testing.T) {
	t.Parallel()
	covered := map[string]bool{}
	for _, s := range append(oneScreenEach(furnished{"id", "id"}), anonymousScreens...) {
		covered[routeOf(s.path)] = true
	}
	for _, route := range ui.Paths() {
		require.True(t, covered[route], "no screen shows %s: add one to everyScreen or anonymousScreens", route)
	}
}

// Whoever has no session yet finds all pages as open as the others.
func TestTheWayInIsOpenToAll(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	page := browser.Open(t, p.base)
	page.Allow("401 (Unauthorized)")
	invited, err := p.admin.Invite(t.Context(), rest.InviteRequest{Email: "you@example.com", Role: core.RoleViewer})
	require.NoError(t, err)
	for _, s := range anonymousScreens {
		if s.name == "invited" { // a dead link says something else as soon as the server has answered
			_, ticket, _ := strings.Cut(invited.Link, "#invite=")
			s.path += ticket
		}
		page.Size(1280, 820)
		page.Go(s.path)
		page.See(s.sees)
		bothColours(page, "anonymous/"+s.name)
		page.Size(390, 844)
		fitsTheScreen(t, page, s.path)
		page.Screenshot("phone/" + s.name)
		page.Axe(s.name + " on a phone")
	}
	page.Size(1280, 820)
	page.Go("/login")
	page.Fill("Email", adminEmail)
	page.Fill("Password", "not the password")
	page.Click("Sign in")
	page.Await("a refusal", "!!document.querySelector('.note.bad')")
	bothColours(page, "anonymous/login-refused")
	page.Go("/forgot")
	page.Fill("Email", adminEmail)
	page.Click("Send reset link")
	page.See("Check your email")
	bothColours(page, "anonymous/forgot-sent")
}

// bothColours looks at what is shown, light and dark.
func bothColours(page *browser.Page, name string) {
	page.Dark(true)
	page.Contrast(name + "-dark")
	page.Screenshot(name + "-dark")
	page.Dark(false)
	page.Axe(name)
	page.Screenshot(name)
}

func fitsTheScreen(t *testing.T, page *browser.Page, what string) {
	t.Helper()
	var wide string
	page.Eval(`document.documentElement.scrollWidth <= innerWidth ? '' : [...document.querySelectorAll('body *')]
		.filter(element => element.getBoundingClientRect().right > innerWidth + 1).map(element => element.parentElement.tagName + ' > ' + element.tagName + '.' + element.className).slice(0, 5).join(', ')
		|| 'something'`, &wide)
	require.Empty(t, wide, "%s is wider than the screen", what)
	page.Eval(`innerWidth < 640 && [...document.querySelectorAll('.cards .table')].find(list => list.scrollWidth > list.clientWidth)?.innerText || ''`, &wide)
	require.Empty(t, wide, "cards of %s are wider than the screen", what)
}

// refusable has all requests that read be answered with what the page's session
// storage holds, if it holds something, but for who is signed in.
const refusable = `(() => {
	const ask = window.fetch;
	window.fetch = (...given) => {
		const refusal = JSON.parse(sessionStorage.getItem('refusal')), method = given[1]?.method || 'GET';
		const path = new URL(given[0], location.href).pathname;
		if (!refusal || method !== 'GET' || path.endsWith('/auth/me') || !(path.startsWith('/api/') || path === '/readyz')) return ask(...given);
		return Promise.resolve(new Response(refusal.body, {status: refusal.status, headers: {'Content-Type': 'application/problem+json', ...refusal.headers}}));
	};
})()`

const refusedAs = "0198c0de-7a1b-7c3d-8e4f-5a6b7c8d9e0f"

// refuse has the requests of a refusable page fail like this from now on.
func refuse(page *browser.Page, err error, retryAfter int) {
	problem := rest.NewProblem(err, refusedAs)
	body, _ := json.Marshal(problem) // it always can be
	refusal, _ := json.Marshal(map[string]any{
		"status": problem.Status, "body": string(body), "headers": map[string]string{"Retry-After": strconv.Itoa(retryAfter)},
	})
	page.Eval("sessionStorage.setItem('refusal', "+text(string(refusal))+")", nil)
}

func answer(page *browser.Page) { page.Eval("sessionStorage.removeItem('refusal')", nil) }

// asksNothing are the pages that are there whatever the server says.
var asksNothing = []string{"/streams/new", "/streams/{stream}/processors/new"}

// What cannot be shown says why, by which id the log knows it, and is there as
// soon as the server answers again.
func TestEveryErrorCanBeTriedAgain(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	found := furnish(t, p)
	page := p.signIn(adminEmail)
	page.Before(refusable)
	page.Go("/settings/roles")
	page.See("events:ingest")
	for _, s := range oneScreenEach(found) {
		refuse(page, core.Unavailable(nil, 0, "the event store does not answer"), 1)
		page.Visit(s.path)
		if slices.Contains(asksNothing, routeOf(s.path)) {
			page.See(s.sees)
			continue
		}
		page.See("Temporarily unavailable")
		page.See(refusedAs)
		bothColours(page, "error/"+s.name)
		answer(page)
		page.Await("all to be tried again", `(() => {
			const again = [...document.querySelectorAll('.panel.error button')];
			if (again.length && performance.now() > (window.mayClickAt ?? 0)) {
				again.forEach(button => button.click());
				window.mayClickAt = performance.now() + 500;
			}
			return again.length === 0;
		})()`)
		page.See(s.sees)
		require.False(t, page.Shows(refusedAs), s.path)
	}
	countDown(t, page)
}

// countDown is asked to wait, twice.
func countDown(t *testing.T, page *browser.Page) {
	t.Helper()
	tooMany := core.Errorf(core.CodeRateLimited, "too many requests")
	refuse(page, tooMany, 4)
	page.Go("/settings/users")
	page.See("Too many requests")
	const left = `parseInt(document.querySelector('.panel.error button:disabled')?.innerText.match(/Try again in (\d+) s/)?.[1] ?? 0)`
	page.Await("how long to wait", left+" > 0")
	bothColours(page, "error/limited")
	page.Await("the end of the wait", `document.querySelector('.panel.error button:enabled')?.innerText.trim() === 'Try again'`)
	refuse(page, tooMany, 60)
	page.Click("Try again")
	page.Await("another wait", left+" > 50")
	var first int
	page.Eval(left, &first)
	page.Await("the time to go by", left+" < "+strconv.Itoa(first))
	answer(page)
}
