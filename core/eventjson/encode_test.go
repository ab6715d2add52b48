package eventjson_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// The hand-written JSON has the names of [core.Event], and payloads as they were sent.
func TestAnEventIsWrittenAsItsFieldsSay(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 29, 1, 2, 3, 40000, time.UTC)
	whole := core.Event{
		ID: core.RandomID(at), Stream: core.RandomID(at), Offset: 1 << 40, Type: "order \"paid\" \\ ü", Version: 3,
		OccurredAt: at, ReceivedAt: at.Add(time.Second), Source: "<shop>", Subject: "\u2028", Payload: json.RawMessage(`{ "a" : 1.00 }`),
		Context: json.RawMessage(`{"trace_id":"1"}`), APIKeyID: core.RandomID(at), IdempotencyKey: "k/1",
	}
	bare := core.Event{ID: whole.ID, Stream: whole.Stream, Type: "a", Version: 1, OccurredAt: at, ReceivedAt: at, Payload: json.RawMessage(`null`)}
	for _, event := range []core.Event{whole, bare} {
		text := eventjson.AppendEvent([]byte("x"), &event)
		expected, err := json.Marshal(event)
		require.NoError(t, err)
		require.JSONEq(t, string(expected), string(text[1:]))
		require.Contains(t, string(text), `"payload":`+string(event.Payload))
	}
}
