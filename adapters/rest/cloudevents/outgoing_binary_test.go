package cloudevents

import (
	"encoding/json"
	"iter"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// written returns an event as the headers and the body of the binary mode.
func written(event *core.Event) (header http.Header, body string) {
	header = http.Header{}
	text := AppendBinary(nil, event, func(name, value string) { header.Add(name, value) })
	return header, string(text)
}

func pairsIn(header http.Header) iter.Seq2[[]byte, []byte] {
	return func(yield func([]byte, []byte) bool) {
		for name, values := range header {
			for _, value := range values {
				if !yield([]byte(name), []byte(value)) {
					return
				}
			}
		}
	}
}

func TestTheBinaryModeIsHeadersAndData(t *testing.T) {
	t.Parallel()
	event := nativeEvent()
	event.Subject, event.Source = "50% \"☃\"", "shop"
	event.Context = json.RawMessage(`{"correlation_id":"c\u00e9","a b":"no","x\r\ny":"no","cr":"a\r\nHost: b"}`)
	header, body := written(&event)
	require.Equal(t, `{ "a" : 1.0 }`, body)
	require.Equal(t, http.Header{
		"Ce-Specversion": {"1.0"}, "Ce-Id": {event.ID.String()}, "Ce-Source": {"shop"}, "Ce-Type": {"order.paid"},
		"Ce-Subject": {"50%25%20%22%E2%98%83%22"}, "Ce-Time": {"2026-01-02T03:04:05.123456Z"}, "Content-Type": {"application/json"},
		"Ce-Correlationid": {"c%C3%A9"}, "Ce-Cr": {"a%0D%0AHost:%20b"},
		"Ce-Eventflowoffset": {"1099511627776"}, "Ce-Eventflowreceivedat": {"2026-01-02T03:04:06.123456Z"},
	}, header)
}

// What goes out in binary mode is the event that goes out in structured mode.
func TestTheModesSayTheSame(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ context, payload, body string }{
		{`{}`, `{"a":[1.00]}`, `{"a":[1.00]}`},
		{`{}`, `"text"`, `"text"`},
		{`{"cloudevent_id":"7"}`, `"text"`, `"text"`},
		{`{"cloudevent_id":"7","datacontenttype":"text/plain"}`, `"a \u00e9\n"`, "a é\n"},
		{`{"cloudevent_id":"7","datacontenttype":"text/plain"}`, `{"a":1}`, `{"a":1}`},
		{`{"cloudevent_id":"7","datacontenttype":"application/problem+json"}`, `"a"`, `"a"`},
		{`{"cloudevent_id":"7","datacontenttype":"image/png","datacontentencoding":"base64"}`, `"AP8B"`, "\x00\xff\x01"},
		{`{"cloudevent_id":"7","datacontenttype":"image/png","datacontentencoding":"none"}`, `null`, ""},
		{`{"cloudevent_id":"7","datacontentencoding":"none"}`, `null`, ""},
		{`{"cloudevent_id":"7"}`, `null`, "null"},
		{`{"tenant":"ä % b","datacontenttype":"text/plain"}`, `"text"`, `"text"`},
	} {
		event := nativeEvent()
		event.Context, event.Payload = json.RawMessage(c.context), json.RawMessage(c.payload)
		header, body := written(&event)
		require.Equal(t, c.body, body, c.context)
		read, err := ReadHeaders(pairsIn(header), header.Get("Content-Type"))
		require.NoError(t, err, c.context)
		binary, err := read.Draft([]byte(body), false)
		require.NoError(t, err, c.context)
		structured, err := Decode(Append(nil, &event), false)
		require.NoError(t, err, c.context)
		require.Equal(t, contextOf(t, &structured.Event), contextOf(t, &binary.Event), c.context)
		require.JSONEq(t, string(structured.Event.Payload), string(binary.Event.Payload), c.context)
		require.Equal(t, structured.Event.Source, binary.Event.Source)
		require.Equal(t, structured.Event.OccurredAt, binary.Event.OccurredAt)
	}
}

// contextOf returns the context of an event. That data without a media type is JSON goes
// without saying.
func contextOf(t *testing.T, event *core.Event) (context map[string]string) {
	t.Helper()
	require.NoError(t, json.Unmarshal(event.Context, &context))
	if context["datacontenttype"] == "application/json" {
		delete(context, "datacontenttype")
	}
	return context
}

// A media type that a header cannot have loses its parameters.
func TestAMediaTypeIsFitForAHeader(t *testing.T) {
	t.Parallel()
	event := nativeEvent()
	event.Payload, event.Context = json.RawMessage(`"a"`), json.RawMessage(`{"cloudevent_id":"7","datacontenttype":"text/plain; name=\"ü\""}`)
	header, _ := written(&event)
	require.Equal(t, "text/plain", header.Get("Content-Type"))
}
