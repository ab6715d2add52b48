package eventjson_test

import (
	"fmt"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// How do I take in events of another format? Fill in an event, and NewDraft applies
// the rules of DecodeEvent to it.
func ExampleNewDraft() {
	event := core.Event{Type: "order.paid", Payload: []byte(`{"total": 12.50}`), IdempotencyKey: "order-1-paid"}
	draft, err := eventjson.NewDraft(event, "orders")
	fmt.Println(draft.Stream, draft.Event.Type, draft.Event.Version, err)

	event.Type = ""
	_, err = eventjson.NewDraft(event, "orders")
	fmt.Println(err)
	// Output:
	// orders order.paid 1 <nil>
	// VALIDATION_ERROR: event_type: must have 1 to 255 characters, has 0
}
