package mirror_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/destination/reach"
	"github.com/eventflow-go/eventflow/adapters/mirror"
	"github.com/eventflow-go/eventflow/core"
)

var (
	noon = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)
	here = core.RandomID(noon)
)

// outgoing returns n events with a context.
func outgoing(n int, context string) []core.Outgoing {
	events := make([]core.Outgoing, n)
	for i := range events {
		events[i] = core.Outgoing{Attempt: 1, Event: core.Event{
			ID: core.RandomID(noon), Stream: here, Offset: core.Offset(i), Type: "order.paid", Version: 3, OccurredAt: noon, ReceivedAt: noon.Add(time.Hour),
			Source: "shop", Subject: "order-1", Payload: fmt.Appendf(nil, `{"n":%d}`, i), Context: json.RawMessage(context), IdempotencyKey: "of the producer",
		}}
	}
	return events
}

func TestAnEventStaysWhatItIs(t *testing.T) {
	t.Parallel()
	o := newOther(t)
	events := outgoing(2, `{"trace_id":"abc","a \"b\"":"é"}`)
	results := o.open(t, here, false).Send(t.Context(), events)
	require.Equal(t, []core.Sent{{Status: 202, Response: "offset 0"}, {Status: 202, Response: "offset 1"}}, results)
	got, want := o.events[1], events[1].Event
	require.Equal(t, want.ID, got.Key, "its id is its idempotency key there")
	require.Equal(t, "order.paid 3 shop order-1", fmt.Sprint(got.Type, " ", got.Version, " ", got.Source, " ", got.Subject))
	require.Equal(t, noon, got.OccurredAt.Time)
	require.Equal(t, string(want.Payload), string(got.Payload))
	require.Equal(t, map[string]string{"trace_id": "abc", `a "b"`: "é", mirror.Via: here.String()}, got.Context)

	results = o.open(t, here, false).Send(t.Context(), events)
	require.Equal(t, core.Sent{Status: 202, Response: "offset 1, where it was already"}, results[1])
}

// Two streams that are mirrored to each other hold each event once.
func TestAnEventDoesNotGoRound(t *testing.T) {
	t.Parallel()
	there, yonder := core.RandomID(noon), core.RandomID(noon)
	via := func(streams ...core.ID) string {
		texts := make([]string, len(streams))
		for i, stream := range streams {
			texts[i] = stream.String()
		}
		return fmt.Sprintf(`{%q:%q}`, mirror.Via, strings.Join(texts, ","))
	}
	o := newOther(t)
	for _, relay := range []bool{false, true} {
		sent := o.open(t, here, relay).Send(t.Context(), outgoing(1, via(there, here)))
		require.Equal(t, []core.Sent{{Response: "not sent: the event has been in this stream before"}}, sent)
	}
	sent := o.open(t, here, false).Send(t.Context(), outgoing(1, via(there)))
	require.Equal(t, []core.Sent{{Response: "not sent: the event came here by a mirror, and relay is off"}}, sent)
	require.Empty(t, o.events)
	require.NoError(t, o.open(t, here, true).Send(t.Context(), outgoing(1, via(there, yonder)))[0].Err)
	require.Equal(t, there.String()+","+yonder.String()+","+here.String(), o.events[0].Context[mirror.Via])

	far := outgoing(3, via(there, there, there, there, there, there, there, yonder))
	far[0].Event.Context, far[2].Event.Context = nil, nil
	results := o.open(t, here, true).Send(t.Context(), far)
	require.ErrorContains(t, results[1].Err, "goes no further")
	require.Equal(t, core.NeverAgain, results[1].Verdict)
	require.Equal(t, "offset 1", results[0].Response)
	require.Equal(t, "offset 2", results[2].Response, "the others have their own results")

	full := map[string]string{}
	for i := range core.MaxContextPairs {
		full[fmt.Sprint("pair ", i)] = "x"
	}
	context, err := json.Marshal(full)
	require.NoError(t, err)
	sent = o.open(t, here, false).Send(t.Context(), outgoing(1, string(context)))
	require.ErrorContains(t, sent[0].Err, "has 32 pairs already")
	require.Equal(t, core.NeverAgain, sent[0].Verdict)
}

func TestARefusedEventIsRefusedAlone(t *testing.T) {
	t.Parallel()
	o := newOther(t)
	events := outgoing(3, "")
	o.refuse(events[1].Event.ID)
	results := o.open(t, here, false).Send(t.Context(), events)
	require.NoError(t, results[0].Err)
	require.NoError(t, results[2].Err)
	require.ErrorContains(t, results[1].Err, "SCHEMA_MISMATCH: does not fit")
	require.Equal(t, core.NeverAgain, results[1].Verdict)

	for code, verdict := range map[core.Code]core.Verdict{
		core.CodeIdempotencyMismatch: core.NeverAgain, core.CodeValidation: core.NeverAgain, core.CodePayloadTooLarge: core.NeverAgain,
		core.CodeRateLimited: core.TryAgain, core.CodeUnavailable: core.TryAgain, core.CodeStorageFull: core.TryAgain, core.CodeInternal: core.TryAgain,
	} {
		o.says(http.StatusMultiStatus, fmt.Sprintf(`{"results":[{"status":"REJECTED","error":{"error_code":%q,"message":"no"}}]}`, code), "Retry-After", "7")
		sent := o.open(t, here, false).Send(t.Context(), events[:1])[0]
		require.Error(t, sent.Err)
		require.Equal(t, verdict, sent.Verdict, code)
		require.Equal(t, 7*time.Second, sent.After)
		require.Contains(t, sent.Response, string(code))
	}
}

func TestAnswersSayWhatToDo(t *testing.T) {
	t.Parallel()
	problem := `{"error_code":"SERVICE_UNAVAILABLE","message":"the queue is full","request_id":"r-1"}`
	for _, c := range []struct {
		status     int
		body, says string
		headers    []string
		after      time.Duration
	}{
		{status: 301, says: "answers with a redirect, which is not followed", headers: []string{"Location", "http://elsewhere.example/"}},
		{status: 400, body: `{"error_code":"VALIDATION_ERROR","message":"what?"}`, says: "status 400, VALIDATION_ERROR: what?"},
		{status: 401, body: problem, says: "does not take the API key"},
		{status: 403, body: problem, says: `may not send to the stream "orders"`},
		{status: 404, body: problem, says: `has no stream "orders"`},
		{status: 429, body: problem, says: "rate limit", headers: []string{"Retry-After", "30"}, after: 30 * time.Second},
		{status: 503, body: problem, says: "SERVICE_UNAVAILABLE: the queue is full (its request r-1)", headers: []string{"Retry-After", "2"}, after: 2 * time.Second},
		{status: 503, body: problem, says: "the queue is full", headers: []string{"Retry-After", "99999999999"}},
		{status: 503, body: problem, says: "the queue is full", headers: []string{"Retry-After", "999999"}, after: time.Hour},
		{status: 502, body: "<html>Bad Gateway", says: "status 502, and not as an EventFlow does"},
		{status: 200, body: "<html>Welcome", says: "status 200, and not as an EventFlow does"},
		{status: 202, body: `{"results":[]}`, says: "status 202, and not as an EventFlow does"},
		{status: 202, body: `{"results":[{},{}]}`, says: "does not say whether it has the event"},
		{status: 202, body: `null`, says: "not as an EventFlow does"},
	} {
		o := newOther(t)
		o.says(c.status, c.body, c.headers...)
		for _, sent := range o.open(t, here, false).Send(t.Context(), outgoing(2, "")) {
			require.ErrorContains(t, sent.Err, c.says)
			require.Equal(t, core.TryAgain, sent.Verdict)
			require.Equal(t, c.status, sent.Status)
			if c.after != 0 {
				require.Equal(t, c.after, sent.After)
			}
		}
	}
}

// A proxy may take less than an EventFlow does.
// Who may read deliveries may not read the key, whatever the address answers.
func TestAnAnswerThatShowsTheKeyIsShownWithoutIt(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"ef_live_0123456789abcdef", `open"sesame"and-more`} {
		mux := http.NewServeMux()
		mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			_ = json.NewEncoder(w).Encode(map[string]any{"error_code": "BAD", "message": "sent with " + r.Header.Get("X-Api-Key"), "headers": r.Header})
		})
		server := httptest.NewServer(mux)
		t.Cleanup(server.Close)
		connector := mirror.New(mirror.Options{Dial: (&net.Dialer{}).DialContext})
		given, err := json.Marshal(map[string]string{"url": server.URL, "stream": "s", "api_key": key})
		require.NoError(t, err)
		to, err := connector.Check(given, core.Destination{})
		require.NoError(t, err)
		sink, err := connector.Open(t.Context(), to, core.Origin{Stream: here})
		require.NoError(t, err)
		sent := sink.Send(t.Context(), outgoing(1, ""))[0]
		require.Error(t, sent.Err)
		for _, text := range []string{sent.Err.Error(), sent.Response} {
			require.Contains(t, text, "[redacted]")
			require.NotContains(t, text, "sesame")
			require.NotContains(t, text, key)
		}
		require.NoError(t, sink.Close())
	}
}

func TestWhatIsTooLargeIsSentInHalves(t *testing.T) {
	t.Parallel()
	o := newOther(t)
	o.answer = func(w http.ResponseWriter, _ *http.Request, events []sent) {
		if len(events) > 3 {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		o.take(w, events)
	}
	events := outgoing(20, "")
	for i, sent := range o.open(t, here, false).Send(t.Context(), events) {
		require.NoError(t, sent.Err)
		require.Equal(t, fmt.Sprint("offset ", i), sent.Response, "in their order")
	}
	o.says(http.StatusRequestEntityTooLarge, "")
	sent := o.open(t, here, false).Send(t.Context(), events[:2])
	require.Equal(t, http.StatusRequestEntityTooLarge, sent[1].Status)
	require.Equal(t, core.NeverAgain, sent[1].Verdict)
	require.ErrorContains(t, sent[1].Err, "takes no events of this size")
}

func TestAnAddressInsideIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	c := mirror.New(mirror.Options{Judge: reach.Options{}.Check})
	_, err := c.Check(json.RawMessage(`{"url":"http://10.0.0.1","stream":"orders","api_key":"x"}`), core.Destination{})
	require.ErrorContains(t, err, "url: cannot be reached from here")
	_, err = c.Check(json.RawMessage(`{"url":"http://events.example.com","stream":"orders","api_key":"x"}`), core.Destination{})
	require.NoError(t, err)
}
