package mirror_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/mirror"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/sinktest"
)

const apiKey = "ef_test_of-a-server-that-lives-as-long-as-a-test"

func TestSinks(t *testing.T) {
	t.Parallel()
	sinktest.Run(t, sinktest.Target{
		Type: mirror.Type, Connector: mirror.New(mirror.Options{Dial: (&net.Dialer{}).DialContext}),
		Secrets: []string{"api_key"}, URLs: []string{"url"},
		Refused: []sinktest.Refusal{
			{Name: "no stream", Given: `{"stream":""}`, Field: "stream"},
			{Name: "a stream that is another path", Given: `{"stream":".."}`, Field: "stream"},
			{Name: "a stream that is a longer path", Given: `{"stream":"a/../../keys"}`, Field: "stream"},
			{Name: "a key with a space", Given: `{"api_key":"ef_test_a b"}`, Field: "api_key"},
		},
		Start: func(t *testing.T) sinktest.Receiver {
			o := newOther(t)
			gate := sinktest.NewGate(t, strings.TrimPrefix(o.url, "http://"))
			return sinktest.Receiver{
				Settings: fmt.Appendf(nil, `{"url":"http://%s","stream":"orders","api_key":%q}`, gate.Addr(), apiKey),
				Arrived:  o.arrived, Away: gate.Away, Stall: gate.Stall, Refuse: o.refuse,
			}
		},
	})
}

// other answers batches as an EventFlow does. The real one is in the tests of app.
type other struct {
	url string

	mu sync.Mutex
	// answer, if it is set, is given in the place of the usual one.
	answer func(w http.ResponseWriter, r *http.Request, events []sent)
	events []sent
	// refused are the ids of events that do not fit the schema.
	refused []core.ID
}

// sent is an event as it comes in.
type sent struct {
	Key        core.ID           `json:"idempotency_key"`
	Type       string            `json:"event_type"`
	Version    int32             `json:"event_version"`
	OccurredAt core.Time         `json:"occurred_at"`
	Source     string            `json:"source"`
	Subject    string            `json:"subject"`
	Payload    json.RawMessage   `json:"payload"`
	Context    map[string]string `json:"context"`
}

func newOther(t *testing.T) *other {
	t.Helper()
	o := &other{}
	server := httptest.NewServer(o)
	t.Cleanup(server.Close)
	o.url = server.URL
	return o
}

func (o *other) refuse(ids ...core.ID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.refused = ids
}

func (o *other) arrived() []sinktest.Arrival {
	o.mu.Lock()
	defer o.mu.Unlock()
	arrived := make([]sinktest.Arrival, len(o.events))
	for i, event := range o.events {
		arrived[i] = sinktest.Arrival{ID: event.Key, Payload: event.Payload}
	}
	return arrived
}

// ServeHTTP implements [http.Handler].
func (o *other) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	events, err := read(r)
	switch _, keyed := r.Header["Idempotency-Key"]; {
	case err != nil, keyed:
		http.Error(w, "what is that?", http.StatusBadRequest)
		return
	case r.URL.Path != "/api/v1/streams/orders/events/batch" || r.Header.Get("X-API-Key") != apiKey:
		http.Error(w, `{"error_code":"NOT_FOUND","message":"not here"}`, http.StatusNotFound)
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.answer != nil {
		o.answer(w, r, events)
		return
	}
	o.take(w, events)
}

// take keeps the events that are new and fit, and answers.
func (o *other) take(w http.ResponseWriter, events []sent) {
	status, results := http.StatusAccepted, make([]map[string]any, len(events))
	for i, event := range events {
		before := slices.IndexFunc(o.events, func(s sent) bool { return s.Key == event.Key })
		switch {
		case slices.Contains(o.refused, event.Key):
			status = http.StatusMultiStatus
			results[i] = map[string]any{"index": i, "status": "REJECTED", "error": map[string]any{"error_code": "SCHEMA_MISMATCH", "message": "does not fit"}}
		case before >= 0:
			results[i] = map[string]any{"index": i, "status": "ACCEPTED", "offset": before, "duplicate": true}
		default:
			o.events = append(o.events, event)
			results[i] = map[string]any{"index": i, "status": "ACCEPTED", "offset": len(o.events) - 1}
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"results": results}) // who left does not read it
}

func read(r *http.Request) (events []sent, err error) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		if body, err = gzip.NewReader(r.Body); err != nil {
			return nil, err
		}
	}
	err = json.NewDecoder(body).Decode(&events)
	return events, err
}

// says has it answer with a status, headers by name and value, and a body.
func (o *other) says(status int, body string, headers ...string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answer = func(w http.ResponseWriter, _ *http.Request, _ []sent) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// open returns a sink to it from a stream.
func (o *other) open(t *testing.T, from core.ID, relay bool) core.Sink {
	t.Helper()
	c := mirror.New(mirror.Options{Dial: (&net.Dialer{}).DialContext})
	to, err := c.Check(fmt.Appendf(nil, `{"url":%q,"stream":"orders","api_key":%q,"relay":%t}`, o.url, apiKey, relay), core.Destination{})
	require.NoError(t, err)
	sink, err := c.Open(t.Context(), to, core.Origin{Stream: from})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sink.Close()) })
	return sink
}
