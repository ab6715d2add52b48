package eventjson_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

func TestDecodeEventReadsEveryField(t *testing.T) {
	t.Parallel()
	draft, err := eventjson.DecodeEvent([]byte(` {
		"event_type": "order.\u0070aid", "event_version": 2147483647, "occurred_at": "2026-01-31T11:30:00.123456789+02:00",
		"source": "Zürich", "subject": "😀", "payload": {"a" : [1.50, 1E3]} , "context": {"trace_id": "t\u00e9", "x":""},
		"idempotency_key": "k 1", "stream": "orders" } `), eventjson.StreamInEvent)
	require.NoError(t, err)
	require.NotZero(t, draft.Fingerprint)
	require.Equal(t, eventjson.Draft{
		Stream: "orders",
		Event: core.Event{
			Type: "order.paid", Version: 2147483647, OccurredAt: time.Date(2026, 1, 31, 9, 30, 0, 123456000, time.UTC),
			Source: "Zürich", Subject: "😀", Payload: json.RawMessage(`{"a" : [1.50, 1E3]}`),
			Context: json.RawMessage(`{"trace_id": "t\u00e9", "x":""}`), IdempotencyKey: "k 1",
		},
		Fingerprint: draft.Fingerprint,
	}, draft)
}

func TestDecodeEventDefaults(t *testing.T) {
	t.Parallel()
	want := eventjson.Draft{Event: core.Event{Type: "a", Version: 1, Payload: json.RawMessage(`null`)}}
	for _, body := range []string{
		`{"event_type":"a","payload":null}`,
		`{"payload":null,"event_type":"a","event_version":null,"occurred_at":null,"source":null,"subject":null,"context":null,"idempotency_key":null}`,
		`{"event_type":"a","payload":null,"context":{ }}`,
		`{"event\u005ftype":"a","payload":null}`,
	} {
		draft, err := eventjson.DecodeEvent([]byte(body), eventjson.StreamInPath)
		require.NoError(t, err, body)
		require.Equal(t, want, draft, body)
	}
	draft, err := eventjson.DecodeEvent([]byte(`{"event_type":"a","payload":1,"stream":null}`), eventjson.StreamInEvent)
	require.NoError(t, err)
	require.Empty(t, draft.Stream)
}

func TestDecodeEventTakesTheLimits(t *testing.T) {
	t.Parallel()
	wide := strings.Repeat("é", 255)
	pairs := make([]string, 32)
	for i := range pairs {
		pairs[i] = fmt.Sprintf(`"%0128d":"v"`, i)
	}
	for _, member := range []string{
		`"source":"` + wide + `"`,
		`"subject":"` + wide + `"`,
		`"idempotency_key":"` + strings.Repeat(`\u00e9`, 255) + `"`,
		`"event_version":1`,
		`"occurred_at":"0001-01-01T00:00:00.000001Z"`,
		`"occurred_at":"9999-12-31T23:59:59.999999999Z"`,
		`"occurred_at":"2024-02-29T23:59:59-23:59"`,
		`"occurred_at":"2026-01-31t09:30:00z"`,
		`"occurred_at":"2016-12-31T23:59:60Z"`,
		`"context":{` + strings.Join(pairs, ",") + `}`,
		`"context":{"a":"` + strings.Repeat("x", core.MaxContextBytes-len(`{"a":""}`)) + `"}`,
		`"context":{"trace_id":"line\nfeed"}`,
	} {
		_, err := eventjson.DecodeEvent([]byte(`{"event_type":"`+wide+`","payload":`+nested(64)+`,`+member+`}`), eventjson.StreamInPath)
		require.NoError(t, err, member)
	}
	_, err := eventjson.DecodeEvent(eventOfSize(core.MaxEventBytes), eventjson.StreamInPath)
	require.NoError(t, err)
}

func nested(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }

// eventOfSize returns a good event of as many bytes.
func eventOfSize(size int) []byte {
	const head, tail = `{"event_type":"a","payload":"`, `"}`
	return []byte(head + strings.Repeat("x", size-len(head)-len(tail)) + tail)
}

func TestDecodeEventRefusesFields(t *testing.T) {
	t.Parallel()
	const (
		badVersion = "must be an integer from 1 to 2147483647 at byte"
		badTime    = "must be an RFC 3339 time, like 2026-01-31T09:30:00.123456Z at byte"
		outOfRange = "must be after 0001-01-01T00:00:00Z and before the year 10000 in UTC at byte"
		badKey     = "must have a key of 1 to 128 characters without control characters at byte"
	)
	pairs := make([]string, 33)
	for i := range pairs {
		pairs[i] = fmt.Sprintf(`"k%d":"v"`, i)
	}
	for _, tt := range []struct{ member, field, reason string }{
		{`"source":1`, "source", "must be a string at byte 41"},
		{`"source":""`, "source", "must have 1 to 255 characters, has 0 at byte 41"},
		{`"source":"` + strings.Repeat("é", 256) + `"`, "source", "must have 1 to 255 characters, has 256 at byte 41"},
		{`"subject":["x"]`, "subject", "must be a string at byte"},
		{`"subject":"a\nb"`, "subject", "must not contain control characters at byte"},
		{`"subject":"a\u0085b"`, "subject", "must not contain control characters at byte"},
		{"\"subject\":\"\x7f\"", "subject", "must not contain control characters at byte"},
		{`"idempotency_key":""`, "idempotency_key", "must have 1 to 255 characters, has 0 at byte"},
		{`"idempotency_key":true`, "idempotency_key", "must be a string at byte"},
		{`"event_version":0`, "event_version", badVersion},
		{`"event_version":-1`, "event_version", badVersion},
		{`"event_version":1.0`, "event_version", badVersion},
		{`"event_version":1e3`, "event_version", badVersion},
		{`"event_version":"1"`, "event_version", badVersion},
		{`"event_version":2147483648`, "event_version", badVersion},
		{`"event_version":99999999999999999999`, "event_version", badVersion},
		{`"event_version":01`, "event_version", "has a malformed number at byte"},
		{`"occurred_at":1769850600`, "occurred_at", badTime},
		{`"occurred_at":""`, "occurred_at", badTime},
		{`"occurred_at":"yesterday"`, "occurred_at", badTime},
		{`"occurred_at":"2026-01-31"`, "occurred_at", badTime},
		{`"occurred_at":"2026-01-31T09:30:00"`, "occurred_at", badTime},
		{`"occurred_at":"2026-01-31 09:30:00Z"`, "occurred_at", badTime},
		{`"occurred_at":"2026-01-31T9:30:00Z"`, "occurred_at", badTime},
		{`"occurred_at":"2026-01-31T09:30:00,5Z"`, "occurred_at", badTime},
		{`"occurred_at":"2026-02-29T09:30:00Z"`, "occurred_at", badTime},
		{`"occurred_at":"2026-01-31T09:30:00+24:00"`, "occurred_at", badTime},
		{`"occurred_at":"10000-01-01T00:00:00Z"`, "occurred_at", badTime},
		{`"occurred_at":"0001-01-01T00:00:00Z"`, "occurred_at", outOfRange},
		{`"occurred_at":"0001-01-01T00:00:00+01:00"`, "occurred_at", outOfRange},
		{`"occurred_at":"0000-12-31T00:00:00Z"`, "occurred_at", outOfRange},
		{`"occurred_at":"9999-12-31T23:59:59-01:00"`, "occurred_at", outOfRange},
		{`"context":"x"`, "context", "must be an object whose values are strings at byte"},
		{`"context":["x"]`, "context", "must be an object whose values are strings at byte"},
		{`"context":{"a":"x","b":1}`, "context.b", "must be a string at byte 55"},
		{`"context":{"a":null}`, "context.a", "must be a string at byte"},
		{`"context":{"a":{"b":"x"}}`, "context.a", "must be a string at byte"},
		{`"context":{"a":"x","a":"y"}`, "context.a", "is given twice at byte"},
		{`"context":{"":"x"}`, "context.", badKey},
		{`"context":{"` + strings.Repeat("k", 129) + `":"x"}`, "context." + strings.Repeat("k", 64) + "…", badKey},
		{`"context":{"a\n":"x"}`, `context.a\n`, badKey},
		{`"context":{` + strings.Join(pairs, ",") + `}`, "context", "must have at most 32 members, has 33 at byte"},
		{`"context":{"a":"` + strings.Repeat("x", core.MaxContextBytes) + `"}`, "context", "must have at most 8192 bytes, has 8200 at byte"},
		{`"stream":"orders"`, "stream", "is not allowed here: the path names the stream at byte"},
		{`"event_id":"x"`, "event_id", "is set by the server at byte 32"},
		{`"offset":1`, "offset", "is set by the server at byte"},
		{`"received_at":null`, "received_at", "is set by the server at byte"},
		{`"api_key_id":"x"`, "api_key_id", "is set by the server at byte"},
		{`"stream_id":"x"`, "stream_id", "is set by the server at byte"},
		{`"Source":"x"`, "Source", "is not a field of an event at byte"},
		{`"extra":null`, "extra", "is not a field of an event at byte"},
		{`"payload":2`, "payload", "is given twice at byte"},
		{`"payl\u006fad":2`, "payload", "is given twice at byte"},
		{`"source":"x","source":null`, "source", "is given twice at byte"},
		{`"source":null,"source":"x"`, "source", "is given twice at byte"},
		{`"source":nullx`, "body", "needs a comma or } at byte"},
		{`"source":"\ud800"`, "source", "has half of a surrogate pair at byte"},
	} {
		_, err := eventjson.DecodeEvent([]byte(`{"event_type":"a","payload":1,  `+tt.member+`}`), eventjson.StreamInPath)
		require.Error(t, err, tt.member)
		requireInvalidPrefix(t, err, tt.field, tt.reason)
	}
}

// requireInvalidPrefix holds err to a validation error about one field, for a
// reason that begins as given.
func requireInvalidPrefix(t *testing.T, err error, field, reason string) {
	t.Helper()
	var known *core.Error
	require.ErrorAs(t, err, &known, field)
	require.Equal(t, core.CodeValidation, known.Code)
	require.Len(t, known.Details, 1)
	require.Equal(t, field, known.Details[0].Field)
	require.Truef(t, strings.HasPrefix(known.Details[0].Reason, reason), "%s: %s", field, known.Details[0].Reason)
}

func TestDecodeEventRefusesEvents(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ body, field, reason string }{
		{``, "body", "is empty"},
		{`[]`, "body", "must be a JSON object at byte 0"},
		{`null`, "body", "must be a JSON object"},
		{`"{}"`, "body", "must be a JSON object"},
		{"\ufeff{}", "body", "must not begin with a byte order mark"},
		{`{"event_type":"a"}`, "payload", "is required"},
		{`{"payload":1}`, "event_type", "is required"},
		{`{"event_type":null,"payload":1}`, "event_type", "must be a string at byte 14"},
		{`{"event_type":1,"payload":1}`, "event_type", "must be a string"},
		{`{"event_type":"","payload":1}`, "event_type", "must have 1 to 255 characters, has 0"},
		{`{"event_type":"` + strings.Repeat("a", 256) + `","payload":1}`, "event_type", "must have 1 to 255 characters, has 256"},
		{`{"event_type":"a","payload":}`, "payload", "needs a value at byte 28"},
		{`{"event_type":"a","payload":{"user":{"tags":[0,1,2,'x']}}}`, "payload.user.tags[3]", "needs a value at byte 51"},
		{`{"event_type":"a","payload":[{"b":1,"b":2}]}`, "payload[0].b", "is given twice at byte 36"},
		{`{"event_type":"a","payload":` + nested(65) + `}`, "payload" + strings.Repeat("[0]", 64), "is nested more than 64 levels deep"},
		{`{"event_type":"a","payload":1}{}`, "body", "has more text after its end at byte 30"},
		{`{"event_type":"a","payload":1`, "body", "needs a comma or } at byte 29"},
		{`{"event_type":"a","payload":"x`, "payload", "has an unterminated string"},
	} {
		_, err := eventjson.DecodeEvent([]byte(tt.body), eventjson.StreamInEvent)
		requireInvalidPrefix(t, err, tt.field, tt.reason)
	}
}

func TestDecodeEventNamesAllMissingFields(t *testing.T) {
	t.Parallel()
	_, err := eventjson.DecodeEvent([]byte(`{}`), eventjson.StreamInPath)
	requireInvalid(t, err, core.Detail{Field: "event_type", Reason: "is required"}, core.Detail{Field: "payload", Reason: "is required"})
	require.EqualError(t, err, "VALIDATION_ERROR: event_type, payload: is required")
}

func TestDecodeEventRefusesTooLargeEvents(t *testing.T) {
	t.Parallel()
	_, err := eventjson.DecodeEvent(eventOfSize(core.MaxEventBytes+1), eventjson.StreamInPath)
	require.Equal(t, core.CodePayloadTooLarge, core.CodeOf(err))
}

func TestDecodeEventKeepsNoStringOfTheBody(t *testing.T) {
	t.Parallel()
	body := []byte(`{"event_type":"order.paid","payload":1,"source":"shop","subject":"s","idempotency_key":"k","stream":"orders"}`)
	draft, err := eventjson.DecodeEvent(body, eventjson.StreamInEvent)
	require.NoError(t, err)
	for i := range body {
		body[i] = 'X'
	}
	require.Equal(t, []string{"order.paid", "shop", "s", "k", "orders"},
		[]string{draft.Event.Type, draft.Event.Source, draft.Event.Subject, draft.Event.IdempotencyKey, draft.Stream})
}

func TestDecodeEventKeepsThePayloadVerbatim(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		payload := jsonText(4).Draw(t, "payload")
		eventType := rapid.StringMatching(`[a-z"\\é😀]{1,20}`).Draw(t, "type")
		text := gap(t) + "{" + gap(t) + `"payload"` + gap(t) + ":" + gap(t) + payload + gap(t) + "," + gap(t) +
			`"event_type":` + jsonString(t, eventType) + gap(t) + "}" + gap(t)
		body := []byte(text)
		draft, err := eventjson.DecodeEvent(body, eventjson.StreamInPath)
		require.NoError(t, err)
		require.Equal(t, eventType, draft.Event.Type)
		require.Equal(t, payload, string(draft.Event.Payload))
		_ = append(draft.Event.Payload, "overwritten"...)
		require.Equal(t, text, string(body), "an append to the payload runs into the rest of the body")
	})
}

func TestFingerprintIgnoresInsignificantWhiteSpaceOnly(t *testing.T) {
	t.Parallel()
	of := func(payload string) core.Fingerprint {
		draft, err := eventjson.DecodeEvent([]byte(`{"event_type":"a","idempotency_key":"k","payload":`+payload+`}`), eventjson.StreamInPath)
		require.NoError(t, err)
		return draft.Fingerprint
	}
	rapid.Check(t, func(t *rapid.T) {
		payload := jsonText(3).Draw(t, "payload")
		var compact bytes.Buffer
		require.NoError(t, json.Compact(&compact, []byte(payload)))
		require.Equal(t, of(compact.String()), of(payload))
	})
	distinct := map[core.Fingerprint]string{}
	for _, payload := range []string{`"ab"`, `"a b"`, `"a  b"`, `" ab"`, `[1,2]`, `[12]`, `"\" "`, `"\""`, `1`, `1.0`, `null`} {
		require.Empty(t, distinct[of(payload)], payload)
		distinct[of(payload)] = payload
	}
}

func FuzzDecodeEvent(f *testing.F) {
	for _, seed := range []string{
		`{"event_type":"a","payload":{"b":[1,"x"]},"event_version":2,"occurred_at":"2026-01-31T09:30:00Z"}`,
		`{"payload":null,"event_type":"a","context":{"trace_id":"x"},"idempotency_key":"k","source":"s","subject":"t","stream":"o"}`,
		`{"event_type":"\u0061","payl\u006fad":1}`, `{"event_type":"a","payload":[}`, `{"event_id":1}`, `[]`,
	} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, body []byte, streamInEvent bool) {
		draft, err := eventjson.DecodeEvent(body, eventjson.StreamField(streamInEvent))
		if err != nil {
			requireFault(t, err)
			return
		}
		require.True(t, strict(body), "accepted: %q", body)
		requireSound(t, body, draft)
	})
}

// requireFault holds err to one that a client may see.
func requireFault(t *testing.T, err error) {
	t.Helper()
	var known *core.Error
	require.ErrorAs(t, err, &known)
	require.Contains(t, []core.Code{core.CodeValidation, core.CodePayloadTooLarge}, known.Code)
	require.NotEmpty(t, known.Details)
}

// requireSound holds an accepted draft to what encoding/json reads in body.
func requireSound(t *testing.T, body []byte, draft eventjson.Draft) {
	t.Helper()
	var members map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(body, &members))
	require.Equal(t, string(members["payload"]), string(draft.Event.Payload))
	require.True(t, bytes.Contains(body, draft.Event.Payload))
	for name, text := range map[string]string{
		"event_type": draft.Event.Type, "source": draft.Event.Source, "subject": draft.Event.Subject,
		"idempotency_key": draft.Event.IdempotencyKey, "stream": draft.Stream,
	} {
		var want string
		if members[name] != nil {
			require.NoError(t, json.Unmarshal(members[name], &want))
		}
		require.Equal(t, want, text, name)
	}
	if len(draft.Event.Context) > 0 {
		var pairs map[string]string
		require.NoError(t, json.Unmarshal(draft.Event.Context, &pairs))
		require.NotEmpty(t, pairs)
	}
	require.Positive(t, draft.Event.Version)
	require.Equal(t, draft.Event.IdempotencyKey != "", draft.Fingerprint != core.Fingerprint{})
}
