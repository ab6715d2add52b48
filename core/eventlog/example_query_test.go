package eventlog_test

import (
	"context"
	"fmt"

	"github.com/eventflow-go/eventflow/core"
)

// How do I read a stream page by page? Each page has the cursor of the next one,
// which stays valid while events arrive.
func ExampleQuery_Events() {
	e := openEmbedded()
	defer e.close()
	must(e.streams.Create(context.Background(), ann, core.StreamSpec{Name: "orders"}))
	for total := range 5 {
		must(e.send("orders", fmt.Sprintf(`{"event_type": "order.paid", "payload": {"total": %d}}`, total)))
	}

	query := core.EventQuery{Limit: 2}
	for {
		page := must(e.query.Events(context.Background(), ann, "orders", query))
		for _, event := range page.Items {
			fmt.Println(event.Offset, string(event.Payload))
		}
		fmt.Println("more:", page.HasMore)
		if !page.HasMore {
			break
		}
		query.Cursor = page.NextCursor
	}
	// Output:
	// 0 {"total": 0}
	// 1 {"total": 1}
	// more: true
	// 2 {"total": 2}
	// 3 {"total": 3}
	// more: true
	// 4 {"total": 4}
	// more: false
}

// How do I find events by what is in their payloads? A path names keys and indexes,
// and the value is compared as text.
func ExampleQuery_Events_payload() {
	e := openEmbedded()
	defer e.close()
	must(e.streams.Create(context.Background(), ann, core.StreamSpec{Name: "orders"}))
	must(e.send("orders", `{"event_type": "order.paid", "payload": {"customer": {"plan": "pro"}, "total": 12}}`))
	must(e.send("orders", `{"event_type": "order.paid", "payload": {"customer": {"plan": "free"}, "total": 3}}`))
	must(e.send("orders", `{"event_type": "order.sent", "payload": {"customer": {"plan": "pro"}}}`))

	page := must(e.query.Events(context.Background(), ann, "orders", core.EventQuery{
		Filter:  core.Filter{Type: "order.paid"},
		Payload: []core.PayloadMatch{{Path: "customer.plan", Value: "pro"}},
	}))
	for _, event := range page.Items {
		fmt.Println(event.Offset, string(event.Payload))
	}
	// Output:
	// 0 {"customer": {"plan": "pro"}, "total": 12}
}
