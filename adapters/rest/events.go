package rest

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"
	"strconv"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// EventsPath is the address of the events of all streams.
const EventsPath = Prefix + "/events"

// StreamEventsPath is the address of the events of one stream, or of all
// streams if ref is empty.
func StreamEventsPath(ref string) string {
	if ref == "" {
		return EventsPath
	}
	return StreamPath(ref) + "/events"
}

// NewEvent is an event as a producer sends it. Only Type and Payload are
// required. [core.Event] says what the fields mean.
type NewEvent struct {
	// Stream is the stream's id or name, in a request whose path does not name it.
	Stream         string            `json:"stream,omitempty"`
	Type           string            `json:"event_type,omitempty"`
	Version        int32             `json:"event_version,omitempty"`
	OccurredAt     time.Time         `json:"occurred_at,omitzero"`
	Source         string            `json:"source,omitempty"`
	Subject        string            `json:"subject,omitempty"`
	Payload        json.RawMessage   `json:"payload"`
	Context        map[string]string `json:"context,omitempty"`
	IdempotencyKey string            `json:"idempotency_key,omitempty"`
}

// appendJSON appends the event as JSON. encoding/json would compact the
// payload, which is sent byte for byte.
func (e NewEvent) appendJSON(b []byte) ([]byte, error) {
	payload := e.Payload
	e.Payload = nil
	type fields NewEvent
	head, err := json.Marshal(struct {
		fields
		Payload *struct{} `json:"payload,omitempty"` // hides the field of that name
	}{fields: fields(e)})
	if err != nil || len(payload) == 0 {
		return append(b, head...), err
	}
	b = append(b, head[:len(head)-1]...)
	if len(head) > len("{}") {
		b = append(b, ',')
	}
	b = append(b, `"payload":`...)
	b = append(b, payload...)
	return append(b, '}'), nil
}

// Publish sends one event, and returns when it is durable. If stream is empty,
// the event names it.
func (c *Client) Publish(ctx context.Context, stream string, event NewEvent) (receipt core.Receipt, err error) {
	body, err := event.appendJSON(nil)
	if err != nil {
		return receipt, err
	}
	err = c.do(ctx, request{method: "POST", path: StreamEventsPath(stream), body: body}, &receipt)
	return receipt, err
}

// Validity is the answer to a dry run that found nothing wrong. Any other dry
// run is answered with the error that storing the event would end with.
type Validity struct {
	Valid bool `json:"valid"`
}

// Validate returns the error that publishing the event would end with, nil if
// it would succeed.
func (c *Client) Validate(ctx context.Context, stream string, event NewEvent) error {
	body, err := event.appendJSON(nil)
	if err != nil {
		return err
	}
	return c.do(ctx, request{method: "POST", path: StreamPath(stream) + "/validate", body: body}, nil)
}

// EventsPage returns a page of the events of a stream, or of all streams if
// stream is empty.
func (c *Client) EventsPage(ctx context.Context, stream string, query core.EventQuery) (page List[core.Event], err error) {
	err = c.get(ctx, withQuery(StreamEventsPath(stream), Query(query)), &page)
	return page, err
}

// Events returns all events that match, page by page. It stops after an error.
func (c *Client) Events(ctx context.Context, stream string, query core.EventQuery) iter.Seq2[core.Event, error] {
	return pages(func(cursor string) (List[core.Event], error) {
		if cursor != "" {
			query.Cursor = cursor
		}
		return c.EventsPage(ctx, stream, query)
	})
}

// AllEvents is a page of the events of all streams, with the names of the
// streams.
type AllEvents struct {
	List[core.Event]
	// Streams maps the ids of the events' streams to their names.
	Streams map[core.ID]string `json:"streams"`
	// Missing says what a page lacks that was asked for with `partial=true`, because shards
	// are away. It is left out where nothing is missing.
	Missing *core.Missing `json:"missing,omitempty"`
}

// AllEventsPage returns a page of the events of all streams, with the names of
// the streams.
func (c *Client) AllEventsPage(ctx context.Context, query core.EventQuery) (page AllEvents, err error) {
	err = c.get(ctx, withQuery(EventsPath, Query(query)), &page)
	return page, err
}

// Event returns one event by its id.
func (c *Client) Event(ctx context.Context, stream, id string) (event core.Event, err error) {
	err = c.get(ctx, StreamEventsPath(stream)+"/"+url.PathEscape(id), &event)
	return event, err
}

// Query returns the parameters of a query for events. The client uses it for
// requests, and the server for its links to next pages.
func Query(eq core.EventQuery) url.Values {
	values := url.Values{}
	set := func(name, value string) {
		if value != "" {
			values.Set(name, value)
		}
	}
	set("type", eq.Filter.Type)
	set("source", eq.Filter.Source)
	set("subject", eq.Filter.Subject)
	set("from", formatTime(eq.From))
	set("to", formatTime(eq.To))
	set("cursor", eq.Cursor)
	if eq.After != nil {
		set("after", strconv.FormatInt(int64(*eq.After), 10))
	}
	if eq.Descending {
		set("order", "desc")
	}
	if eq.Partial {
		set(PartialParameter, "true")
	}
	if eq.Limit > 0 {
		set("limit", strconv.FormatInt(int64(eq.Limit), 10))
	}
	for _, match := range eq.Payload {
		values.Set(PayloadParameter+match.Path, match.Value)
	}
	return values
}

// PayloadParameter begins the names of parameters that filter by a value in the
// payload, such as `payload.user.id=42`.
const PayloadParameter = "payload."

// PartialParameter is the parameter of a request that takes a part of an answer over all
// streams while a shard is away.
const PartialParameter = "partial"

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
