package eventjson

import (
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// NewDraft makes a draft of an event that came in another format than EventFlow's
// own. It applies the rules of [DecodeEvent] and completes the event: without a
// version it gets version 1, and its context gets the trace id of its traceparent,
// when there is room. stream is the stream that the event names, or "".
//
// The payload and the context must be valid JSON, the context an object of strings.
// The caller gives them away. The error is an [*core.Error] about one field, with
// [core.CodeValidation], or with [core.CodePayloadTooLarge] for a payload of more
// than [core.MaxEventBytes].
func NewDraft(event core.Event, stream string) (Draft, error) {
	texts := []struct {
		field, text string
		shortest    int
		longest     int
	}{
		{"event_type", event.Type, 1, core.MaxTypeLength},
		{"source", event.Source, 0, core.MaxSourceLength},
		{"subject", event.Subject, 0, core.MaxSubjectLength},
		{"idempotency_key", event.IdempotencyKey, 0, core.MaxIdempotencyKeyLength},
		{"stream", stream, 0, core.MaxStreamNameLength},
	}
	for _, t := range texts {
		if err := core.CheckText(t.field, t.text, t.shortest, t.longest); err != nil {
			return Draft{}, err
		}
	}
	if len(event.Payload) > core.MaxEventBytes {
		return Draft{}, eventTooLarge("payload", len(event.Payload))
	}
	traced, err := checkContext(event.Context)
	if err != nil {
		return Draft{}, err
	}
	event.Context = traced
	event.Version = max(event.Version, 1)
	draft := Draft{Stream: stream, Event: event}
	draft.sign()
	return draft, nil
}

// checkContext refuses a context that is outside its limits, and adds the trace id.
func checkContext(object []byte) ([]byte, error) {
	pairs, traceID, hasTrace := 0, "", false
	for key, value := range members(object) {
		pairs++
		if reason := contextReason(key, value); reason != "" {
			return nil, core.Invalid("context."+excerpt(key), reason)
		}
		hasTrace = hasTrace || says(key, "trace_id")
		if says(key, "traceparent") {
			text, _ := scalar(value)
			traceID, _ = parseTraceparent(text)
		}
	}
	switch {
	case pairs > core.MaxContextPairs:
		return nil, core.Invalid("context", "must have at most %d members, has %d", core.MaxContextPairs, pairs)
	case len(object) > core.MaxContextBytes:
		return nil, core.Invalid("context", "must have at most %d bytes, has %d", core.MaxContextBytes, len(object))
	case pairs == 0:
		return nil, nil
	}
	member := `"trace_id":"` + traceID + `"`
	if traceID == "" || hasTrace || pairs == core.MaxContextPairs || len(object)+len(",")+len(member) > core.MaxContextBytes {
		return object, nil
	}
	return extended(object, member), nil
}

// ParseTime reads a time as [DecodeEvent] reads occurred_at; field is its name
// in the error.
func ParseTime(field, text string) (time.Time, error) {
	var t time.Time
	d := decoder{scanner: scanner{data: []byte(`"` + text + `"`)}}
	if _, ok := core.ParseTime(text); !ok || !d.time(&t) {
		return time.Time{}, core.Invalid(field, "must be an RFC 3339 time, like 2026-01-31T09:30:00.123456Z, after 0001-01-01T00:00:00Z")
	}
	return t, nil
}
