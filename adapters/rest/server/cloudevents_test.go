package server_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/cloudevents"
	"github.com/eventflow-go/eventflow/core"
)

const (
	ordersPath = "/api/v1/streams/orders/events"
	structured = "Content-Type: application/cloudevents+json"
	batched    = "Content-Type: application/cloudevents-batch+json; charset=UTF-8"
)

// cloudEvent is a CloudEvent in JSON with more members than it must have.
func cloudEvent(more string) string {
	return `{"specversion":"1.0","id":"a-1","source":"/shop","type":"order.paid"` + more + `}`
}

// binary are the headers of a CloudEvent in binary mode.
func binary(more ...string) []string {
	return append([]string{"ce-specversion: 1.0", "CE-ID: a-1", "Ce-Source: /shop", "ce-type: order.paid"}, more...)
}

// stored posts an event and returns what the server kept of it.
func (f *fixture) stored(body string, headers ...string) core.Event {
	f.t.Helper()
	got := f.do("POST", ordersPath, strings.NewReader(body), headers...)
	require.Equal(f.t, http.StatusAccepted, got.StatusCode, "%s", got.body)
	var receipt core.Receipt
	require.NoError(f.t, json.Unmarshal(got.body, &receipt))
	event, err := f.client.Event(context.Background(), "orders", receipt.ID.String())
	require.NoError(f.t, err)
	return event
}

// outgoing returns the members of a stored event as a CloudEvent.
func (f *fixture) outgoing(event core.Event) map[string]json.RawMessage {
	f.t.Helper()
	got := f.do("GET", ordersPath+"/"+event.ID.String(), nil, "Accept: application/cloudevents+json")
	require.Equal(f.t, http.StatusOK, got.StatusCode, "%s", got.body)
	require.Equal(f.t, cloudevents.TypeEvent, got.Header.Get("Content-Type"))
	var members map[string]json.RawMessage
	require.NoError(f.t, json.Unmarshal(got.body, &members), "%s", got.body)
	return members
}

func TestAStructuredCloudEventGoesOutAsItCame(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	const payload = `{ "amount" : 12.50, "big": 12345678901234567890, "text":"gr\u00fc\/ße ☃" }`
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	event := f.stored(cloudEvent(`,"subject":"customer ☃","time":"2026-01-02T03:04:05.123456+01:00","datacontenttype":"application/json",`+
		`"dataschema":"https://schema.test/order","tenant":"t\"1","seq":-7,"first":true,"gone":null,"traceparent":"`+trace+`","data":`+payload),
		structured+"; charset=utf-8")
	require.Equal(t, []string{"order.paid", "/shop", "customer ☃", "/shop#a-1"}, []string{event.Type, event.Source, event.Subject, event.IdempotencyKey})
	require.Equal(t, payload, string(event.Payload))
	require.JSONEq(t, `{"cloudevent_id":"a-1","datacontenttype":"application/json","dataschema":"https://schema.test/order","tenant":"t\"1",`+
		`"seq":"-7","first":"true","traceparent":"`+trace+`","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"}`, string(event.Context))
	out := f.outgoing(event)
	require.Equal(t, payload, string(out["data"]))
	for name, value := range map[string]string{
		"specversion": `"1.0"`, "id": `"a-1"`, "source": `"/shop"`, "type": `"order.paid"`, "time": `"2026-01-02T02:04:05.123456Z"`,
		"datacontenttype": `"application/json"`, "dataschema": `"https://schema.test/order"`, "tenant": `"t\"1"`, "seq": `"-7"`,
		"first": `"true"`, "traceparent": `"` + trace + `"`, "eventflowoffset": `"0"`,
	} {
		require.Equal(t, value, string(out[name]), name)
	}
	require.JSONEq(t, `"customer ☃"`, string(out["subject"]))
	require.Contains(t, out, "eventflowreceivedat")
	require.Len(t, out, 15, "nothing else: no traceid, which the server added")
}

func TestDataKeepsItsForm(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	for _, test := range []struct {
		name, body string
		headers    []string
		payload    string
		member     string // of the CloudEvent going out, "" for none
		media      string
	}{
		{"JSON", " {\"a\": 1.0}\n", binary("Content-Type: application/json"), `{"a": 1.0}`, "data", "application/json"},
		{"JSON by its suffix", `[1 ]`, binary("Content-Type: text/x+json; charset=UTF-8"), `[1 ]`, "data", "text/x+json; charset=UTF-8"},
		{"JSON by default", `"x"`, binary(), `"x"`, "data", ""},
		{"JSON null", `null`, binary("Content-Type: application/json"), `null`, "data", "application/json"},
		{"text", "<a>\n\"☃\"", binary("Content-Type: text/plain"), `"<a>\n\"☃\""`, "data", "text/plain"},
		{"text of another charset", "gr\xfc\xdfe", binary("Content-Type: text/plain; charset=iso-8859-1"), `"Z3L832U="`, "data_base64", "text/plain; charset=iso-8859-1"},
		{"XML", "<a/>", binary("Content-Type: application/xml"), `"PGEvPg=="`, "data_base64", "application/xml"},
		{"bytes", "\x00\xff\n", binary("Content-Type: application/octet-stream"), `"AP8K"`, "data_base64", "application/octet-stream"},
		{"nothing", "", binary("Content-Type: application/json"), `null`, "", "application/json"},
		{"structured bytes", cloudEvent(`,"datacontenttype":"image/png","data_base64":"AP\/\/","other":null`), []string{structured}, `"AP//"`, "data_base64", "image/png"},
		{"structured JSON in base64", cloudEvent(`,"datacontenttype":"application/json","data_base64":"e30="`), []string{structured}, `"e30="`, "data_base64", "application/json"},
		{"structured text", cloudEvent(`,"datacontenttype":"application/xml","data":"<a b=\"c\"\/>"`), []string{structured}, `"<a b=\"c\"\/>"`, "data", "application/xml"},
		{"structured null", cloudEvent(`,"data":null,"data_base64":null`), []string{structured}, `null`, "data", ""},
		{"structured nothing", cloudEvent(""), []string{structured}, `null`, "", ""},
	} {
		headers := test.headers
		if len(headers) == 1 {
			test.body = strings.Replace(test.body, "a-1", test.name, 1)
		} else {
			headers = append(headers, "Ce-Id: "+strings.ReplaceAll(test.name, " ", "%20"))
		}
		event := f.stored(test.body, headers...)
		require.Equal(t, test.payload, string(event.Payload), test.name)
		out := f.outgoing(event)
		require.Equal(t, `"`+test.name+`"`, string(out["id"]))
		var media string
		if out["datacontenttype"] != nil {
			require.NoError(t, json.Unmarshal(out["datacontenttype"], &media))
		}
		require.Equal(t, test.media, media, test.name)
		require.Equal(t, test.member == "data", out["data"] != nil, test.name)
		require.Equal(t, test.member == "data_base64", out["data_base64"] != nil, test.name)
		if test.member != "" {
			require.Equal(t, test.payload, string(out[test.member]), test.name)
		}
	}
}

func TestHeadersOfACloudEventAreDecoded(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	event := f.stored("{}", binary("ce-subject: Euro%20%e2%82%AC%20😀 100%25+1", `ce-quoted: "a \"b\" \\ %41"`, `ce-inner: {"a":1}`,
		"ce-Empty: ", "Ce-TraceState: k=v", "ce-time: 2026-01-02T03:04:05Z")...)
	require.Equal(t, "Euro € 😀 100%+1", event.Subject)
	require.JSONEq(t, `{"cloudevent_id":"a-1","quoted":"a \"b\" \\ A","inner":"{\"a\":1}","empty":"","tracestate":"k=v"}`, string(event.Context))
	require.Equal(t, "2026-01-02T03:04:05Z", event.OccurredAt.Format("2006-01-02T15:04:05Z07:00"))
}

func TestSourceAndIDMakeTheIdempotencyKey(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	first := f.stored(cloudEvent(`,"data":1`), structured)
	again := f.stored("1", binary()...)
	require.Equal(t, first.ID, again.ID)
	require.EqualValues(t, 1, f.events("orders"))
	require.Equal(t, first.ID, f.stored("2", binary("ce-type: another")...).ID, "source and id alone decide")
	got := f.do("POST", ordersPath, strings.NewReader("1"), binary("Idempotency-Key: other")...)
	require.Equal(t, core.CodeValidation, got.problem(t).Code)

	fits, long := strings.Repeat("☃", 255-len("/shop#")), strings.Repeat("☃", 256-len("/shop#"))
	require.Equal(t, "/shop#"+fits, f.stored(strings.Replace(cloudEvent(""), "a-1", fits, 1), structured).IdempotencyKey)
	sum := sha256.Sum256([]byte("/shop#" + long))
	require.Equal(t, "ce-sha256:"+hex.EncodeToString(sum[:]), f.stored(strings.Replace(cloudEvent(""), "a-1", long, 1), structured).IdempotencyKey)
}

// No source and id have the key of another source and id.
func TestASourceAndAnIDWithHashesAreKeptApart(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	keys := map[string]bool{}
	for _, pair := range [][2]string{
		{"/orders#eu", "7"}, {"/orders", "eu#7"}, {"/orders#", "eu#7"}, {"/orders", "#eu#7"}, {"#7#/orders", "eu#7"}, {"/orders", "7"}, {"#7#/orders#eu", "7"},
	} {
		event := f.stored("1", binary("ce-source: "+pair[0], "ce-id: "+pair[1])...)
		require.False(t, keys[event.IdempotencyKey], "%v", pair)
		keys[event.IdempotencyKey] = true
	}
	require.EqualValues(t, len(keys), f.events("orders"))
}

func TestACloudEventMayNameItsStream(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	for _, got := range []reply{
		f.do("POST", rest.EventsPath, strings.NewReader(cloudEvent(`,"eventflowstream":"orders"`)), structured),
		f.do("POST", rest.EventsPath, strings.NewReader("2"), binary("Ce-Id: b", "ce-eventflowstream: orders")...),
		f.do("POST", rest.EventsPath+"/batch", strings.NewReader("["+strings.Replace(cloudEvent(`,"eventflowstream":"orders"`), "a-1", "c", 1)+"]"), batched),
	} {
		require.Equal(t, http.StatusAccepted, got.StatusCode, "%s", got.body)
	}
	require.EqualValues(t, 3, f.events("orders"))
	got := f.do("POST", rest.EventsPath, strings.NewReader(cloudEvent("")), structured)
	require.Equal(t, []core.Detail{{Field: "eventflowstream", Reason: "is required here: give the name or id of a stream"}}, got.problem(t).Details)
}

func TestABadCloudEventOfABatchIsRefusedAlone(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	items := []string{
		cloudEvent(`,"data":{"a":[1]}`), `{"id":"x","data":{"a":1,"a":2}}`, `{"id":"x"}`, `7`,
		cloudEvent(`,"data":"` + strings.Repeat("x", core.MaxEventBytes) + `"`), strings.Replace(cloudEvent(""), "a-1", "b", 1),
	}
	body := " [ " + strings.Join(items, " , ") + " ] "
	got := f.do("POST", ordersPath+"/batch", compress(t, body), batched, "Content-Encoding: gzip")
	require.Equal(t, http.StatusMultiStatus, got.StatusCode, "%s", got.body)
	var result rest.BatchResult
	require.NoError(t, json.Unmarshal(got.body, &result))
	require.Equal(t, [2]int{2, 4}, [2]int{result.Accepted, result.Rejected})
	fields := make([]string, len(items))
	for i, item := range result.Results {
		if item.Error != nil {
			fields[i] = string(item.Error.Code) + " " + item.Error.Details[0].Field
		}
	}
	require.Equal(t, []string{
		"", "VALIDATION_ERROR events[1].data.a", "VALIDATION_ERROR events[2].specversion", "VALIDATION_ERROR events[3]", "PAYLOAD_TOO_LARGE events[4]", "",
	}, fields)
	require.Len(t, result.Results[2].Error.Details, 3, "all that are missing")

	one := strings.TrimSuffix(strings.Repeat("{},", core.MaxBatchEvents+1), ",")
	for body, status := range map[string]int{"[]": 400, "{}": 400, "": 400, "[{]": 400, "[{} {}]": 400, "[{}]]": 400, "[" + one + "]": 413} {
		got := f.do("POST", ordersPath+"/batch", strings.NewReader(body), batched)
		require.Equal(t, status, got.StatusCode, "%.40s %s", body, got.body)
	}
	require.EqualValues(t, 2, f.events("orders"))
}

func TestEventsAreListedAsCloudEvents(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	f.stored(cloudEvent(`,"data":1`), structured)
	native := f.stored(event(`{"b": 2}`))
	for _, path := range []string{ordersPath, rest.EventsPath} {
		got := f.do("GET", path+"?limit=1", nil, "Accept: application/json;q=0.5, Application/CloudEvents-Batch+JSON")
		require.Equal(t, cloudevents.TypeBatch, got.Header.Get("Content-Type"))
		require.Regexp(t, `^\[\{"specversion":"1.0","id":"a-1",.*,"data":1\}\]$`, string(got.body))
		link := got.Header.Get("Link")
		next, _, _ := strings.Cut(strings.TrimPrefix(link, "<"), ">")
		got = f.do("GET", next, nil, "Accept: application/cloudevents-batch+json")
		require.Regexp(t, `^\[\{"specversion":"1.0","id":"`+native.ID.String()+`",.*,"data":\{"b": 2\}\}\]$`, string(got.body))
		require.Empty(t, got.Header.Get("Link"))
	}
	for _, accept := range []string{
		"", "*/*", "application/*", "application/cloudevents-batch+json;q=0", "application/cloudevents+json",
		"application/json, application/cloudevents-batch+json;q=0.9", "application/cloudevents-batch+json;q=x", "application/cloudevents-batch+json;q=NaN",
	} {
		got := f.do("GET", ordersPath, nil, "Accept: "+accept)
		require.Equal(t, rest.TypeJSON, got.Header.Get("Content-Type"), accept)
	}
	require.Equal(t, rest.TypeJSON, f.do("GET", ordersPath+"/"+native.ID.String(), nil, "Accept: application/json").Header.Get("Content-Type"))
}
