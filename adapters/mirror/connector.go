// Package mirror sends events to a stream of another EventFlow, in batches, by its API.
//
// The other side gets each event with its type, version, source, subject, payload,
// context and time of occurrence. The event's id here is its idempotency key there, so
// that it is stored once however often it is sent, and can be found. When it arrived,
// its id and its offset are the other side's own.
//
// The files, in reading order:
//
//   - connector.go: the settings;
//   - sink.go: a batch, sent and answered;
//   - event.go: an event as the other side takes it;
//   - via.go: which streams an event has come through, so that it does not go round;
//   - answer.go: what the answer means for each event.
package mirror

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/eventflow-go/eventflow/adapters/destination"
	"github.com/eventflow-go/eventflow/core"
)

// Type is the type of the destination.
const Type = "eventflow"

// Options are what a connector needs.
type Options struct {
	// Dial connects to the servers that organizations name.
	Dial destination.Dial
	// Judge refuses addresses in settings.
	Judge destination.Judge
}

// New returns the connector of the type [Type].
func New(o Options) core.Connector { return connector(o) }

type connector Options

// settings are what people say about such a destination.
type settings struct {
	URL string `json:"url" destination:"place"`
	// Stream is the name or the id of a stream of the other side.
	Stream string `json:"stream"`
	APIKey string `json:"api_key" destination:"secret"`
	// Relay sends events on that came here by a mirror themselves.
	Relay bool `json:"relay"`
}

// maxKeyLength bounds an API key, in characters.
const maxKeyLength = 512

// Check implements [core.Connector].
func (c connector) Check(given json.RawMessage, former core.Destination) (core.Destination, error) {
	var s settings
	err := destination.Read(given, Type, &s)
	if err == nil {
		s.URL, err = c.Judge.URL("url", s.URL)
	}
	if err == nil {
		err = checkStream(s.Stream)
	}
	if err == nil {
		err = destination.KeepSecrets(former, &s)
	}
	if err == nil {
		err = checkKey(s.APIKey)
	}
	if err != nil {
		return core.Destination{}, err
	}
	return destination.New(Type, &s)
}

// checkStream refuses what cannot be a part of an address.
func checkStream(name string) error {
	if name == "." || name == ".." || strings.Contains(name, "/") {
		return core.Invalid("stream", "must be the name or the id of a stream of the other side")
	}
	return core.CheckText("stream", name, 1, core.MaxStreamNameLength)
}

// checkKey refuses what cannot be a header.
func checkKey(key string) error {
	if err := core.CheckText("api_key", key, 1, maxKeyLength); err != nil {
		return err
	}
	for _, r := range key {
		if r <= ' ' || r > '~' {
			return core.Invalid("api_key", "must be an API key of the other side, without spaces around it")
		}
	}
	return nil
}

// Open implements [core.Connector].
func (c connector) Open(_ context.Context, to core.Destination, from core.Origin) (core.Sink, error) {
	s := &sink{transport: destination.Transport(c.Dial), from: from.Stream}
	if err := destination.Load(to, &s.settings); err != nil {
		return nil, err
	}
	s.address = s.settings.URL + "/api/v1/streams/" + url.PathEscape(s.settings.Stream) + "/events/batch"
	s.client = &http.Client{Transport: s.transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // it would take the key to wherever the answer says
	}}
	return s, nil
}
