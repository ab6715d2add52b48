package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"iter"
	"maps"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Client calls a server. It is safe for concurrent use. Every error that the
// server answered with is an [*Error] and wraps an [*core.Error]; any other
// means that there is no answer, and that a request may have taken effect.
type Client struct {
	base string
	key  atomic.Pointer[string]
	http transport
}

// NewClient returns a client of the server at base, such as
// `http://localhost:8080`, that presents an API key.
func NewClient(base, key string) *Client {
	c := &Client{base: strings.TrimRight(base, "/")}
	c.Present(key)
	return c
}

// Present has the client present another credential from now on: an API key, a
// service token or an access token. An empty one is none.
func (c *Client) Present(credential string) { c.key.Store(&credential) }

// exchange is a request on its way to the transport.
type exchange struct {
	method  string
	url     string
	headers map[string]string
	body    []byte
}

// answer is what came back. header returns a header's value, or "".
type answer struct {
	status int
	header func(name string) string
	body   io.ReadCloser
}

// CreateStream creates a stream.
func (c *Client) CreateStream(ctx context.Context, spec core.StreamSpec) (stream core.Stream, err error) {
	err = c.call(ctx, "POST", StreamsPath, nil, spec, &stream)
	return stream, err
}

// StreamsPage returns a page of the streams, by name.
func (c *Client) StreamsPage(ctx context.Context, query core.StreamQuery) (page List[core.Stream], err error) {
	err = c.call(ctx, "GET", withQuery(StreamsPath, streamQuery(query)), nil, nil, &page)
	return page, err
}

// StreamOverviews is StreamsPage with numbers.
func (c *Client) StreamOverviews(ctx context.Context, query core.StreamQuery) (page List[core.StreamOverview], err error) {
	values := streamQuery(query)
	values.Set("stats", "true")
	err = c.call(ctx, "GET", withQuery(StreamsPath, values), nil, nil, &page)
	return page, err
}

func streamQuery(query core.StreamQuery) url.Values {
	values := url.Values{}
	if query.Prefix != "" {
		values.Set("prefix", query.Prefix)
	}
	if query.Cursor != "" {
		values.Set("cursor", query.Cursor)
	}
	if query.Limit > 0 {
		values.Set("limit", strconv.Itoa(query.Limit))
	}
	return values
}

// Histogram counts a stream's events from one time to another in equal parts.
func (c *Client) Histogram(ctx context.Context, stream string, from, to time.Time, buckets int) (histogram core.Histogram, err error) {
	query := url.Values{"from": {formatTime(from)}, "to": {formatTime(to)}, "buckets": {strconv.Itoa(buckets)}}
	err = c.call(ctx, "GET", withQuery(StreamPath(stream)+"/histogram", query), nil, nil, &histogram)
	return histogram, err
}

// Streams returns all streams, by name, page by page. It stops after an error.
func (c *Client) Streams(ctx context.Context) iter.Seq2[core.Stream, error] {
	return pages(func(cursor string) (List[core.Stream], error) {
		return c.StreamsPage(ctx, core.StreamQuery{Cursor: cursor})
	})
}

// Stream returns a stream by id or name.
func (c *Client) Stream(ctx context.Context, ref string) (stream core.Stream, err error) {
	err = c.call(ctx, "GET", StreamPath(ref), nil, nil, &stream)
	return stream, err
}

// ChangeStream changes the fields that are set. With a revision other than 0
// it is refused when the stream has another one by now
// ([core.CodePreconditionFailed]).
func (c *Client) ChangeStream(ctx context.Context, ref string, change core.StreamChange, revision int64) (stream core.Stream, err error) {
	fields := map[string]any{}
	setField(fields, "name", change.Name)
	setField(fields, "description", change.Description)
	setField(fields, "retention_days", change.RetentionDays)
	setField(fields, "idempotency_window_seconds", change.IdempotencyWindowSeconds)
	if change.Schema != nil {
		fields["schema"] = change.Schema
	}
	err = c.call(ctx, "PATCH", StreamPath(ref), ifMatch(revision), fields, &stream)
	return stream, err
}

func setField[T any](fields map[string]any, name string, value *T) {
	if value != nil {
		fields[name] = value
	}
}

// DeleteStream takes a stream away; revision is as for ChangeStream.
func (c *Client) DeleteStream(ctx context.Context, ref string, revision int64) error {
	return c.call(ctx, "DELETE", StreamPath(ref), ifMatch(revision), nil, nil)
}

func ifMatch(revision int64) map[string]string {
	if revision == 0 {
		return nil
	}
	return map[string]string{"If-Match": strconv.Quote(strconv.FormatInt(revision, 10))}
}

// StreamStats says what a stream holds.
func (c *Client) StreamStats(ctx context.Context, ref string) (stats core.StreamStats, err error) {
	err = c.call(ctx, "GET", StreamPath(ref)+"/stats", nil, nil, &stats)
	return stats, err
}

// Validate returns the error that publishing the event would end with, or nil.
func (c *Client) Validate(ctx context.Context, stream string, event NewEvent) error {
	body, err := event.appendJSON(nil)
	if err != nil {
		return err
	}
	return c.exchange(ctx, "POST", StreamPath(stream)+"/validate", nil, body, nil)
}

// Publish sends one event and returns when it is durable. An empty stream
// means the one that the event names.
func (c *Client) Publish(ctx context.Context, stream string, event NewEvent) (receipt core.Receipt, err error) {
	body, err := event.appendJSON(nil)
	if err != nil {
		return receipt, err
	}
	err = c.exchange(ctx, "POST", StreamEventsPath(stream), nil, body, &receipt)
	return receipt, err
}

// PublishBatch sends many events and returns one result for each, in order.
// An error is about the request as a whole; that the server refused events
// each for its own reason is none.
func (c *Client) PublishBatch(ctx context.Context, stream string, events []NewEvent) (result BatchResult, err error) {
	body, err := appendEvents(nil, events)
	if err != nil {
		return result, err
	}
	got, err := c.send(ctx, "POST", StreamEventsPath(stream)+"/batch", nil, body)
	if err != nil {
		return result, err
	}
	defer got.body.Close()
	if isError(got.status) && got.header("Content-Type") != TypeJSON {
		return result, readError(got)
	}
	err = json.NewDecoder(got.body).Decode(&result)
	return result, err
}

// EventsPage returns a page of the events of a stream, or of all when stream
// is empty.
func (c *Client) EventsPage(ctx context.Context, stream string, query core.EventQuery) (page List[core.Event], err error) {
	err = c.call(ctx, "GET", withQuery(StreamEventsPath(stream), Query(query)), nil, nil, &page)
	return page, err
}

// AllEvents is a page of the events of all streams.
type AllEvents struct {
	List[core.Event]
	// Streams are the names of the events' streams.
	Streams map[core.ID]string `json:"streams"`
}

// AllEventsPage returns a page of the events of all streams, with their streams'
// names.
func (c *Client) AllEventsPage(ctx context.Context, query core.EventQuery) (page AllEvents, err error) {
	err = c.call(ctx, "GET", withQuery(EventsPath, Query(query)), nil, nil, &page)
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

// Event returns one event by its id.
func (c *Client) Event(ctx context.Context, stream, id string) (event core.Event, err error) {
	err = c.call(ctx, "GET", StreamEventsPath(stream)+"/"+url.PathEscape(id), nil, nil, &event)
	return event, err
}

// Export returns all events that match, in one of the formats of an export.
// A read error before the end means that the export broke off.
func (c *Client) Export(ctx context.Context, stream string, query core.EventQuery, format string) (io.ReadCloser, error) {
	values := Query(query)
	values.Del("cursor")
	values.Del("limit")
	values.Set("format", format)
	got, err := c.send(ctx, "GET", withQuery(StreamEventsPath(stream)+"/export", values), nil, nil)
	if err != nil {
		return nil, err
	}
	if isError(got.status) {
		defer got.body.Close()
		return nil, readError(got)
	}
	return got.body, nil
}

// Health asks how the server is. A server that is not ready is no error.
func (c *Client) Health(ctx context.Context) (health Health, err error) {
	got, err := c.send(ctx, "GET", Prefix+"/health", nil, nil)
	if err != nil {
		return health, err
	}
	defer got.body.Close()
	if got.header("Content-Type") != TypeJSON {
		return health, readError(got)
	}
	err = json.NewDecoder(got.body).Decode(&health)
	return health, err
}

// Ready returns nil when the server can serve requests.
func (c *Client) Ready(ctx context.Context) error {
	health, err := c.Health(ctx)
	if err == nil && health.Status == StatusUnavailable {
		err = core.Unavailable(nil, time.Second, "the server is not ready")
	}
	return err
}

// pages turns a function that returns a page into a sequence of what is on it.
func pages[T any](page func(cursor string) (List[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for cursor := ""; ; {
			list, err := page(cursor)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range list.Items {
				if !yield(item, nil) {
					return
				}
			}
			if cursor = list.Pagination.NextCursor; !list.Pagination.HasMore {
				return
			}
		}
	}
}

// call makes a request with a JSON body, where there is one, and decodes the
// answer, where it is wanted.
func (c *Client) call(ctx context.Context, method, path string, headers map[string]string, body, into any) error {
	var encoded []byte
	if body != nil {
		var err error
		if encoded, err = json.Marshal(body); err != nil {
			return err
		}
	}
	return c.exchange(ctx, method, path, headers, encoded, into)
}

// exchange makes a request and decodes the answer, where it is wanted.
func (c *Client) exchange(ctx context.Context, method, path string, headers map[string]string, body []byte, into any) error {
	got, err := c.send(ctx, method, path, headers, body)
	if err != nil {
		return err
	}
	defer got.body.Close()
	if isError(got.status) {
		return readError(got)
	}
	if into == nil {
		_, err = io.Copy(io.Discard, got.body)
		return err
	}
	return json.NewDecoder(got.body).Decode(into)
}

func (c *Client) send(ctx context.Context, method, path string, headers map[string]string, body []byte) (answer, error) {
	all := map[string]string{}
	maps.Copy(all, headers)
	if key := *c.key.Load(); key != "" {
		all[HeaderAPIKey] = key
	}
	if body != nil {
		all["Content-Type"] = TypeJSON
	}
	return c.http.do(ctx, exchange{method: method, url: c.base + path, headers: all, body: body})
}

func isError(status int) bool { return status >= 300 }

// maxProblemBytes bounds what is read of an answer that is an error.
const maxProblemBytes = 4 << 20

func readError(got answer) error {
	var problem Problem
	body, _ := io.ReadAll(io.LimitReader(got.body, maxProblemBytes))
	if json.NewDecoder(bytes.NewReader(body)).Decode(&problem) != nil {
		problem = Problem{}
	}
	if problem.RequestID == "" {
		problem.RequestID = got.header(HeaderRequestID)
	}
	seconds, _ := strconv.Atoi(got.header("Retry-After"))
	return errorOf(got.status, problem, time.Duration(seconds)*time.Second)
}
