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

// sizes are a small laptop's screen and a phone's.
var sizes = [][2]int64{{1280, 720}, {390, 844}}

// An event that is sent again arrives in the form with all that it was, wherever
// it is sent again from.
func TestAnEventIsSentAgainFromTheBrowser(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	p.fill("orders", 3, nil)
	page := p.signIn(adminEmail)
	for i, size := range sizes {
		page.Size(size[0], size[1])
		page.Go("/streams/orders/events?q=type:order.paid")
		page.See("unfiltered") // the chart, which moves what is below it
		page.See("order.paid")
		page.Press("j")
		page.Click("Send again")
		page.Await("the event in the form", `document.querySelector('#type')?.value === 'order.paid' && document.querySelector('#payload').value.includes('"sku"')`)
		require.Equal(t, "orders", parameter(page, "stream"))
		require.NotEmpty(t, parameter(page, "like"))
		page.Click("Publish")
		page.See(fmt.Sprintf("Stored at offset %d", 3+i))
	}
}

// The inspector's parts can be chosen on every screen, however large the event
// is.
func TestTheInspectorHasItsTabsOnEveryScreen(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	_, err := p.client().CreateStream(t.Context(), core.StreamSpec{Name: "orders"})
	require.NoError(t, err)
	lines := strings.TrimSuffix(strings.Repeat(`{"sku":"S-1","n":2},`, 60), ",")
	_, err = p.client().Publish(t.Context(), "orders", rest.NewEvent{Type: "order.paid", Source: "shop", Payload: []byte(`{"lines":[` + lines + `]}`)})
	require.NoError(t, err)
	page := p.signIn(adminEmail)
	for _, size := range append([][2]int64{{1366, 768}, {768, 1024}}, sizes...) {
		what := fmt.Sprintf("%d×%d", size[0], size[1])
		page.Size(size[0], size[1])
		page.Go("/streams/orders/events")
		page.See("order.paid")
		page.Await("the chart, which moves what is below it", "!!document.querySelector('.bars')")
		page.Press("j")
		page.Await("the payload", "!!document.querySelector('.inspector .json')")
		var tabs, title, closing, inspector struct{ Top, Bottom, Width, Height float64 }
		box := func(selector string, into any) {
			page.Eval("(({top, bottom, width, height}) => ({top, bottom, width, height}))(document.querySelector("+text(selector)+").getBoundingClientRect())", into)
		}
		box(".inspector .tabs", &tabs)
		box(".inspector .head h2", &title)
		box(".inspector .head .button[aria-label='Close inspector']", &closing)
		box(".inspector", &inspector)
		require.Greater(t, tabs.Height, 28.0, "the height of the tabs at %s", what)
		require.Less(t, closing.Top, title.Bottom, "the button beside the title at %s", what)
		require.Greater(t, inspector.Height, 200.0, what)
		page.Click("Details")
		page.See("shop")
		page.Click("curl")
		page.See("--data-binary")
		page.Click("Payload")
		fitsTheScreen(t, page, what)
		page.Screenshot("review/inspector-" + what)
	}
}

// A schema that the server refuses is refused with its reason, in every form that
// takes one.
func TestARefusedSchemaSaysWhy(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	page := p.signIn(adminEmail)
	page.Allow("400 (Bad Request)")
	for _, size := range sizes {
		page.Size(size[0], size[1])
		page.Go("/streams/new")
		page.Fill("Name", "orders")
		page.Click("Validate payloads with a schema")
		page.Fill("JSON Schema (2020-12)", `{"properties":{"a":{"type":"strin"}}}`)
		page.Click("Create stream")
		page.See("schema/properties/a/type")
		fitsTheScreen(t, page, "a refused schema")
		page.Axe("a refused schema")
		page.Screenshot(fmt.Sprint("review/new-stream-refused-", size[0]))
		page.Go("/streams/demo/schema")
		page.Fill("JSON Schema (2020-12)", `{"type":`)
		page.Click("Save schema")
		page.See("Is not valid JSON")
		page.Fill("JSON Schema (2020-12)", `{"required":"a"}`)
		page.Click("Save schema")
		page.See("schema/required")
		page.Gone("Is not valid JSON")
		require.False(t, page.Shows("Schema saved."))
	}
}

// A group is reset to what was looked at, and to nothing else.
func TestAResetShowsWhatItDoes(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	p.fill("orders", 20, nil)
	page := p.signIn(adminEmail)
	for i, size := range sizes {
		group, stored := fmt.Sprint("billing-", i), 20+3*i
		p.group("orders", group, 9)
		page.Size(size[0], size[1])
		page.Go("/consumers/orders/" + group)
		page.Click("Reset offset…")
		page.See("10 events will be read again.")
		lag := func(want int) {
			t.Helper()
			page.Await(fmt.Sprint("a lag of ", want), fmt.Sprintf("document.querySelector('dialog tbody tr:nth-child(2) td:nth-child(3)')?.innerText === '%d'", want))
		}
		lag(stored)
		page.Fill("Type the group name to confirm", group)
		const ready = "!document.querySelector('dialog button[type=submit]').disabled"
		page.Await("the button", ready)
		page.Choose("Start from", "Offset")
		page.Await("no button without a preview", "!("+ready+")")
		page.Gone("read again")
		page.Fill("Offset", "many")
		page.See("Must be a whole number")
		require.False(t, page.Shows("unreachable"))
		page.Await("no button", "!("+ready+")")
		page.Fill("Offset", "10,000")
		page.See(fmt.Sprintf("%d events will be skipped.", stored-10))
		lag(0)
		page.Fill("Offset", "5")
		page.See("5 events will be read again.")
		lag(stored - 5)
		page.Axe("a reset")
		page.Screenshot(fmt.Sprint("review/reset-", size[0]))
		for range 3 {
			_, err := p.client().Publish(t.Context(), "orders", rest.NewEvent{Type: "order.paid", Payload: []byte(`{}`)})
			require.NoError(t, err)
		}
		lag(stored - 2) // without a click
		page.Click("Reset group")
		page.Await("the end of the dialog", "!document.querySelector('dialog')")
		page.Await("the lag of the group", fmt.Sprintf("document.querySelector('.tile-value').innerText === '%d'", stored-2))
		status, err := p.client().Lag(t.Context(), "orders", group)
		require.NoError(t, err)
		require.EqualValues(t, 4, status.CommittedOffset)
	}
}

// group makes a consumer group that has processed everything up to an offset.
func (p *program) group(stream, name string, upTo core.Offset) {
	p.t.Helper()
	_, err := p.client().CreateGroup(p.t.Context(), stream, core.GroupSpec{Name: name})
	require.NoError(p.t, err)
	_, err = p.client().Poll(p.t.Context(), stream, name, rest.PollOptions{Limit: int(upTo) + 1, Wait: time.Second})
	require.NoError(p.t, err)
	_, err = p.client().Commit(p.t.Context(), stream, name, rest.CommitRequest{Offset: &upTo})
	require.NoError(p.t, err)
}

// An offset is read as the dashboard writes it, and an error of the dashboard's own
// is none of the network's.
func TestAnOffsetIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	p.fill("orders", 1200, nil)
	page := p.signIn(adminEmail)
	for _, size := range sizes {
		page.Size(size[0], size[1])
		page.Go("/streams/orders/events")
		page.See("1,199")
		page.Choose("Start from", "From offset")
		page.Fill("Offset", "1,100")
		page.Click("Apply")
		page.Await("the events from there on", "document.querySelector("+text(eventRows)+")?.innerText === '1,100'")
		require.Equal(t, "1100", parameter(page, "from"))
		page.Fill("Offset", "many")
		page.Click("Apply")
		page.See("must be a whole number")
		page.Await("the field to be blamed", "!!document.querySelector('#from[aria-invalid=true]') && !document.querySelector('#filter[aria-invalid]')")
		require.False(t, page.Shows("unreachable"))
		page.Go("/streams/orders/events/many")
		page.See("must be a whole number")
		require.False(t, page.Shows("unreachable"))
		fitsTheScreen(t, page, "an event that is none")
	}
}

// What the dashboard has not been told yet is a dash, not a zero.
func TestWhatIsNotKnownIsADash(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	page := p.signIn(adminEmail)
	page.Before(secondLookIsLate)
	for _, size := range sizes {
		page.Size(size[0], size[1])
		for path, rate := range map[string]string{"/streams": "tbody td:nth-child(2)", "/": ".tile-value"} {
			page.Go(path)
			page.Await("no rate at first", "document.querySelector("+text(rate)+")?.innerText === '–'")
			require.False(t, page.Shows("0/s"), path)
			page.Eval("window.mayLook()", nil)
			page.Await("a rate", "document.querySelector("+text(rate)+")?.innerText === '0/s'")
		}
	}
}

// secondLookIsLate has a page wait for its second look at the same numbers until
// it may.
const secondLookIsLate = `(() => {
	const ask = window.fetch, looks = {}, may = new Promise(done => { window.mayLook = done });
	window.fetch = (...given) => {
		const path = String(given[0]);
		looks[path] = (looks[path] ?? 0) + 1;
		return looks[path] > 1 && /\/(summary|streams\?)/.test(path) ? may.then(() => ask(...given)) : ask(...given);
	};
})()`

// What an admin does to others, and what a user does to the account, is refused
// with a reason, and done with a word about it.
func TestAnInvitationSaysWhatItIs(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	page := p.signIn(adminEmail)
	page.Allow("40") // what is refused
	for i, size := range sizes {
		page.Size(size[0], size[1])
		page.Go("/settings/users")
		page.Click("Invite")
		page.Fill("Email", adminEmail)
		page.Click("Invite")
		page.Await("a refusal", "!!document.querySelector('dialog [role=alert]')")
		page.Fill("Email", fmt.Sprintf("dev-%d@example.com", i))
		page.Click("Invite")
		page.See("Send this invitation link")
		page.See("choose a password, works once and expires in 7 days")
		fitsTheScreen(t, page, "an invitation")
		page.Screenshot(fmt.Sprint("review/invitation-", size[0]))
		page.Click("Done")
		page.Go("/settings/account")
		page.Fill("Current password", "wrong")
		page.Fill("New password", "weak")
		page.Click("Change password")
		page.Await("a refusal", "!!document.querySelector('main [role=alert]')")
		page.Screenshot(fmt.Sprint("review/account-", size[0]))
		fitsTheScreen(t, page, "the account")
	}
	page.Press(browser.Escape)
}
