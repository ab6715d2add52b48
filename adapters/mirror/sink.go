package mirror

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/eventflow-go/eventflow/adapters/destination"
	"github.com/eventflow-go/eventflow/core"
)

// The bounds of one request. The other side takes ten times as many events and four
// times as many bytes; events have more to them than is counted here.
const (
	batch      = 1000
	batchBytes = 4 << 20
	// maxAnswer bounds what is read of an answer, in bytes.
	maxAnswer = 8 << 20
)

// sink sends to one stream of another EventFlow.
type sink struct {
	client    *http.Client
	transport *http.Transport
	settings  settings
	address   string
	// from is the stream here.
	from core.ID
}

// Send implements [core.Sink].
func (s *sink) Send(ctx context.Context, events []core.Outgoing) []core.Sent {
	results := make([]core.Sent, len(events))
	var texts [][]byte
	var places []int
	for i := range events {
		switch via, stays, err := s.route(&events[i].Event); {
		case err != nil:
			results[i] = core.Sent{Err: err, Verdict: core.NeverAgain}
		case stays != "":
			results[i] = core.Sent{Response: stays}
		default:
			texts, places = append(texts, appendEvent(nil, &events[i].Event, via)), append(places, i)
		}
	}
	if len(texts) > 0 {
		for i, sent := range s.deliver(ctx, texts) {
			results[places[i]] = sent
		}
	}
	return results
}

// deliver sends the texts of events, and returns a result for each. What is too large
// for the other side, or for a proxy before it, is sent in halves.
func (s *sink) deliver(ctx context.Context, texts [][]byte) []core.Sent {
	a, err := s.post(ctx, texts)
	switch {
	case err != nil:
		return destination.All(len(texts), core.Sent{Err: fmt.Errorf("the EventFlow at %s cannot be reached: %w", s.settings.URL, destination.Plain(err))})
	case a.status == http.StatusRequestEntityTooLarge && len(texts) > 1:
		half := len(texts) / 2
		first := s.deliver(ctx, texts[:half])
		if failed := first[half-1]; failed.Err != nil && failed.Verdict == core.TryAgain {
			return append(first, destination.All(len(texts)-half, failed)...) // the order is kept
		}
		return append(first, s.deliver(ctx, texts[half:])...)
	}
	return a.results(len(texts), &s.settings)
}

// post sends the texts of events in one request, and reads the answer.
func (s *sink) post(ctx context.Context, texts [][]byte) (*answer, error) {
	body := append(append([]byte{'['}, bytes.Join(texts, []byte{','})...), ']')
	body, packed := pack(body)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-API-Key", s.settings.APIKey)
	request.Header.Set("User-Agent", "EventFlow")
	if packed {
		request.Header.Set("Content-Encoding", "gzip")
	}
	// Without a value it is not sent: it tells the client that the request may be
	// repeated on another connection, as events are by their keys.
	request.Header["Idempotency-Key"] = []string{}
	response, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	return readAnswer(response, s.settings.withoutKey(text)), nil
}

// withoutKey takes the API key out of an answer, which people read: a proxy or a server
// that is no EventFlow may show what it was sent.
func (s *settings) withoutKey(text []byte) []byte {
	const shortest = 8 // what is shorter is in texts by accident
	if len(s.APIKey) < shortest {
		return text
	}
	quoted, _ := json.Marshal(s.APIKey) // a text always has a JSON form
	for _, form := range [][]byte{[]byte(s.APIKey), quoted[1 : len(quoted)-1]} {
		text = bytes.ReplaceAll(text, form, []byte("[redacted]"))
	}
	return text
}

// Traits implements [core.Sink].
func (s *sink) Traits() core.SinkTraits {
	return core.SinkTraits{Batch: batch, BatchBytes: batchBytes, Parallel: 4}
}

// Close implements [core.Sink].
func (s *sink) Close() error {
	s.transport.CloseIdleConnections()
	return nil
}
