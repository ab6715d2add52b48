package rest

import (
	"context"
	"io"

	"github.com/eventflow-go/eventflow/core"
)

// The formats of an export.
const (
	FormatNDJSON = "ndjson"
	FormatCSV    = "csv"
)

// Export returns all events that match, in one of the formats of an export. An
// error while reading means that the export broke off: there are more events.
func (c *Client) Export(ctx context.Context, stream string, query core.EventQuery, format string) (io.ReadCloser, error) {
	values := Query(query)
	values.Del("cursor")
	values.Del("limit")
	values.Set("format", format)
	got, err := c.send(ctx, request{method: "GET", path: withQuery(StreamEventsPath(stream)+"/export", values)})
	if err != nil {
		return nil, err
	}
	if isError(got.status) {
		defer got.body.Close()
		return nil, readError(got)
	}
	return got.body, nil
}
