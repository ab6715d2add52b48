package eventlog_test

import (
	"context"
	"fmt"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// How do I make a stream and store an event in it? Event returns when the event is
// durable. The stream's schema says which payloads it takes.
func ExampleIngest_Event() {
	e := openEmbedded()
	defer e.close()
	schema := []byte(`{"type": "object", "required": ["total"]}`)
	stream := must(e.streams.Create(context.Background(), ann, core.StreamSpec{Name: "orders", Schema: schema}))
	fmt.Println(stream.Name, stream.RetentionDays)

	receipt, err := e.send("orders", `{"event_type": "order.paid", "payload": {"total": 12.50}}`)
	fmt.Println(receipt.Status, receipt.Offset, err)
	_, err = e.send("orders", `{"event_type": "order.paid", "payload": {}}`)
	fmt.Println(core.CodeOf(err))
	// Output:
	// orders 90
	// ACCEPTED 0 <nil>
	// SCHEMA_MISMATCH
}

// Is it safe to send an event again? With an idempotency key it is: the second
// receipt is the first one's. Another event under the same key is refused.
func ExampleIngest_Event_idempotencyKey() {
	e := openEmbedded()
	defer e.close()
	must(e.streams.Create(context.Background(), ann, core.StreamSpec{Name: "orders"}))

	const event = `{"event_type": "order.paid", "payload": %d, "idempotency_key": "order-1-paid"}`
	for _, total := range []int{12, 12, 99} {
		receipt, err := e.send("orders", fmt.Sprintf(event, total))
		fmt.Println(receipt.Offset, receipt.Duplicate, err)
	}
	// Output:
	// 0 false <nil>
	// 0 true <nil>
	// 0 false IDEMPOTENCY_MISMATCH: this idempotency key was used before for another event; use a new key for a new event
}

// How do I store many events at once? Batch answers each one, in order.
func ExampleIngest_Batch() {
	e := openEmbedded()
	defer e.close()
	must(e.streams.Create(context.Background(), ann, core.StreamSpec{Name: "orders"}))

	drafts := must(eventjson.DecodeLines([]byte(`{"event_type": "order.paid", "payload": 1}
{"event_type": "order.paid"}
{"event_type": "order.paid", "payload": 3}
`), eventjson.StreamInPath))
	items := must(e.ingest.Batch(context.Background(), ann, "orders", drafts))
	for _, item := range items {
		fmt.Printf("%q %d %v\n", item.Receipt.Status, item.Receipt.Offset, item.Err)
	}
	// Output:
	// "ACCEPTED" 0 <nil>
	// "" 0 VALIDATION_ERROR: events[1].payload: is required
	// "ACCEPTED" 1 <nil>
}
