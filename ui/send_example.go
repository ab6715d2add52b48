package ui

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// sendExample is a command that sends an event to a stream, to be copied. The stream
// takes the event as it is.
type sendExample struct {
	app.Compo
	Page
	// Stream is the name of the stream.
	Stream string

	event load[rest.NewEvent]
}

// CompoID implements [app.DismountEnforcer].
func (x *sendExample) CompoID() string { return x.Stream }

// OnMount implements [app.Mounter].
func (x *sendExample) OnMount(ctx app.Context) {
	s, stream := x.s, x.Stream
	x.event.fetch(ctx, s, func(ctx context.Context, client *rest.Client) (rest.NewEvent, error) {
		return exampleFor(ctx, client, s, stream)
	})
}

// Render implements [app.Composer].
func (x *sendExample) Render() app.UI {
	return x.event.show(func(event rest.NewEvent) app.UI {
		return commandBox(x.s, sendCommand(x.s, x.Stream, event))
	})
}

// sendCommand is a command that sends an event to a stream.
func sendCommand(s *session, stream string, event rest.NewEvent) string {
	return postCommand(s.origin+rest.StreamEventsPath(stream), eventText(event))
}

// eventText is an event as a request has it.
func eventText(event rest.NewEvent) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(event); err != nil {
		return err.Error()
	}
	return string(bytes.TrimSpace(b.Bytes()))
}

// maxExample bounds the payload of an example, which people read.
const maxExample = 2 << 10

// exampleFor returns an event like the stream's last one or, where there is none to
// read, one that fits its schema.
func exampleFor(ctx context.Context, client *rest.Client, s *session, name string) (rest.NewEvent, error) {
	event := rest.NewEvent{Type: "order.paid", Payload: json.RawMessage(`{"amount":12.5}`)}
	if s.may(core.ActionReadEvents) {
		page, err := client.EventsPage(ctx, name, core.EventQuery{Descending: true, Limit: 1})
		if err != nil && core.CodeOf(err) != core.CodeUnavailable { // where the stream cannot be read, its schema can
			return event, err
		}
		if len(page.Items) > 0 && len(page.Items[0].Payload) <= maxExample {
			last := page.Items[0]
			return rest.NewEvent{Type: last.Type, Payload: last.Payload}, nil
		}
	}
	if !s.may(core.ActionReadStreams) {
		return event, nil
	}
	stream, err := client.Stream(ctx, name)
	if sample, ok := sampleOf(stream.Schema); ok {
		event.Payload = sample
	}
	return event, err
}
