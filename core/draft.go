package core

import "time"

// NewDraft holds an event that came in another form than EventFlow's own to
// what [DecodeEvent] asks of one, and completes it: its version is 1 where it
// has none, and its context gets the trace id of its traceparent, where there
// is room. stream is the one that the event names, or "".
//
// The payload and the context must be valid JSON, an object of strings for the
// context; they are given away. The error is an [*Error] about one field, with
// [CodeValidation], or [CodePayloadTooLarge] for a payload of more than
// [MaxEventBytes].
func NewDraft(event Event, stream string) (Draft, error) {
	texts := []struct {
		field, text string
		shortest    int
		longest     int
	}{
		{"event_type", event.Type, 1, MaxTypeLength},
		{"source", event.Source, 0, MaxSourceLength},
		{"subject", event.Subject, 0, MaxSubjectLength},
		{"idempotency_key", event.IdempotencyKey, 0, MaxIdempotencyKeyLength},
		{"stream", stream, 0, MaxStreamNameLength},
	}
	for _, t := range texts {
		if err := checkText(t.field, t.text, t.shortest, t.longest); err != nil {
			return Draft{}, err
		}
	}
	if len(event.Payload) > MaxEventBytes {
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

// checkContext holds a context to its limits and adds the trace id.
func checkContext(object []byte) ([]byte, error) {
	pairs, traceID, hasTrace := 0, "", false
	for key, value := range members(object) {
		pairs++
		if reason := contextReason(key, value); reason != "" {
			return nil, Invalid("context."+excerpt(key), reason)
		}
		hasTrace = hasTrace || says(key, "trace_id")
		if says(key, "traceparent") {
			text, _ := scalar(value)
			traceID, _ = parseTraceparent(text)
		}
	}
	switch {
	case pairs > MaxContextPairs:
		return nil, Invalid("context", "must have at most %d members, has %d", MaxContextPairs, pairs)
	case len(object) > MaxContextBytes:
		return nil, Invalid("context", "must have at most %d bytes, has %d", MaxContextBytes, len(object))
	case pairs == 0:
		return nil, nil
	}
	member := `"trace_id":"` + traceID + `"`
	if traceID == "" || hasTrace || pairs == MaxContextPairs || len(object)+len(",")+len(member) > MaxContextBytes {
		return object, nil
	}
	return extended(object, member), nil
}

// ParseTime reads a time as [DecodeEvent] reads occurred_at; field is its name
// in the error.
func ParseTime(field, text string) (time.Time, error) {
	var t time.Time
	d := decoder{scanner: scanner{data: []byte(`"` + text + `"`)}}
	if !looksLikeRFC3339([]byte(text)) || !d.time(&t) {
		return time.Time{}, Invalid(field, "must be a time as RFC 3339 has it, like 2026-01-31T09:30:00.123456Z, after 0001-01-01T00:00:00Z")
	}
	return t, nil
}
