package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// A processor is written against the events that are there, delivers, sends again what
// it has sent, and stops when it is told to.
func TestAProcessorIsMadeWatchedAndPaused(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	client := p.client()
	_, err := client.CreateStream(t.Context(), core.StreamSpec{Name: "orders"})
	require.NoError(t, err)
	publish := func(kind, payload string) {
		_, err := client.Publish(t.Context(), "orders", rest.NewEvent{Type: kind, Payload: []byte(payload)})
		require.NoError(t, err)
	}
	publish("order.placed", `{"order_id":"A-1","amount":5}`)
	publish("order.paid", `{"order_id":"A-2","amount":7}`)

	page := p.signIn(adminEmail)
	page.Allow("400 (Bad Request)") // a filter that is half written
	page.Go("/streams/orders/processors")
	page.See("No processors yet")
	page.Axe("no processors")
	page.Click("New processor")
	page.See("2 of 2 events would be delivered.")
	page.Fill("Name", "paid-orders")
	page.Fill("Filter (CEL)", "type == ")
	page.See("column")
	require.Equal(t, 1, page.Count(".marked"))
	page.Axe("a filter that cannot be read")
	page.Fill("Filter (CEL)", "type == 'order.paid'")
	page.See("1 of 2 events would be delivered.")
	page.Fill("Transform (jq)", ".payload |= {number: .order_id}")
	page.See("number")
	page.Choose("Type", "Log: this server's log, to try things out")
	page.Choose("Start from", "Oldest event")
	page.Axe("editor")
	page.Screenshot("full/processor-editor")
	page.Click("Create processor")
	page.See("Processor paid-orders saved.")
	page.Await("the delivery", "document.querySelectorAll('[aria-label=Deliveries] tbody tr').length === 1")
	page.See("order.paid #1")
	page.Axe("processor")
	page.Screenshot("full/processor")
	page.Click("Resend order.paid 1")
	page.Await("the second delivery", "document.querySelectorAll('[aria-label=Deliveries] tbody tr').length === 2")
	page.Click("Pause")
	page.See("Paused. Events wait")
	p.inForce()
	publish("order.paid", `{"order_id":"A-3","amount":9}`)
	page.Click("Send test event")
	page.See("Test event")
	found, err := client.Processor(t.Context(), "orders", "paid-orders")
	require.NoError(t, err)
	require.Equal(t, core.ProcessorPaused, found.State)
	require.Equal(t, int64(1), found.Status.Lag, "what came while it was paused waits")

	page.Go("/streams/orders/consumers")
	page.Click("paid-orders")
	page.See("Resume")
	page.Click("Edit")
	page.See("2 of 3")
	page.Fill("Filter (CEL)", "true")
	page.See("3 of 3 events would be delivered.")
	page.Click("Save changes")
	page.See("Processor paid-orders saved.")
	page.Size(390, 844)
	for _, path := range []string{"/processors", "/processors/orders/paid-orders", "/processors/orders/paid-orders/edit"} {
		page.Visit(path)
		page.See("paid-orders")
		fitsTheScreen(t, page, path)
	}
	page.Visit("/processors/orders/paid-orders")
	page.Click("Delete…")
	page.Fill("Type the processor name to confirm", "paid-orders")
	page.Click("Delete processor")
	page.See("No processors yet")
}
