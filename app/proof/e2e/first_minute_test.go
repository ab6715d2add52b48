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

// The way of a first visitor: from the link that the program printed to an event
// that was consumed, one that could not be, and its replay.
func TestTheFirstMinute(t *testing.T) {
	t.Parallel()
	p := start(t)
	page := browser.Open(t, p.base)
	page.Go(p.link)
	page.See("Create the first admin")
	require.NotContains(t, page.URL(), "#t=", "the ticket leaves the address")
	page.Fill("Email", adminEmail)
	page.Fill("Name", "Ann")
	page.Fill("Password", "weak")
	page.Click("Create account")
	page.See("Must have")
	page.Fill("Password", password)
	page.Click("Create account")
	page.See("First steps")

	page.Click("Streams")
	page.Click("New stream")
	page.Fill("Name", "orders")
	page.Click("Validate payloads with a schema")
	page.Fill("Sample payload", `{"amount":12.5}`)
	page.Click("Generate schema")
	page.Click("Create stream")
	page.See("Next offset")
	require.Equal(t, "/streams/orders", page.URL())

	publish(t, page)
	live(t, p, page)
	consume(t, p, page)
	replay(t, p, page)
}

// publish sends an event by hand, after one that the schema refuses.
func publish(t *testing.T, page *browser.Page) {
	t.Helper()
	page.Allow("400 (Bad Request)")
	page.Go("/publish?stream=orders")
	page.Fill("Type", "order.paid")
	page.Fill("Payload", `{"amount":"much"}`)
	page.Click("Publish")
	page.See("payload.amount")
	page.Fill("Payload", `{"amount":12.5}`)
	page.PressControl(browser.Enter)
	page.See("Stored at offset 0")
}

// live sees an event arrive.
func live(t *testing.T, p *program, page *browser.Page) {
	t.Helper()
	page.Go("/streams/orders/events?live=1")
	page.See("Waiting for events")
	for i := range 3 {
		_, err := p.client().Publish(t.Context(), "orders", rest.NewEvent{Type: "order.live", Payload: fmt.Appendf(nil, `{"amount":%d}`, i)})
		require.NoError(t, err)
	}
	page.See("order.live")
	page.See("3 events")
	page.Click("Pause")
	_, err := p.client().Publish(t.Context(), "orders", rest.NewEvent{Type: "order.paused", Payload: []byte(`{"amount":1}`)})
	require.NoError(t, err)
	page.See("1 new")
	require.False(t, page.Shows("order.paused"))
	page.Click("Resume")
	page.See("order.paused")
}

// consume makes a group in the dashboard and reads as it, while its page shows
// how the lag falls.
func consume(t *testing.T, p *program, page *browser.Page) {
	t.Helper()
	page.Go("/streams/orders/consumers")
	page.Click("New group")
	page.Fill("Name", "billing")
	page.Click("Create group")
	page.Click("billing")
	page.See("Reset offset")
	page.Await("a lag of 5", `document.querySelector('.tile-value')?.innerText === "5"`)
	delivery, err := p.client().Poll(t.Context(), "orders", "billing", rest.PollOptions{Limit: 4, Wait: time.Second})
	require.NoError(t, err)
	require.Len(t, delivery.Events, 4)
	_, err = p.client().Commit(t.Context(), "orders", "billing", rest.CommitRequest{Offset: new(core.Offset(3))})
	require.NoError(t, err)
	page.Await("a lag of 1", `document.querySelector('.tile-value')?.innerText === "1"`)
}

// replay finds a dead letter, and gives it back.
func replay(t *testing.T, p *program, page *browser.Page) {
	t.Helper()
	delivery, err := p.client().Poll(t.Context(), "orders", "billing", rest.PollOptions{Limit: 1, Wait: time.Second})
	require.NoError(t, err)
	event := delivery.Events[0]
	require.NoError(t, p.client().Nack(t.Context(), "orders", "billing", delivery.Lease.ID, rest.Nack{Offset: &event.Offset, Action: core.NackPark, Reason: "card declined"}))
	page.Click("Dead letters")
	page.See("card declined")
	page.Click("Replay all matching…")
	page.Click("Replay 1")
	page.See("Replay finished: 1 of 1 replayed")
	again, err := p.client().Poll(t.Context(), "orders", "billing", rest.PollOptions{Limit: 1, Wait: 10 * time.Second})
	require.NoError(t, err)
	require.Len(t, again.Events, 1)
	require.Equal(t, event.Payload, again.Events[0].Payload)
	require.NoError(t, p.client().Ack(t.Context(), "orders", "billing", again.Lease.ID, again.Events[0].Offset))
	page.Reload()
	page.See("end up here")
}
