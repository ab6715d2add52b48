package rest

import (
	"context"
	"iter"
	"net/url"
	"strconv"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// StreamsPath is the address of the list of streams.
const StreamsPath = Prefix + "/streams"

// StreamPath is the address of one stream, by id or name.
func StreamPath(ref string) string { return StreamsPath + "/" + url.PathEscape(ref) }

// CreateStream creates a stream.
func (c *Client) CreateStream(ctx context.Context, spec core.StreamSpec) (stream core.Stream, err error) {
	err = c.post(ctx, StreamsPath, spec, &stream)
	return stream, err
}

// StreamsPage returns a page of the streams, by name.
func (c *Client) StreamsPage(ctx context.Context, query core.StreamQuery) (page List[core.Stream], err error) {
	err = c.get(ctx, withQuery(StreamsPath, streamQuery(query)), &page)
	return page, err
}

// StreamOverviews is [Client.StreamsPage], with the numbers of each stream.
func (c *Client) StreamOverviews(ctx context.Context, query core.StreamQuery) (page List[core.StreamOverview], err error) {
	values := streamQuery(query)
	values.Set("stats", "true")
	err = c.get(ctx, withQuery(StreamsPath, values), &page)
	return page, err
}

// Streams returns all streams, by name, page by page. It stops after an error.
func (c *Client) Streams(ctx context.Context) iter.Seq2[core.Stream, error] {
	return pages(func(cursor string) (List[core.Stream], error) {
		return c.StreamsPage(ctx, core.StreamQuery{Cursor: cursor})
	})
}

func streamQuery(query core.StreamQuery) url.Values {
	values := pageQuery(query.Cursor, query.Limit)
	if query.Prefix != "" {
		values.Set("prefix", query.Prefix)
	}
	return values
}

// Stream returns a stream by id or name.
func (c *Client) Stream(ctx context.Context, ref string) (stream core.Stream, err error) {
	err = c.get(ctx, StreamPath(ref), &stream)
	return stream, err
}

// ChangeStream changes the fields that are set. If revision is not 0 and the
// stream has another one by now, nothing changes, and the error has
// [core.CodePreconditionFailed].
func (c *Client) ChangeStream(ctx context.Context, ref string, change core.StreamChange, revision int64) (stream core.Stream, err error) {
	fields := map[string]any{}
	setField(fields, "name", change.Name)
	setField(fields, "description", change.Description)
	setField(fields, "retention_days", change.RetentionDays)
	setField(fields, "retention_bytes", change.RetentionBytes)
	setField(fields, "retention_events", change.RetentionEvents)
	setField(fields, "hot_days", change.HotDays)
	setField(fields, "idempotency_window_seconds", change.IdempotencyWindowSeconds)
	setField(fields, "enforcement", change.Enforcement)
	if change.Schema != nil {
		fields["schema"] = change.Schema
	}
	err = c.patch(ctx, StreamPath(ref), revision, fields, &stream)
	return stream, err
}

// DeleteStream deletes a stream; revision is as for [Client.ChangeStream].
func (c *Client) DeleteStream(ctx context.Context, ref string, revision int64) error {
	return c.delete(ctx, StreamPath(ref), revision)
}

// StreamMove says where a stream is to be moved.
type StreamMove struct {
	Shard *int `json:"shard"`
}

// MoveStream begins to move a stream to another shard of the store, and returns the stream
// with what was begun. [core.Stream.Moving] is there until it is done.
func (c *Client) MoveStream(ctx context.Context, ref string, shard int) (stream core.Stream, err error) {
	err = c.post(ctx, StreamPath(ref)+"/move", StreamMove{Shard: &shard}, &stream)
	return stream, err
}

// StreamStats returns how much a stream holds.
func (c *Client) StreamStats(ctx context.Context, ref string) (stats core.StreamStats, err error) {
	err = c.get(ctx, StreamPath(ref)+"/stats", &stats)
	return stats, err
}

// StreamRetention returns what is kept of a stream, by which bounds, and what was
// removed last.
func (c *Client) StreamRetention(ctx context.Context, ref string) (kept core.StreamRetention, err error) {
	err = c.get(ctx, StreamPath(ref)+"/retention", &kept)
	return kept, err
}

// Histogram counts a stream's events between two times, in buckets of equal
// length.
func (c *Client) Histogram(ctx context.Context, stream string, from, to time.Time, buckets int) (histogram core.Histogram, err error) {
	query := url.Values{"from": {formatTime(from)}, "to": {formatTime(to)}, "buckets": {strconv.Itoa(buckets)}}
	err = c.get(ctx, withQuery(StreamPath(stream)+"/histogram", query), &histogram)
	return histogram, err
}
