// Package pigeon sends events to a loft: a TCP server that takes a password and then an
// event in each line, and answers a line for each of them.
package pigeon

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/adapters/destination"
	"github.com/eventflow-go/eventflow/app"
	"github.com/eventflow-go/eventflow/core"
)

// Type is the type of the destination.
const Type = "pigeon"

// Ok is what a loft answers for an event that it has for good. Anything else is a reason.
const Ok = "ok"

// Line is an event as it is sent. The payload is bytes, so that it arrives as it is, line
// breaks included.
type Line struct {
	ID      core.ID `json:"id"`
	Payload []byte  `json:"payload"`
}

// New returns the connector.
func New(outside app.Outside) core.Connector { return connector{outside} }

type connector struct{ app.Outside }

// settings are what people say about a loft. The tags say what is a secret, and what a
// secret was given for.
type settings struct {
	Loft     string `json:"loft" destination:"place"`
	Password string `json:"password,omitempty" destination:"secret"`
}

// Check implements [core.Connector].
func (c connector) Check(given json.RawMessage, former core.Destination) (core.Destination, error) {
	var s settings
	err := destination.Read(given, Type, &s)
	if err == nil {
		s.Loft, err = c.Judge.HostPort("loft", s.Loft)
	}
	if err == nil {
		err = destination.KeepSecrets(former, &s)
	}
	if err == nil {
		err = core.CheckText("password", s.Password, 1, 100)
	}
	if err != nil {
		return core.Destination{}, err
	}
	return destination.New(Type, &s)
}

// Open implements [core.Connector].
func (c connector) Open(_ context.Context, to core.Destination, _ core.Origin) (core.Sink, error) {
	s := sink{dial: c.Dial.OrNone()}
	return &s, destination.Load(to, &s.settings)
}

type sink struct {
	settings
	dial destination.Dial
}

// Send implements [core.Sink]. Each pigeon flies alone: there is a connection for each Send.
func (s *sink) Send(ctx context.Context, events []core.Outgoing) []core.Sent {
	results := make([]core.Sent, len(events))
	arrived, err := s.fly(ctx, events, results)
	for i := arrived; i < len(events); i++ {
		results[i] = core.Sent{Err: err}
	}
	return results
}

// fly sends events and fills in what became of the first ones, up to the error.
func (s *sink) fly(ctx context.Context, events []core.Outgoing, results []core.Sent) (arrived int, err error) {
	conn, err := s.dial(ctx, "tcp", s.Loft)
	if err != nil {
		return 0, fmt.Errorf("the loft cannot be reached: %w", destination.Plain(err))
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	out := bufio.NewWriter(conn)
	fmt.Fprintln(out, s.Password)
	for i := range events {
		line, err := json.Marshal(Line{events[i].Event.ID, events[i].Event.Payload})
		if err != nil {
			return 0, err
		}
		_, _ = out.Write(append(line, '\n')) // Flush says it
	}
	if err := out.Flush(); err != nil {
		return 0, errors.New("the loft takes nothing")
	}
	answers := bufio.NewReader(conn)
	for i := range events {
		answer, err := answers.ReadString('\n')
		if err != nil {
			return i, errors.New("the loft does not answer")
		}
		if answer = strings.TrimSpace(answer); answer != Ok {
			results[i] = core.Sent{Err: fmt.Errorf("the loft says: %.100q", answer), Response: destination.Excerpt(answer)}
		}
	}
	return len(events), nil
}

// Traits implements [core.Sink].
func (s *sink) Traits() core.SinkTraits {
	return core.SinkTraits{Batch: 10, BatchBytes: 1 << 20, Parallel: 4}
}

// Close implements [core.Sink].
func (s *sink) Close() error { return nil }
