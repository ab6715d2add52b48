package webhook_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/webhook"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/sinktest"
)

// request is what a receiver has got.
type request struct {
	header http.Header
	body   []byte
}

// receiver is an endpoint. It answers 204, or what answer says.
type receiver struct {
	server *httptest.Server

	mu       sync.Mutex
	requests []request
	answer   func(http.ResponseWriter, *http.Request)
	refused  []core.ID
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.server = httptest.NewServer(r)
	t.Cleanup(r.server.Close)
	return r
}

// ServeHTTP implements [http.Handler].
func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return
	}
	r.mu.Lock()
	answer, refused := r.answer, slices.ContainsFunc(r.refused, func(id core.ID) bool {
		return strings.Contains(string(body), id.String()) || strings.Contains(q.Header.Get("Webhook-Id"), id.String())
	})
	if !refused && answer == nil {
		r.requests = append(r.requests, request{q.Header.Clone(), body})
	}
	r.mu.Unlock()
	switch {
	case refused:
		http.Error(w, "not that one", http.StatusUnprocessableEntity)
	case answer != nil:
		answer(w, q)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

func (r *receiver) answers(answer func(http.ResponseWriter, *http.Request)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

func (r *receiver) refuse(ids ...core.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refused = ids
}

func (r *receiver) got() []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests)
}

// last returns the request that came last.
func (r *receiver) last(t *testing.T) request {
	t.Helper()
	all := r.got()
	require.NotEmpty(t, all)
	return all[len(all)-1]
}

// arrived reads what a receiver of any format gets.
func (r *receiver) arrived() (arrived []sinktest.Arrival) {
	for _, q := range r.got() {
		var member struct {
			EventID core.ID         `json:"event_id"`
			ID      core.ID         `json:"id"`
			Payload json.RawMessage `json:"payload"`
			Data    json.RawMessage `json:"data"`
		}
		id, _ := core.ParseID(q.header.Get("Webhook-Id"))
		switch media := q.header.Get("Content-Type"); {
		case q.header.Get("Ce-Id") != "":
			arrived = append(arrived, sinktest.Arrival{ID: id, Payload: q.body})
		case media == "application/cloudevents+json":
			_ = json.Unmarshal(q.body, &member)
			arrived = append(arrived, sinktest.Arrival{ID: member.ID, Payload: member.Data})
		case strings.HasPrefix(string(q.body), "[{\"event_id\""), strings.HasPrefix(string(q.body), "[{\"specversion\""):
			var elements []json.RawMessage
			_ = json.Unmarshal(q.body, &elements)
			for _, element := range elements {
				one := member
				_ = json.Unmarshal(element, &one)
				if one.Data != nil {
					one.EventID, one.Payload = one.ID, one.Data
				}
				arrived = append(arrived, sinktest.Arrival{ID: one.EventID, Payload: one.Payload})
			}
		case strings.HasPrefix(string(q.body), `{"event_id":"`+id.String()) && strings.Contains(string(q.body), `"stream_id"`):
			_ = json.Unmarshal(q.body, &member)
			arrived = append(arrived, sinktest.Arrival{ID: member.EventID, Payload: member.Payload})
		default:
			arrived = append(arrived, sinktest.Arrival{ID: id, Payload: q.body})
		}
	}
	return arrived
}

const (
	secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
)

// connect returns a sink that may reach this machine.
func connect(t *testing.T, url, settings string) core.Sink {
	t.Helper()
	sink, _ := connectBy(t, webhook.New(webhook.Options{AllowPrivate: true}), url, settings)
	return sink
}

// saying returns settings with a URL.
func saying(t *testing.T, url, settings string) json.RawMessage {
	t.Helper()
	var given map[string]any
	require.NoError(t, json.Unmarshal([]byte(settings), &given))
	given["url"] = url
	text, err := json.Marshal(given)
	require.NoError(t, err)
	return text
}

func connectBy(t *testing.T, c core.Connector, url, settings string) (core.Sink, core.Destination) {
	t.Helper()
	to, err := c.Check(saying(t, url, settings), core.Destination{})
	require.NoError(t, err)
	sink, err := c.Open(t.Context(), to, core.Origin{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sink.Close()) })
	return sink, to
}

var start = time.Date(2026, 3, 29, 1, 2, 3, 456789000, time.UTC)

func event(payload string) core.Outgoing {
	return core.Outgoing{Attempt: 1, Event: core.Event{
		ID: core.RandomID(start), Stream: core.RandomID(start), Offset: 7, Type: "order.paid", Version: 1, OccurredAt: start, ReceivedAt: start,
		Source: "shop", Payload: json.RawMessage(payload),
	}}
}

// send sends one event.
func send(t *testing.T, sink core.Sink, events ...core.Outgoing) core.Sent {
	t.Helper()
	results := sink.Send(t.Context(), events)
	require.Len(t, results, len(events))
	return results[0]
}
