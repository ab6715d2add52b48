package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/app/proof/browser"
	"github.com/eventflow-go/eventflow/core"
)

// hostileNames try to break out of the page, out of the address and out of the
// line.
var hostileNames = []string{
	`"quoted" 'n' <img src=x onerror="attacked=1"><b>100% &amp; a?b#c`,
	strings.Repeat("W", core.MaxStreamNameLength),
	"🎉🎉 نظام الأحداث " + strings.Repeat("م", core.MaxStreamNameLength-16),
}

// A name is a text, whatever is in it, and no page grows wider by it.
func TestNamesAreTextWhateverIsInThem(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	for _, name := range hostileNames {
		hostileStream(t, p, name)
	}
	page := p.signIn(adminEmail)
	for _, list := range []string{"/", "/streams", "/events", "/consumers", "/dead-letters", "/settings/tokens", "/publish"} {
		page.Go(list)
		page.Await("the content of "+list, "!!document.querySelector('main td, main option')")
		harmless(t, page, list)
	}
	for i, name := range hostileNames {
		of := "/streams/" + url.PathEscape(name)
		for _, s := range []screen{
			{path: of, sees: "Last hour"},
			{path: of + "/events", sees: "All time"},
			{path: of + "/events/0", sees: "Send again"},
			{path: of + "/consumers", sees: "Oldest unread"},
			{path: of + "/schema", sees: "Save schema"},
			{path: of + "/settings", sees: "Delete stream"},
			{path: "/publish?stream=" + url.QueryEscape(name), sees: "Ctrl+Enter"},
			{path: "/consumers/" + url.PathEscape(name) + "/" + url.PathEscape(name), sees: "Delivery settings"},
		} {
			path, open := s.path, page.Visit
			if i == 0 { // the server reads the address, too
				open = page.Go
			}
			open(path)
			page.See(s.sees)
			page.Await("the name on "+path, "document.querySelector('main').innerText.includes("+text(name)+
				") || document.querySelector('#stream')?.value === "+text(name))
			page.Await("no skeleton", "!document.querySelector('.skeleton, .pending')")
			require.Zero(t, page.Count("main .panel.error"), path)
			harmless(t, page, path)
		}
	}
	page.Screenshot("hostile/consumer")
	page.PressControl("k")
	page.Fill("Page, stream or group", hostileNames[0])
	page.Press(browser.Enter)
	page.Await("the stream", "document.querySelector('h1').innerText === "+text(hostileNames[0]))
	page.Axe("a hostile name")
	page.Screenshot("hostile/stream")
}

// hostileStream makes a stream, an event, a group, a dead letter and a token that
// are called like this, as far as each may be.
func hostileStream(t *testing.T, p *program, name string) {
	t.Helper()
	ctx, client := t.Context(), p.client()
	_, err := client.CreateStream(ctx, core.StreamSpec{Name: name, Description: "\u202e" + name})
	require.NoError(t, err)
	_, err = client.CreateGroup(ctx, name, core.GroupSpec{Name: name})
	require.NoError(t, err)
	_, err = client.PublishBatch(ctx, name, []rest.NewEvent{
		{Type: "hostile", Source: name, Subject: name, Payload: []byte(`{"of":` + text(name) + `,` + text(name) + `:1}`)}, {Type: "hostile", Payload: []byte(`1`)},
	})
	require.NoError(t, err)
	delivery, err := client.Poll(ctx, name, name, rest.PollOptions{Limit: 1, Wait: time.Second})
	require.NoError(t, err)
	require.NoError(t, client.Nack(ctx, name, name, delivery.Lease.ID, rest.Nack{Offset: &delivery.Events[0].Offset, Action: core.NackPark, Reason: name}))
	_, err = p.admin.CreateKey(ctx, core.KindServiceToken, core.KeyRequest{Label: fmt.Sprint("reads-", len(name)), Streams: []string{name}})
	require.NoError(t, err)
}

// text writes texts in JavaScript.
func text(of any) string {
	quoted, _ := json.Marshal(of) // a text always can be
	return string(quoted)
}

// harmless looks for what a name would have made of the page.
func harmless(t *testing.T, page *browser.Page, what string) {
	t.Helper()
	require.Zero(t, page.Count("img, #app b"), "%s has an element that a name made", what)
	var attacked bool
	page.Eval("'attacked' in window", &attacked)
	require.False(t, attacked, what)
	fitsTheScreen(t, page, what)
	page.Size(390, 844)
	fitsTheScreen(t, page, what+" on a phone")
	page.Size(1280, 820)
}

// Large events, and those of many or deep parts, can be read and sent again like
// others.
func TestLargeEventsCanBeRead(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	client := p.client()
	_, err := client.CreateStream(t.Context(), core.StreamSpec{Name: "large"})
	require.NoError(t, err)
	const room = 4 << 10 // for what is not the payload
	markup := `{"markup":"` + strings.Repeat("<b>&amp; ", (core.MaxEventBytes-room)/9) + `"}`
	members := `{"many":[` + strings.Repeat("1,", 9_999) + `1],"objects":[` + strings.Repeat(`{"a":[]},`, 999) + `1]}`
	deep := strings.Repeat(`{"a":[`, 32) + strings.Repeat(`]}`, 32)
	lines := `{"lines":[` + strings.TrimSuffix(strings.Repeat(`{"sku":"S-1","n":2,"price":19.90},`, (core.MaxEventBytes-room)/34), ",") + `]}`
	for _, payload := range []string{markup, members, deep, lines} {
		_, err := client.Publish(t.Context(), "large", rest.NewEvent{Type: "large", Payload: []byte(payload)})
		require.NoError(t, err)
	}
	page := p.signIn(adminEmail)
	page.Go("/streams/large/events")
	page.Await("all four", "document.querySelectorAll("+text(eventRows)+").length === 4")
	harmless(t, page, "the list")
	for range 4 {
		inspectLarge(t, page)
	}
	page.Click("Show all")
	page.Await("all of it", fmt.Sprintf("document.querySelector('.json pre').innerText.length >= %d", len(markup)))
	harmless(t, page, "all of a large payload")
	page.Click("curl")
	page.See("@event.json")
	page.Screenshot("hostile/large")
	page.Axe("a large event")

	page.Go("/streams/large/events/0")
	page.See("Send again")
	require.Less(t, page.Count("*"), 1000)
	page.Click("Send again")
	page.Await("the payload", fmt.Sprintf("document.querySelector('#payload')?.value.length === %d", len(markup)))
	harmless(t, page, "publishing")
	page.Click("Publish")
	page.See("Stored at offset 4")
	for range 9 { // more than a page of the server's may hold
		_, err := client.Publish(t.Context(), "large", rest.NewEvent{Type: "large", Payload: []byte(lines)})
		require.NoError(t, err)
	}
	page.Go("/events")
	page.Await("some", "document.querySelectorAll("+text(eventRows)+").length > 2")
	page.Go("/")
	page.Await("home", "document.querySelectorAll('section[aria-label=Events] tbody tr').length === 8")
}

// inspectLarge goes to the next event, and holds it to what a browser is quick
// with.
func inspectLarge(t *testing.T, page *browser.Page) {
	t.Helper()
	var took float64
	page.Eval(`new Promise(done => {
		const from = performance.now(), before = document.querySelector('.inspector')?.getAttribute('aria-label');
		const look = () => {
			const after = document.querySelector('.inspector')?.getAttribute('aria-label');
			after && after !== before && document.querySelector('.inspector .json') ? done(performance.now() - from) : setTimeout(look, 5);
		};
		dispatchEvent(new KeyboardEvent('keydown', {key: 'j'}));
		look();
	})`, &took)
	t.Logf("an event was shown after %.0f ms", took)
	require.Less(t, took, 10_000.0, "milliseconds until an event was shown, on a machine that does much else")
	require.Less(t, page.Count(".inspector *"), 6000, "elements of an event")
	var length int
	page.Eval("document.querySelector('.inspector .json').innerText.length", &length)
	require.Less(t, length, 80_000, "characters of an event that are shown at once")
	page.Eval("document.querySelectorAll('.tree details').forEach(details => details.open = true)", nil)
	harmless(t, page, "the inspector")
}
