package rest

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnEventIsSentWithItsPayloadByteForByte(t *testing.T) {
	t.Parallel()
	body, err := appendEvents(nil, []NewEvent{
		{Type: "a", Payload: json.RawMessage(` { "price": 1.50, "html": "<b>" } `), Context: map[string]string{"k": "v"}, IdempotencyKey: "x"},
		{Type: "no payload"},
		{Payload: json.RawMessage(`1`)},
	})
	require.NoError(t, err)
	require.Equal(t, `[{"event_type":"a","context":{"k":"v"},"idempotency_key":"x","payload": { "price": 1.50, "html": "<b>" } },{"event_type":"no payload"},{"payload":1}]`, string(body))
}
