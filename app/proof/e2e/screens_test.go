package e2e

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/app/proof/browser"
	"github.com/eventflow-go/eventflow/core"
)

// screen is an address of the dashboard, and what is seen when it is there.
type screen struct{ path, name, sees string }

// everyScreen lists all, for a program that has been furnished, or is empty but
// for its demo.
func everyScreen(full bool, found furnished) []screen {
	pick := func(whenFull, whenEmpty string) string {
		if full {
			return whenFull
		}
		return whenEmpty
	}
	screens := []screen{
		{"/", "home", "Newest events"},
		{"/streams", "streams", "Highest lag"},
		{"/streams/new", "new-stream", "Validate payloads with a schema"},
		{"/streams/demo", "stream-empty", "no events yet"},
		{"/streams/demo/events", "events-empty", "No events yet"},
		{"/streams/demo/consumers", "stream-consumers", "reader"},
		{"/streams/demo/processors", "processors-of-stream", "No processors yet"},
		{"/streams/demo/processors/new", "new-processor", "Filter and transform"},
		{"/processors", "processors", pick("to-log", "No processors yet")},
		{"/streams/demo/schema", "schema", "Save schema"},
		{"/streams/demo/quarantine", "quarantine", "Nothing in quarantine"},
		{"/streams/demo/settings", "stream-settings", "Delete stream"},
		{"/events", "all-events", pick("Offset", "No events yet")},
		{"/publish?stream=demo", "publish", "Ctrl+Enter"},
		{"/consumers", "consumers", "Oldest unread"},
		{"/consumers/demo/reader", "consumer", "Delivery settings"},
		{"/dead-letters", "dead-letters", pick("By reason", "end up here")},
		{"/sources", "sources", "No sources yet"},
		{"/settings/api-keys", "api-keys", "ef_test_…"},
		{"/settings/tokens", "tokens", pick("svc_billing", "No service tokens yet")},
		{"/settings/users", "users", adminEmail},
		{"/settings/usage", "usage", "Memory for uploads"},
		{"/settings/roles", "roles", "events:ingest"},
		{"/settings/account", "account", pick("900000 requests per minute, burst 90000", "this session")},
		{"/audit", "audit", "Actor"},
		{"/system", "system", "Configuration"},
		{"/nowhere", "not-found", "Page not found"},
		{"/dead-letters/0198c0de-7a1b-7c3d-8e4f-5a6b7c8d9e0f", "error", "Not found"},
	}
	if full {
		screens = append(screens,
			screen{"/streams/orders", "stream", "Last hour"},
			screen{"/streams/orders/events", "events", "order."},
			screen{"/streams/orders/events/3", "event", "Send again"},
			screen{"/streams/orders/events?q=type:nothing", "events-nothing-matches", "Nothing matches"},
			screen{"/streams/orders/events?live=1", "live", "Waiting for events"},
			screen{"/streams/orders/consumers", "consumers-of-stream", "billing"},
			screen{"/streams/orders/schema", "schema-set", "Save schema"},
			screen{"/processors/orders/to-log", "processor", "order.paid"},
			screen{"/processors/orders/to-log/edit", "processor-edit", "Preview"},
			screen{"/consumers/orders/billing", "consumer-behind", "View dead letters"},
			screen{"/dead-letters/" + found.letter, "dead-letter", "Attempts"},
			screen{"/streams/payments/quarantine/" + found.apart, "quarantined", "Does not fit"})
	}
	return screens
}

// furnishedEvents is how many events the stream of a furnished program has. All fit a
// page: whoever looks at every row looks at each of these many times.
const furnishedEvents = 60

// furnish gives the program what an organization in the middle of its work has,
// with names that try to break out.
func furnish(t testing.TB, p *program) furnished {
	t.Helper()
	ctx, client := t.Context(), p.client()
	for _, name := range []string{"payments", `quo"ted <b>&amp;'`, "نظام الأحداث", "🎉 emoji", strings.Repeat("long-name-", 12)} {
		_, err := client.CreateStream(ctx, core.StreamSpec{Name: name, Description: "About " + name})
		require.NoError(t, err)
	}
	_, err := client.CreateStream(ctx, core.StreamSpec{
		Name: "orders", Schema: []byte(`{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object"}`),
	})
	require.NoError(t, err)
	var events []rest.NewEvent
	for i := range furnishedEvents {
		events = append(events, rest.NewEvent{
			Type: []string{"order.placed", "order.paid", "order.shipped"}[i%3], Source: "shop", Subject: fmt.Sprint("customer-", i),
			Payload: fmt.Appendf(nil, `{"order_id":"A-%05d","amount":%d.5,"items":[{"sku":"S-1","n":2}],"note":"<img src=x onerror=alert(1)> \"quoted\" 🎉"}`, i, i),
		})
	}
	_, err = client.PublishBatch(ctx, "orders", events)
	require.NoError(t, err)
	_, err = client.CreateGroup(ctx, "orders", core.GroupSpec{Name: "billing", Mode: core.Shared})
	require.NoError(t, err)
	delivery, err := client.Poll(ctx, "orders", "billing", rest.PollOptions{Limit: 9, Wait: time.Second})
	require.NoError(t, err)
	var nacks []rest.Nack
	for i, event := range delivery.Events {
		nacks = append(nacks, rest.Nack{Offset: &event.Offset, Action: core.NackPark, Reason: []string{"card declined", "<b>timeout</b> after 30 s"}[i%2]})
	}
	require.NoError(t, client.Nack(ctx, "orders", "billing", delivery.Lease.ID, nacks...))
	_, err = client.CreateProcessor(ctx, "orders", core.ProcessorSpec{
		GroupSpec: core.GroupSpec{Name: "to-log"}, Start: &core.Start{}, Filter: "type == 'order.paid'", Destination: []byte(`{"type":"log"}`),
	})
	require.NoError(t, err)
	_, err = p.admin.CreateKey(ctx, core.KindServiceToken, core.KeyRequest{Label: "billing", Streams: []string{"orders"}})
	require.NoError(t, err)
	p.person("dev@example.com", core.RoleDeveloper)
	p.host("org", "limit", core.FirstOrganizationName, "--key", "900000/90000")
	page, err := client.DeadLettersPage(ctx, core.LetterQuery{})
	require.NoError(t, err)
	apart := core.EnforceQuarantine
	_, err = client.ChangeStream(ctx, "payments", core.StreamChange{Schema: []byte(`{"required":["amount"]}`), Enforcement: &apart}, 0)
	require.NoError(t, err)
	kept, err := client.Publish(ctx, "payments", rest.NewEvent{Type: "payment.made", Payload: []byte(`{}`)})
	require.NoError(t, err)
	return furnished{letter: page.Items[0].ID.String(), apart: kept.Quarantine.String()}
}

// furnished are the ids of a dead letter and of an event in quarantine.
type furnished struct{ letter, apart string }

// Every screen, empty and full, light and dark, is open to all: no violation of
// what a program can check of WCAG 2.2 AA, and no complaint of the browser.
func TestEveryScreenIsOpenToAll(t *testing.T) {
	t.Parallel()
	for _, full := range []bool{false, true} {
		t.Run(map[bool]string{false: "empty", true: "full"}[full], func(t *testing.T) {
			t.Parallel()
			p := start(t)
			p.setUp()
			found := furnished{}
			if full {
				found = furnish(t, p)
			}
			page := p.signInHome(adminEmail)
			page.Allow("404 (Not Found)")
			for _, s := range everyScreen(full, found) {
				page.Visit(s.path)
				page.See(s.sees)
				bothColours(page, map[bool]string{false: "empty/", true: "full/"}[full]+s.name)
			}
			inspect(page, full)
		})
	}
}

// inspect opens what opens on top of a page.
func inspect(page *browser.Page, full bool) {
	page.Dark(false)
	if !full {
		return
	}
	page.Go("/streams/orders/events")
	firstRow(page, strconv.Itoa(furnishedEvents-1))
	page.Press("j")
	page.See("Deliveries")
	page.Axe("inspector")
	page.Screenshot("full/inspector")
	page.Click("Deliveries")
	page.See("billing")
	page.Axe("deliveries")
	page.Press(browser.Escape)
	page.Gone("Deliveries")
	page.PressControl("k")
	page.Fill("Page, stream or group", "ord")
	page.Await("the stream to be chosen", "document.querySelector('.choices [aria-selected=true]')?.innerText.trim() === 'orders'")
	page.Axe("palette")
	page.Screenshot("full/palette")
	page.Press(browser.Enter)
	page.See("Last hour")
	page.Go("/consumers/orders/billing")
	page.Click("Reset offset…")
	page.See("will be read again")
	page.Axe("reset")
	page.Screenshot("full/reset")
	page.Go("/dead-letters")
	page.See("By reason")
	page.ClickOn("tbody input[type=checkbox]")
	page.See("1 selected")
	page.Axe("chosen dead letters")
	page.Click("Replay selected")
	page.See("replaying")
	page.Click("Exact or relative times")
	page.See(time.Now().Format("2006-01-"))
	page.Reload()
	page.See(time.Now().Format("2006-01-")) // it is remembered
	page.Go("/settings/api-keys")
	page.Click("New API key")
	page.See("Only these streams")
	page.Axe("new key")
	page.Screenshot("full/new-key")
}

// On a phone nothing is wider than the screen, and everything can be reached.
func TestAPhoneShowsAllOfIt(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	found := furnish(t, p)
	page := p.signInHome(adminEmail)
	page.Allow("404 (Not Found)")
	page.Size(390, 844)
	for _, s := range everyScreen(true, found) {
		page.Visit(s.path)
		page.See(s.sees)
		fitsTheScreen(t, page, s.path)
		page.Screenshot("phone/" + s.name)
	}
	page.Axe("phone")
	page.Click("More")
	page.Click("Audit trail")
	page.See("login.succeeded")
}
