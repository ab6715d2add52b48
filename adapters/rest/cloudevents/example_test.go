package cloudevents_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/eventflow-go/eventflow/adapters/rest/cloudevents"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// A CloudEvent in structured mode becomes the draft of an event. Its source and
// its id together are the idempotency key.
func ExampleDecode() {
	draft, err := cloudevents.Decode([]byte(`{
		"specversion": "1.0", "id": "a-1", "source": "/shop", "type": "order.paid",
		"time": "2026-01-02T03:04:05Z", "data": {"amount": 12.50}
	}`), eventjson.StreamInPath)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(draft.Event.Type, draft.Event.IdempotencyKey, string(draft.Event.Payload))

	_, err = cloudevents.Decode([]byte(`{"specversion": "1.0", "id": "a-1", "type": "order.paid"}`), eventjson.StreamInPath)
	fmt.Println(err)
	// Output:
	// order.paid /shop#a-1 {"amount": 12.50}
	// VALIDATION_ERROR: source: is required
}

// In binary mode the attributes are headers, and the body is the data.
func ExampleReadHeaders() {
	headers := map[string]string{"ce-specversion": "1.0", "ce-id": "a-1", "ce-source": "/shop", "ce-type": "order.paid", "Accept": "*/*"}
	event, err := cloudevents.ReadHeaders(func(yield func(name, value []byte) bool) {
		for name, value := range maps.All(headers) {
			if !yield([]byte(name), []byte(value)) {
				return
			}
		}
	}, "text/plain")
	if err != nil {
		fmt.Println(err)
		return
	}
	draft, err := event.Draft([]byte("paid in cash"), eventjson.StreamInPath)
	fmt.Println(draft.Event.Type, string(draft.Event.Payload), err)
	// Output:
	// order.paid "paid in cash" <nil>
}

// Every stored event can go out as a CloudEvent, however it came.
func ExampleAppend() {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	event := core.Event{
		ID: core.ID{1}, Offset: 7, Type: "order.paid", Source: "shop 1", OccurredAt: at, ReceivedAt: at,
		Payload: json.RawMessage(`{"amount": 12.50}`), Context: json.RawMessage(`{"correlation_id":"c-1"}`),
	}
	var members map[string]any
	if err := json.Unmarshal(cloudevents.Append(nil, &event), &members); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(members["type"], members["source"], members["correlationid"], members["eventflowoffset"], members["data"])
	// Output:
	// order.paid shop%201 c-1 7 map[amount:12.5]
}
