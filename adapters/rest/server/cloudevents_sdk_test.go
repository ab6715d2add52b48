package server_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	sdk "github.com/cloudevents/sdk-go/v2"
	"github.com/cloudevents/sdk-go/v2/binding"
	sdkhttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest/cloudevents"
)

// sdkEvent is an event with every kind of attribute.
func sdkEvent(t testing.TB, id, media string, data any) sdk.Event {
	t.Helper()
	event := sdk.NewEvent()
	event.SetID(id)
	event.SetSource("https://shop.test/orders?region=eu#1")
	event.SetType("order.paid")
	event.SetSubject("customer 17")
	event.SetTime(time.Date(2026, 1, 2, 3, 4, 5, 123456000, time.UTC))
	event.SetDataSchema("https://schema.test/order")
	event.SetExtension("tenant", "t1")
	event.SetExtension("sequence", 7)
	event.SetExtension("sampled", true)
	if data != nil {
		require.NoError(t, event.SetData(media, data))
	}
	require.NoError(t, event.Validate())
	return event
}

func sdkEvents(t testing.TB) []sdk.Event {
	t.Helper()
	return []sdk.Event{
		sdkEvent(t, "json", "application/json", map[string]any{"a": 1.5, "b": []string{"<c>", "☃"}}),
		sdkEvent(t, "text", "text/plain", "grüße\n\"quoted\""),
		sdkEvent(t, "bytes", "application/octet-stream", []byte{0, 255, 10}),
		sdkEvent(t, "nothing", "", nil),
	}
}

// requireSame holds an event that came back from the server to the one sent.
func requireSame(t *testing.T, sent, got sdk.Event) {
	t.Helper()
	require.NoError(t, got.Validate())
	require.Equal(t, []string{sent.ID(), sent.Source(), sent.Type(), sent.Subject(), sent.DataContentType(), sent.DataSchema()},
		[]string{got.ID(), got.Source(), got.Type(), got.Subject(), got.DataContentType(), got.DataSchema()})
	require.True(t, sent.Time().Equal(got.Time()))
	require.Equal(t, string(sent.Data()), string(got.Data()))
	extensions := got.Extensions()
	require.NotEmpty(t, extensions["eventflowoffset"])
	require.NotEmpty(t, extensions["eventflowreceivedat"])
	delete(extensions, "eventflowoffset")
	delete(extensions, "eventflowreceivedat")
	require.Equal(t, map[string]any{"tenant": "t1", "sequence": "7", "sampled": "true"}, extensions)
}

// requireListed reads the stream back with the SDK, as a list and one by one.
func (f *fixture) requireListed(t *testing.T, sent []sdk.Event) {
	t.Helper()
	ask := func(path, accept string) *http.Response {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+f.address+path, nil)
		require.NoError(t, err)
		request.Header.Set("X-API-Key", f.key)
		request.Header.Set("Accept", accept)
		response, err := http.DefaultTransport.RoundTrip(request)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, response.Body.Close()) })
		return response
	}
	got, err := sdkhttp.NewEventsFromHTTPResponse(ask(ordersPath, cloudevents.TypeBatch))
	require.NoError(t, err)
	require.Len(t, got, len(sent))
	for i := range sent {
		requireSame(t, sent[i], got[i])
	}
	page := f.do("GET", ordersPath, nil)
	var list struct {
		Items []struct {
			ID string `json:"event_id"`
		} `json:"items"`
	}
	require.NoError(t, json.Unmarshal(page.body, &list))
	require.Len(t, list.Items, len(sent))
	for i := range sent {
		one, err := sdkhttp.NewEventFromHTTPResponse(ask(ordersPath+"/"+list.Items[i].ID, cloudevents.TypeEvent))
		require.NoError(t, err)
		requireSame(t, sent[i], *one)
	}
}

func TestTheSDKSendsAndReads(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]func(context.Context) context.Context{
		"binary": binding.WithForceBinary, "structured": binding.WithForceStructured,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := start(t)
			f.stream("orders")
			client, err := sdk.NewClientHTTP(sdk.WithTarget("http://"+f.address+ordersPath), sdk.WithHeader("X-API-Key", f.key))
			require.NoError(t, err)
			sent := sdkEvents(t)
			for range 2 { // the second time they are duplicates
				for i := range sent {
					result := client.Send(mode(t.Context()), sent[i])
					require.True(t, sdk.IsACK(result), "%v", result)
				}
			}
			f.requireListed(t, sent)
		})
	}
}

func TestTheSDKSendsABatch(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	sent := sdkEvents(t)
	request, err := sdkhttp.NewHTTPRequestFromEvents(t.Context(), "http://"+f.address+ordersPath+"/batch", sent)
	require.NoError(t, err)
	request.Header.Set("X-API-Key", f.key)
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusAccepted, response.StatusCode)
	f.requireListed(t, sent)
}

func TestTheSDKReadsNativeEvents(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	stored := f.stored(`{"event_type":"order.paid","source":"shop 1","context":{"correlation_id":"c1"},"payload":{"a":1}}`)
	got := f.do("GET", ordersPath+"/"+stored.ID.String(), nil, "Accept: "+cloudevents.TypeEvent)
	event := sdk.NewEvent()
	require.NoError(t, json.Unmarshal(got.body, &event))
	require.NoError(t, event.Validate())
	require.Equal(t, []string{stored.ID.String(), "shop%201", "order.paid", "application/json", `{"a":1}`},
		[]string{event.ID(), event.Source(), event.Type(), event.DataContentType(), string(event.Data())})
	require.Equal(t, "c1", event.Extensions()["correlationid"])
}
