package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/app/proof/browser"
	"github.com/eventflow-go/eventflow/core"
)

func back(page *browser.Page)    { page.Eval("history.back()", nil) }
func forward(page *browser.Page) { page.Eval("history.forward()", nil) }

// firstRow waits until the event browser begins with an offset.
func firstRow(page *browser.Page, offset string) {
	page.Await("the page from "+offset, "document.querySelector("+text(eventRows)+")?.innerText === '"+offset+"'")
}

// inAddress waits until a parameter of the address has a value.
func inAddress(page *browser.Page, name, value string) {
	page.Await(name+" in the address", fmt.Sprintf("(new URLSearchParams(location.search).get(%s) ?? '') === %s", text(name), text(value)))
}

// What is chosen in the event browser is in the address, and the browser's own buttons
// lead through it.
func TestTheEventBrowserIsAStepOfTheHistory(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	p.fill("orders", 250, nil)
	page := p.signIn(adminEmail)
	for _, size := range sizes {
		page.Size(size[0], size[1])
		page.Go("/streams")
		page.See("orders")
		page.Visit("/streams/orders/events")
		firstRow(page, "249")
		page.Click("Next")
		firstRow(page, "149")
		page.Reload()
		firstRow(page, "149")
		page.See("Page 2")
		page.Press("j")
		page.See("Deliveries")
		page.Press("j") // going on is no step
		page.Await("the next event", "document.querySelector('tr.chosen button')?.innerText === '148'")
		back(page)
		page.Gone("Deliveries")
		firstRow(page, "149")
		back(page)
		firstRow(page, "249")
		forward(page)
		firstRow(page, "149")
		back(page)
		firstRow(page, "249")

		page.Fill("Filter", "payload.n:7")
		page.Click("Apply")
		firstRow(page, "7")
		page.Choose("Time range", "Last hour")
		inAddress(page, "span", "1h")
		page.Choose("Start from", "Oldest first")
		inAddress(page, "from", "oldest")
		back(page)
		inAddress(page, "from", "")
		back(page)
		inAddress(page, "span", "")
		firstRow(page, "7")
		back(page)
		firstRow(page, "249")
		require.Equal(t, "/streams/orders/events", page.URL())
		page.Await("the filter", "document.querySelector('#filter').value === ''")
	}
}

// A link to an event leads to it, whatever has come since.
func TestALinkKeepsItsEvent(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	p.fill("orders", 5, nil)
	events, err := p.client().EventsPage(t.Context(), "orders", core.EventQuery{Limit: 5})
	require.NoError(t, err)
	id := events.Items[2].ID.String()
	var more []rest.NewEvent
	for range 150 {
		more = append(more, rest.NewEvent{Type: "order.later", Payload: []byte(`{}`)})
	}
	_, err = p.client().PublishBatch(t.Context(), "orders", more)
	require.NoError(t, err)
	page := p.signIn(adminEmail)
	page.Allow("404 (Not Found)")
	for i, size := range sizes {
		page.Size(size[0], size[1])
		for n, path := range []string{"/streams/orders/events", "/events"} {
			page.Go(path + "?sel=" + id)
			page.See("Offset 2, received")
			page.See("not on this page of the list")
			fitsTheScreen(t, page, path)
			if n == i { // each list and each size once: a hundred rows take it long
				page.Axe("an event beside another page")
			}
			page.Screenshot(fmt.Sprint("review/sought-", size[0]))
			page.Visit(path + "?sel=" + refusedAs)
			page.See("The selected event no longer exists")
		}
	}
}

// A filter that cannot be read stands alone: what was read before answers another
// question.
func TestAnInvalidFilterHasNoAnswer(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	p.fill("orders", 120, nil)
	page := p.signIn(adminEmail)
	for _, size := range sizes {
		page.Size(size[0], size[1])
		page.Go("/streams/orders/events")
		firstRow(page, "119")
		page.Fill("Filter", "nowhere")
		page.Click("Apply")
		page.See("None of 100 events contains “nowhere”.")
		page.Fill("Filter", "foo:bar")
		page.Click("Apply")
		page.See("Unknown field")
		page.Gone("None of")
		require.False(t, page.Shows("Next"))
		require.Zero(t, page.Count("tr.pick"))
		require.Zero(t, page.Count(".bars"))
		back(page)
		page.See("None of 100 events contains “nowhere”.")
		page.Visit("/audit?from=never")
		page.See("must be a date and time")
		require.Zero(t, page.Count("tbody tr"))
	}
}

// Every list keeps its page in the address, and is gone through by keys.
func TestEveryListKeepsItsPage(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	manyOfAll(t, p)
	page := p.signInHome(adminEmail)
	const first = `(() => {
		const rows = [...document.querySelectorAll('main .cards')].pop()?.querySelectorAll('tbody tr') ?? [];
		const row = rows.length > 1 ? rows[0].cloneNode(true) : null; // reasons are a list of one, and there before the letters
		row?.querySelectorAll('time').forEach(time => time.remove()); // which go on
		return row?.querySelector('a.name')?.href ?? row?.textContent ?? ''; // not what is told of it later
	})()`
	// other is a row that none of some is. There is none at all while a page is on its way.
	other := func(some ...string) string {
		return "(row => row !== '' && !" + text(append([]string{}, some...)) + ".includes(row))(" + first + ")"
	}
	var one, two string
	for _, path := range []string{"/streams", "/consumers", "/dead-letters", "/settings/api-keys", "/settings/tokens", "/settings/users", "/audit"} {
		page.Visit(path)
		page.Await("rows that are not those of the list before", other(one, two))
		page.See("Page 1")
		page.Eval(first, &one)
		page.Click("Next")
		page.See("Page 2")
		page.Await("another row", other(one))
		page.Eval(first, &two)
		require.NotEmpty(t, parameter(page, "cursor"), path)
		page.Reload()
		page.See("Page 2")
		page.Await("the same row", first+" === "+text(two))
		back(page)
		page.See("Page 1")
		inAddress(page, "cursor", "")
		forward(page)
		page.See("Page 2")
		page.Await("the rows", other())
		page.Press("j")
		page.Press("j")
		page.Press("k")
		page.Await("the focus in a row of "+path, "!!document.activeElement.closest('tbody tr')")
		page.Click("Previous")
		page.See("Page 1")
	}
}

// manyOfAll makes more of everything than a page of a list has.
func manyOfAll(t *testing.T, p *program) {
	t.Helper()
	ctx, client := t.Context(), p.client()
	var events []rest.NewEvent
	for i := range 60 {
		events = append(events, rest.NewEvent{Type: fmt.Sprintf("t-%02d", i), Payload: []byte(`{}`)})
	}
	_, err := client.PublishBatch(ctx, "demo", events)
	require.NoError(t, err)
	_, err = client.CreateGroup(ctx, "demo", core.GroupSpec{Name: "parks", Mode: core.Shared})
	require.NoError(t, err)
	delivery, err := client.Poll(ctx, "demo", "parks", rest.PollOptions{Limit: 60, Wait: time.Second})
	require.NoError(t, err)
	var nacks []rest.Nack
	for i := range delivery.Events {
		nacks = append(nacks, rest.Nack{Offset: &delivery.Events[i].Offset, Action: core.NackPark, Reason: "no"})
	}
	require.NoError(t, client.Nack(ctx, "demo", "parks", delivery.Lease.ID, nacks...))
	for i := range core.DefaultPageSize + 5 {
		name := fmt.Sprintf("x-%03d", i)
		_, err := client.CreateStream(ctx, core.StreamSpec{Name: name})
		require.NoError(t, err)
		_, err = client.CreateGroup(ctx, "demo", core.GroupSpec{Name: name})
		require.NoError(t, err)
		_, err = p.admin.CreateKey(ctx, core.KindAPIKey, core.KeyRequest{Label: name, Environment: core.Live})
		require.NoError(t, err)
		_, err = p.admin.CreateKey(ctx, core.KindServiceToken, core.KeyRequest{Label: name})
		require.NoError(t, err)
		_, err = p.admin.Invite(ctx, rest.InviteRequest{Email: name + "@example.com", Role: core.RoleViewer})
		require.NoError(t, err)
	}
}
