package eventjson_test

import (
	"errors"
	"fmt"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// What is wrong with this event? The error names the field. A misspelt field is
// refused, too, because dropping it in silence would lose data.
func ExampleDecodeEvent() {
	draft, err := eventjson.DecodeEvent([]byte(`{"event_type": "order.paid", "payload": {"total": 12.50}}`), eventjson.StreamInPath)
	fmt.Println(draft.Event.Type, string(draft.Event.Payload), err)

	_, err = eventjson.DecodeEvent([]byte(`{"event_type": "order.paid", "payloda": {"total": 12.50}}`), eventjson.StreamInPath)
	if refused, ok := errors.AsType[*core.Error](err); ok {
		fmt.Println(refused.Code, refused.Details[0].Field, "|", refused.Details[0].Reason)
	}
	// Output:
	// order.paid {"total": 12.50} <nil>
	// VALIDATION_ERROR payloda | is not a field of an event at byte 29
}

// How do I read a batch in which some events may be bad? Each draft has an error of
// its own, and the others are taken.
func ExampleDecodeArray() {
	drafts, err := eventjson.DecodeArray([]byte(`[
		{"event_type": "order.paid", "payload": 1},
		{"event_type": "order.paid"},
		{"event_type": "order.paid", "payload": 3}
	]`), eventjson.StreamInPath)
	fmt.Println(len(drafts), err)
	for _, draft := range drafts {
		fmt.Printf("%q %v\n", draft.Event.Payload, draft.Err)
	}
	// Output:
	// 3 <nil>
	// "1" <nil>
	// "" VALIDATION_ERROR: events[1].payload: is required
	// "3" <nil>
}

// Would PostgreSQL, SQLite and every other store read this JSON alike? encoding/json
// takes the last of two equal keys; others take the first.
func ExampleValidJSON() {
	fmt.Println(eventjson.ValidJSON([]byte(`{"user": {"tags": ["a", "b"]}}`)))
	fmt.Println(eventjson.ValidJSON([]byte(`{"user": {"name": "ann", "n\u0061me": "bob"}}`)))
	// Output:
	// <nil>
	// VALIDATION_ERROR: user.n\u0061me: is given twice at byte 25
}
