package eventjson_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

func TestADraftOfAnotherFormIsThatOfADecodedEvent(t *testing.T) {
	t.Parallel()
	want, err := eventjson.DecodeEvent([]byte(`{"event_type":"a","source":"s","subject":"u","idempotency_key":"k","context":{"c":"d"},"payload":{"x": 1},"stream":"o"}`),
		eventjson.StreamInEvent)
	require.NoError(t, err)
	got, err := eventjson.NewDraft(core.Event{
		Type: "a", Source: "s", Subject: "u", IdempotencyKey: "k", Context: []byte(`{"c":"d"}`), Payload: []byte(`{"x": 1}`),
	}, "o")
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestADraftGetsItsTraceID(t *testing.T) {
	t.Parallel()
	const parent, id = `"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"`, `"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"`
	full := "{" + parent
	for i := range core.MaxContextPairs - 1 {
		full += fmt.Sprintf(`,"%d":""`, i)
	}
	for context, want := range map[string]string{
		"":                                  "",
		"{}":                                "",
		"{" + parent + "}":                  "{" + parent + "," + id + "}",
		"{" + parent + `,"trace_id":"own"}`: "{" + parent + `,"trace_id":"own"}`,
		`{"traceparent":"00-0-0-00"}`:       `{"traceparent":"00-0-0-00"}`,
		full + "}":                          full + "}",
	} {
		draft, err := eventjson.NewDraft(core.Event{Type: "a", Payload: []byte("1"), Context: []byte(context)}, "")
		require.NoError(t, err)
		require.Equal(t, want, string(draft.Event.Context))
	}
}

func TestADraftIsHeldToTheLimitsOfAnEvent(t *testing.T) {
	t.Parallel()
	many := strings.Repeat(`"a":"",`, core.MaxContextPairs) + `"a":""`
	long := strings.Repeat("ü", 256)
	for field, change := range map[string]func(*core.Event) (stream string){
		"event_type":      func(e *core.Event) string { e.Type = ""; return "" },
		"source":          func(e *core.Event) string { e.Source = long; return "" },
		"subject":         func(e *core.Event) string { e.Subject = "\xff"; return "" },
		"idempotency_key": func(e *core.Event) string { e.IdempotencyKey = "\x01"; return "" },
		"stream":          func(*core.Event) string { return long },
		"payload":         func(e *core.Event) string { e.Payload = make([]byte, core.MaxEventBytes+1); return "" },
		"context":         func(e *core.Event) string { e.Context = []byte("{" + many + "}"); return "" },
		"context.a":       func(e *core.Event) string { e.Context = []byte(`{"a":1}`); return "" },
	} {
		event := core.Event{Type: "a", Payload: []byte("1")}
		stream := change(&event)
		_, err := eventjson.NewDraft(event, stream)
		var known *core.Error
		require.ErrorAs(t, err, &known, field)
		require.Equal(t, field, known.Details[0].Field)
	}
	_, err := eventjson.NewDraft(core.Event{Type: "a", Payload: []byte("1"), Context: []byte(`{"a":"` + strings.Repeat("x", core.MaxContextBytes) + `"}`)}, "")
	require.ErrorContains(t, err, "at most 8192 bytes")
}

func TestATimeOfAnotherForm(t *testing.T) {
	t.Parallel()
	got, err := eventjson.ParseTime("time", "2026-01-02T03:04:05.1234567+01:00")
	require.NoError(t, err)
	require.Equal(t, time.Date(2026, 1, 2, 2, 4, 5, 123456000, time.UTC), got)
	for _, text := range []string{"", "now", "2026-01-02", "2026-01-02T03:04:05", `2026-01-02T03:04:05Z"`, "0001-01-01T00:00:00Z", "2026-02-30T00:00:00Z"} {
		_, err := eventjson.ParseTime("time", text)
		require.ErrorContains(t, err, "time: must be an RFC 3339 time", text)
	}
}
