package cloudevents

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

func nativeEvent() core.Event {
	at := time.Date(2026, 1, 2, 3, 4, 5, 123456000, time.UTC)
	return core.Event{
		ID: core.ID{1}, Stream: core.ID{2}, Offset: 1 << 40, Type: "order.paid", Version: 1, OccurredAt: at, ReceivedAt: at.Add(time.Second),
		Source: "shop 1", Payload: json.RawMessage(`{ "a" : 1.0 }`),
	}
}

func TestANativeEventIsACloudEvent(t *testing.T) {
	t.Parallel()
	event := nativeEvent()
	event.Subject = `"c" ☃`
	event.Context = json.RawMessage(`{ "correlation_id":"c1", "trace_id":"t1", "TraceId":"t2", "tracestate":"k=\u0076", "x-tenant.id":"a", "correlationid":"taken",
		"id":"no", "type":"no", "data":"no", "datacontenttype":"image/png", "datacontentencoding":"base64", "eventflowoffset":"9", "☃":"no", "dataschema":"a b" }`)
	require.Equal(t, `before{"specversion":"1.0","id":"`+event.ID.String()+`","source":"shop%201","type":"order.paid","subject":"\"c\" ☃",`+
		`"time":"2026-01-02T03:04:05.123456Z","datacontenttype":"application/json","dataschema":"a%20b","tracestate":"k=\u0076","correlationid":"taken",`+
		`"traceid":"t1","xtenantid":"a","eventflowoffset":"1099511627776","eventflowreceivedat":"2026-01-02T03:04:06.123456Z","data":{ "a" : 1.0 }}`,
		string(Append([]byte("before"), &event)))
}

func TestTheAttemptIsTheServers(t *testing.T) {
	t.Parallel()
	event := nativeEvent()
	event.Context = json.RawMessage(`{"eventflowattempt":"9"}`)
	require.NotContains(t, string(Append(nil, &event)), "eventflowattempt")
	out := string(AppendDelivered([]byte("before"), &event, 2))
	require.Equal(t, 1, strings.Count(out, `"eventflowattempt":`), "a member twice is two answers")
	require.Contains(t, out, `"eventflowattempt":2}`)
}

func TestAnyEventHasASource(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"":                        "/streams/" + core.ID{2}.String(),
		"https://a.b/c?d=e#f":     "https://a.b/c?d=e#f",
		"urn:uuid:6e8bc430":       "urn:uuid:6e8bc430",
		"http://[::1]:80/%41":     "http://[::1]:80/%41",
		"a%2":                     "a%252",
		"100%":                    "100%25",
		"grüße ☃":                 "gr%C3%BC%C3%9Fe%20%E2%98%83",
		"a#b#c":                   "a#b%23c",
		"a[1]":                    "a%5B1%5D",
		`<a>"\^{}|` + "`":         "%3Ca%3E%22%5C%5E%7B%7D%7C%60",
		"10.0.0.1:8080/x":         "10.0.0.1%3A8080%2Fx",
		"//a b":                   "%2F%2Fa%20b",
		"http://[a":               "http%3A%2F%2F%5Ba",
		"mailto:a@b?subject='x;'": "mailto:a@b?subject='x;'",
	} {
		event := nativeEvent()
		event.Source = source
		var out struct{ Source string }
		require.NoError(t, json.Unmarshal(Append(nil, &event), &out))
		require.Equal(t, want, out.Source)
		_, err := url.Parse(out.Source)
		require.NoError(t, err, source)
	}
}

func TestWhatAContextClaimsIsNotBelieved(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ context, payload, want string }{
		{`"datacontentencoding":"base64"`, `"no base64"`, `"data":"no base64"`},
		{`"datacontentencoding":"base64"`, `"AA==\n"`, `"data":"AA==\n"`},
		{`"datacontentencoding":"base64"`, `{}`, `"data":{}`},
		{`"datacontentencoding":"base64"`, `"AA=="`, `"data_base64":"AA=="`},
		{`"datacontentencoding":"none"`, `1`, `"data":1`},
		{`"datacontenttype":"text/plain"`, `1`, `"datacontenttype":"application/json"`},
		{`"datacontenttype":"a b"`, `"a"`, `"datacontenttype":"application/json"`},
		{`"datacontenttype":"text/plain"`, `"a"`, `"datacontenttype":"text/plain"`},
		{`"datacontenttype":"text/json"`, `1`, `"datacontenttype":"text/json"`},
	} {
		event := nativeEvent()
		event.Context = json.RawMessage(`{"cloudevent_id":"1",` + test.context + `}`)
		event.Payload = json.RawMessage(test.payload)
		require.Contains(t, string(Append(nil, &event)), test.want)
	}
	event := nativeEvent()
	event.Context = json.RawMessage(`{"cloudevent_id":"1","datacontentencoding":"none"}`)
	event.Payload = json.RawMessage(`null`)
	require.NotContains(t, string(Append(nil, &event)), "data")
	for _, broken := range []string{`{`, `[]`, `{"a":1}`, `{"cloudevent_id":""}`, `{"cloudevent_id":1}`} {
		event.Context = json.RawMessage(broken)
		out := Append(nil, &event)
		require.True(t, json.Valid(out), "%s", out)
		require.Contains(t, string(out), event.ID.String())
	}
	require.True(t, json.Valid(Append(nil, &core.Event{})))
}

func TestMediaTypesThatAreJSON(t *testing.T) {
	t.Parallel()
	for media, want := range map[string]bool{
		"application/json": true, "text/json": true, "a/b+json": true, "json": false, "": false, "application/jsonp": false, "text/plain": false,
	} {
		require.Equal(t, want, isJSONType(media), media)
	}
}
