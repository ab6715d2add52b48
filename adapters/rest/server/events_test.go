package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// publish sends n events to a stream.
func (f *fixture) publish(stream string, n int) {
	f.t.Helper()
	events := make([]rest.NewEvent, n)
	for i := range events {
		events[i] = rest.NewEvent{Type: "made", Payload: json.RawMessage(fmt.Sprintf(`{"n":%d}`, i))}
	}
	result, err := f.client.PublishBatch(context.Background(), stream, events)
	require.NoError(f.t, err)
	require.Zero(f.t, result.Rejected)
}

// fill stores n events; every second one is of type b, and every payload is
// {"n": i, "user": {"id": "u<i mod 3>"}}.
func (f *fixture) fill(stream string, n int) {
	f.t.Helper()
	events := make([]rest.NewEvent, n)
	for i := range events {
		events[i] = rest.NewEvent{
			Type: string(rune('a' + i%2)), Subject: "=cmd()", Payload: fmt.Appendf(nil, "{\"n\":%d,\n\"user\":{\"id\":\"u%d\"}}", i, i%3),
		}
	}
	result, err := f.client.PublishBatch(context.Background(), stream, events)
	require.NoError(f.t, err)
	require.Equal(f.t, n, result.Accepted)
}

func offsets(t testing.TB, body []byte) []int64 {
	t.Helper()
	var page rest.List[core.Event]
	require.NoError(t, json.Unmarshal(body, &page), "%s", body)
	found := []int64{}
	for _, item := range page.Items {
		found = append(found, int64(item.Offset))
	}
	return found
}

func TestOneEventIsStoredAndReadBackAsItWasSent(t *testing.T) {
	t.Parallel()
	f := start(t)
	stream := f.stream("orders")
	const payload = `{ "amount" : 12.50, "big": 12345678901234567890, "text":"grüße \u00e9 \" ☃" }`
	body := `{"event_type":"order.paid","event_version":3,"occurred_at":"2026-01-02T03:04:05.123456+01:00","source":"a \"shop\"",` +
		`"subject":"customer ☃","context":{"trace_id":"t1"},"idempotency_key":"k1","payload":` + payload + `}`
	got := f.do("POST", "/api/v1/streams/orders/events", strings.NewReader(body), "Content-Type: application/json")
	require.Equal(t, http.StatusAccepted, got.StatusCode, "%s", got.body)
	require.Equal(t, "application/json", got.Header.Get("Content-Type"))
	var receipt core.Receipt
	require.NoError(t, json.Unmarshal(got.body, &receipt))
	require.Equal(t, core.Accepted, receipt.Status)
	require.Zero(t, receipt.Offset)
	require.False(t, receipt.Duplicate)
	require.WithinDuration(t, time.Now(), receipt.ReceivedAt, time.Minute)

	for _, path := range []string{"orders", stream.ID.String()} {
		got = f.do("GET", "/api/v1/streams/"+path+"/events/"+receipt.ID.String(), nil)
		require.Equal(t, http.StatusOK, got.StatusCode, "%s", got.body)
		require.Contains(t, string(got.body), `"payload":`+payload)
		var event core.Event
		require.NoError(t, json.Unmarshal(got.body, &event))
		require.Equal(t, core.Event{
			ID: receipt.ID, Stream: stream.ID, Type: "order.paid", Version: 3,
			OccurredAt: time.Date(2026, 1, 2, 2, 4, 5, 123456000, time.UTC), ReceivedAt: receipt.ReceivedAt,
			Source: `a "shop"`, Subject: "customer ☃", Payload: json.RawMessage(payload),
			Context: json.RawMessage(`{"trace_id":"t1"}`), APIKeyID: event.APIKeyID, IdempotencyKey: "k1",
		}, event)
		require.False(t, event.APIKeyID.IsZero())
		expected, err := json.Marshal(event)
		require.NoError(t, err)
		require.JSONEq(t, string(expected), string(got.body), "the hand-written JSON has the names of core.Event")
	}
}

func TestHeadersCompleteAnEvent(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	post := func(key, payload string) reply {
		return f.do("POST", "/api/v1/streams/orders/events", strings.NewReader(event(payload)), "Idempotency-Key: "+key, "Traceparent: "+trace)
	}
	first, bare, other := post(`"a-key"`, `{"a":1}`), post(`a-key`, `{"a": 1}`), post(`a-key`, `{"a":2}`)
	require.Equal(t, http.StatusAccepted, first.StatusCode, "%s", first.body)
	var one, two core.Receipt
	require.NoError(t, json.Unmarshal(first.body, &one))
	require.NoError(t, json.Unmarshal(bare.body, &two))
	require.True(t, two.Duplicate)
	require.Equal(t, one.ID, two.ID)
	require.Equal(t, 422, other.StatusCode)
	require.Equal(t, core.CodeIdempotencyMismatch, other.problem(t).Code)
	stored, err := f.client.Event(context.Background(), "orders", one.ID.String())
	require.NoError(t, err)
	require.Contains(t, string(stored.Context), "4bf92f3577b34da6a3ce929d0e0e4736")
}

func TestAnEventMayNameItsStream(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	got := f.do("POST", "/api/v1/events", strings.NewReader(`{"stream":"orders","event_type":"a","payload":1}`))
	require.Equal(t, http.StatusAccepted, got.StatusCode, "%s", got.body)
	got = f.do("POST", "/api/v1/events", strings.NewReader(event("1")))
	require.Equal(t, "stream", got.problem(t).Details[0].Field)
	got = f.do("POST", "/api/v1/streams/orders/events", strings.NewReader(`{"stream":"orders","event_type":"a","payload":1}`))
	require.Equal(t, http.StatusBadRequest, got.StatusCode)
	require.EqualValues(t, 1, f.events("orders"))
}

func TestADryRunStoresNothing(t *testing.T) {
	t.Parallel()
	f := start(t)
	_, err := f.client.CreateStream(context.Background(), core.StreamSpec{Name: "strict", Schema: json.RawMessage(`{"required":["id"]}`)})
	require.NoError(t, err)
	require.NoError(t, f.client.Validate(context.Background(), "strict", rest.NewEvent{Type: "a", Payload: []byte(`{"id":1}`)}))
	for _, path := range []string{"/validate", "/events"} {
		got := f.do("POST", "/api/v1/streams/strict"+path, strings.NewReader(event(`{}`)))
		problem := got.problem(t)
		require.Equal(t, core.CodeSchemaMismatch, problem.Code)
		require.Equal(t, []core.Detail{{Field: "payload.id", Reason: "is required"}}, problem.Details)
	}
	require.Zero(t, f.events("strict"))
}

// Fiber hands out views into buffers that later requests overwrite. Whatever
// was kept of them without a copy shows up here as another request's data.
func TestNothingIsKeptOfReusedBuffers(t *testing.T) {
	t.Parallel()
	f := start(t)
	const streams, requests = 20, 2000
	for i := range streams {
		f.stream(fmt.Sprintf("stream-%02d", i))
	}
	ids := make([]core.ID, requests)
	var wg sync.WaitGroup
	gate := make(chan struct{}, 64)
	for i := range requests {
		wg.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			text := fmt.Sprintf("%04d-%s", i, strings.Repeat(string(rune('a'+i%26)), 20+i%300))
			body := fmt.Sprintf(`{"event_type":"t-%s","source":"so-%s","subject":"su-%s","context":{"c":"%s"},"payload":{"text":"%s"}}`, text[:24], text[:24], text[:24], text, text)
			got := f.do("POST", fmt.Sprintf("/api/v1/streams/stream-%02d/events", i%streams), strings.NewReader(body), "Idempotency-Key: key-"+text[:24])
			var receipt core.Receipt
			if got.StatusCode == http.StatusAccepted && json.Unmarshal(got.body, &receipt) == nil {
				ids[i] = receipt.ID
			}
		})
	}
	wg.Wait()
	for _, name := range f.catalog.names {
		require.Equal(t, name[1], name[0], "the name of a stream")
	}
	found := map[core.ID]core.Event{}
	for stored, err := range f.client.Events(context.Background(), "", core.EventQuery{Limit: 1000}) {
		require.NoError(t, err)
		found[stored.ID] = stored
	}
	require.Len(t, found, requests)
	for i, id := range ids {
		text := fmt.Sprintf("%04d-%s", i, strings.Repeat(string(rune('a'+i%26)), 20+i%300))
		require.Equal(t, fmt.Sprintf(`{"text":"%s"}`, text), string(found[id].Payload))
		require.Equal(t, fmt.Sprintf(`{"c":"%s"}`, text), string(found[id].Context))
		require.Equal(t, []string{"t-" + text[:24], "so-" + text[:24], "su-" + text[:24], "key-" + text[:24]},
			[]string{found[id].Type, found[id].Source, found[id].Subject, found[id].IdempotencyKey})
	}
}

func TestEventsAreFiltered(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	f.fill("orders", 8)
	for query, expected := range map[string][]int64{
		"":                                  {0, 1, 2, 3, 4, 5, 6, 7},
		"?type=b":                           {1, 3, 5, 7},
		"?after=5":                          {6, 7},
		"?order=desc&limit=3":               {7, 6, 5},
		"?order=asc&limit=2":                {0, 1},
		"?payload.user.id=u1":               {1, 4, 7},
		"?payload.user.id=u1&payload.n=4":   {4},
		"?payload.user.id=u1&payload.n=4e0": {4},
		"?payload.%22user%22.id=u2":         {2, 5},
		"?payload.\"user\".id=u2":           {2, 5},
		"?subject=%3Dcmd%28%29&limit=1":     {0},
		"?source=nobody":                    {},
		"?from=2999-01-01T00:00:00Z":        {},
		"?from=2999-01-01t00:00:00z":        {},
		"?to=2999-01-01T00:00:00+01:00":     {0, 1, 2, 3, 4, 5, 6, 7},
		"?to=2999-01-01T00:00:00%2B01:00":   {0, 1, 2, 3, 4, 5, 6, 7},
		"?type=%27%20OR%201%3D1--":          {},
		"?after=-1&limit=2":                 {0, 1},
		"?after=7":                          {},
	} {
		got := f.do("GET", "/api/v1/streams/orders/events"+query, nil)
		require.Equal(t, http.StatusOK, got.StatusCode, "%s %s", query, got.body)
		require.Equal(t, expected, offsets(t, got.body), query)
	}
}

func TestPagesLeadToTheNext(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("another")
	f.stream("x>y")
	f.fill("x>y", 13)
	for _, path := range []string{"/api/v1/streams/x%3Ey/events?limit=3&payload.user.id=u0", "/api/v1/events?limit=2", "/api/v1/streams?limit=1"} {
		pages := 0
		for next := path; next != ""; pages++ {
			got := f.do("GET", next, nil)
			require.Equal(t, http.StatusOK, got.StatusCode, "%s", got.body)
			var page rest.List[json.RawMessage]
			require.NoError(t, json.Unmarshal(got.body, &page))
			link := got.Header.Get("Link")
			require.Equal(t, page.Pagination.HasMore, link != "")
			require.Equal(t, page.Pagination.HasMore, page.Pagination.NextCursor != "")
			next, _, _ = strings.Cut(strings.TrimPrefix(link, "<"), `>; rel="next"`)
			require.Less(t, pages, 10)
		}
		require.Greater(t, pages, 1)
	}
}
