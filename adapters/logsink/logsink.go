// Package logsink writes events to the server's log. It is for trying out what a
// processor does before it gets a destination.
package logsink

import (
	"context"
	"encoding/json"
	"log/slog"

	"github.com/eventflow-go/eventflow/adapters/destination"
	"github.com/eventflow-go/eventflow/core"
)

// Type is the type of the destination.
const Type = "log"

// MaxPayload bounds what is logged of a payload, in bytes: a log is read by people, and
// often kept for longer than the events.
const MaxPayload = 1 << 10

// Options are what a connector needs.
type Options struct {
	// Logger gets a line for each event, at the level info.
	Logger *slog.Logger
}

// New returns the connector of the type [Type].
func New(o Options) core.Connector { return connector(o) }

type connector Options

// Check implements [core.Connector]. A log has no settings.
func (c connector) Check(given json.RawMessage, _ core.Destination) (core.Destination, error) {
	var none struct{}
	if err := destination.Read(given, Type, &none); err != nil {
		return core.Destination{}, err
	}
	return destination.New(Type, &none)
}

// Open implements [core.Connector].
func (c connector) Open(_ context.Context, _ core.Destination, from core.Origin) (core.Sink, error) {
	return sink{c.Logger.With(
		"org_id", from.Org.String(), "stream_id", from.Stream.String(), "stream", from.StreamName, "processor", from.ProcessorName)}, nil
}

type sink struct{ logger *slog.Logger }

// Send implements [core.Sink].
func (s sink) Send(ctx context.Context, events []core.Outgoing) []core.Sent {
	for i := range events {
		event := &events[i].Event
		s.logger.InfoContext(ctx, "event",
			"event_id", event.ID.String(), "offset", int64(event.Offset), "event_type", event.Type,
			"payload", string(destination.Cut(event.Payload, MaxPayload)))
	}
	return make([]core.Sent, len(events))
}

// Traits implements [core.Sink].
func (sink) Traits() core.SinkTraits {
	return core.SinkTraits{Batch: 100, BatchBytes: 1 << 20, Parallel: 1}
}

// Close implements [core.Sink].
func (sink) Close() error { return nil }
