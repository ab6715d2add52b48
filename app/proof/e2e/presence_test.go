package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/app/proof/browser"
	"github.com/eventflow-go/eventflow/core"
)

// laterClock has a page's clock go ahead by window.later milliseconds.
const laterClock = `(() => {
	const real = Date;
	window.later = 0;
	window.Date = class extends real {
		constructor(...given) { given.length ? super(...given) : super(real.now() + window.later) }
		static now() { return real.now() + window.later }
	};
})()`

// Times go on wherever they are shown, also where a page asks for nothing.
func TestTimesGoOn(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	letter := furnish(t, p).letter
	page := p.signIn(adminEmail)
	page.Before(laterClock)
	for i, path := range []string{
		"/streams/orders/events", "/streams/orders/events/3", "/events", "/streams/orders", "/streams/orders/settings", "/consumers/orders/billing",
		"/dead-letters", "/dead-letters/" + letter, "/settings/api-keys", "/settings/users", "/settings/account", "/audit", "/",
	} {
		page.Size(sizes[i%2][0], sizes[i%2][1])
		page.Go(path)
		const young = `[...document.querySelectorAll('time .near')].some(time => /now|[0-9] (ms|s|min) ago/.test(time.innerText))`
		page.Await("a time on "+path, young)
		page.Eval("window.later = 5 * 3600 * 1000", nil)
		page.Await("the times of "+path+" to go on", "!("+young+") && document.body.innerText.includes('5 h ago')")
	}
}

// A page that asks the server for nothing still says when it is away, and when it is
// back.
func TestEveryPageKnowsThatTheServerIsAway(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	p.fill("orders", 3, nil)
	page := p.signIn(adminEmail)
	mayBeAway(page)
	for i, path := range []string{"/streams/orders/events", "/streams/new"} {
		page.Size(sizes[i][0], sizes[i][1])
		page.Go(path)
		page.Await("the page", "!!document.querySelector('main form')")
		page.Await("the session", "!!document.querySelector('.who')")
		p.stop()
		page.See("Server unreachable")
		fitsTheScreen(t, page, path)
		p.again()
		page.Gone("Server unreachable")
	}
}

// What was done is said, in one way everywhere, to people who look and who listen.
func TestWhatWasDoneIsSaid(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	page := p.signIn(adminEmail)
	said := func(text string) {
		t.Helper()
		page.Await("the notice "+text, fmt.Sprintf("document.querySelector('.notice[role=status]')?.innerText.trim() === %q", text))
	}
	for i, size := range sizes {
		page.Size(size[0], size[1])
		page.Go("/streams/demo/settings")
		page.Fill("Description", fmt.Sprint("for tests ", i))
		page.Click("Save")
		said("Settings saved.")
		page.Screenshot(fmt.Sprint("review/notice-", size[0]))
		page.Axe("a notice")
		fitsTheScreen(t, page, "a notice")
		page.Visit("/streams/demo/schema")
		page.Fill("JSON Schema (2020-12)", `{"type":"object"}`)
		page.Click("Save schema")
		said("Schema saved.")
		page.Visit("/streams/demo/consumers")
		page.Click("New group")
		page.Fill("Name", fmt.Sprint("said-", i))
		page.Click("Create group")
		said(fmt.Sprintf("Group said-%d created.", i))
		page.Visit("/settings/account")
		page.Fill("Name", fmt.Sprint("org-", i))
		page.Click("Rename")
		said("Organization renamed.")
		page.Gone("Organization renamed.")
	}
}

// A link that is used up says so when it is opened, and what to do instead of signing
// in.
func TestADeadLinkSaysWhatToDo(t *testing.T) {
	t.Parallel()
	p := start(t)
	page := browser.Open(t, p.base)
	page.Allow("401 (Unauthorized)")
	for _, size := range sizes {
		page.Size(size[0], size[1])
		for link, advice := range map[string]string{"/setup#t=gone": "eventflow user setup-link", "/setup#invite=gone": "Ask an admin", "/reset#t=gone": "Get a new link"} {
			page.Go("/login")
			page.See("Forgot your password?")
			page.Go(link)
			page.See("This link does not work")
			page.See(advice)
			page.Await("no form to fill for nothing", "!document.querySelector('#password')")
			require.False(t, page.Shows("Sign in again"))
			fitsTheScreen(t, page, link)
			page.Axe(link)
		}
	}
}

// The commands that a stream's pages show send what the stream takes.
func TestCopiedCommandsAreTaken(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	_, err := p.client().CreateStream(t.Context(), core.StreamSpec{Name: "strict", Schema: []byte(`{"type":"object","additionalProperties":false,
		"required":["id","at","lines"],"properties":{"id":{"type":"string","minLength":8},"at":{"type":"string","format":"date-time"},"lines":{"type":"array","minItems":1,"items":{"type":"integer"}}}}`)})
	require.NoError(t, err)
	page := p.signIn(adminEmail)
	for i, path := range []string{"/streams/strict", "/streams/strict/events", "/streams/strict/events?live=1", "/streams/strict", "/streams/strict"} {
		page.Size(sizes[i%2][0], sizes[i%2][1])
		page.Go(path)
		page.Await("a command", "!!document.querySelector('main .copybox code')")
		var command string
		page.Eval("document.querySelector('main .copybox code').textContent", &command)
		require.Contains(t, command, `-H "X-API-Key: $KEY"`)
		_, body, _ := strings.Cut(command, "--data-binary '")
		body = strings.ReplaceAll(strings.TrimSuffix(body, "'"), `'\''`, "'") // as a shell reads it
		var event rest.NewEvent
		require.NoError(t, json.Unmarshal([]byte(body), &event), body)
		require.NoError(t, p.client().Validate(t.Context(), "strict", event), "%s: %s", path, body)
		if i == 2 { // from now on the commands are like the last event
			_, err := p.client().Publish(t.Context(), "strict", rest.NewEvent{Type: "it's.own", Payload: []byte(`{"id":"12345678","at":"2026-01-31T12:00:00Z","lines":[1]}`)})
			require.NoError(t, err)
		}
	}
}
