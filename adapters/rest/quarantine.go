package rest

import (
	"context"
	"net/url"

	"github.com/eventflow-go/eventflow/core"
)

// QuarantinePath is the address of the quarantine of a stream.
func QuarantinePath(stream string) string { return StreamPath(stream) + "/quarantine" }

// QuarantinedPath is the address of one event of a quarantine.
func QuarantinedPath(stream, id string) string {
	return QuarantinePath(stream) + "/" + url.PathEscape(id)
}

// QuarantinePage returns a page of the quarantine of a stream, newest first.
func (c *Client) QuarantinePage(ctx context.Context, stream string, query core.QuarantineQuery) (page List[core.Quarantined], err error) {
	values := pageQuery(query.Cursor, query.Limit)
	if query.EventType != "" {
		values.Set("event_type", query.EventType)
	}
	err = c.get(ctx, withQuery(QuarantinePath(stream), values), &page)
	return page, err
}

// Quarantined returns one event of a quarantine.
func (c *Client) Quarantined(ctx context.Context, stream, id string) (found core.Quarantined, err error) {
	err = c.get(ctx, QuarantinedPath(stream, id), &found)
	return found, err
}

// IngestQuarantined puts an event of a quarantine into its stream, mended.
func (c *Client) IngestQuarantined(ctx context.Context, stream, id string, mend core.Mend) (receipt core.Receipt, err error) {
	fields := map[string]any{}
	setField(fields, "event_type", mend.EventType)
	setField(fields, "event_version", mend.Version)
	if mend.Payload != nil {
		fields["payload"] = mend.Payload
	}
	err = c.post(ctx, QuarantinedPath(stream, id)+"/ingest", fields, &receipt)
	return receipt, err
}

// DiscardQuarantined throws an event of a quarantine away.
func (c *Client) DiscardQuarantined(ctx context.Context, stream, id string) error {
	return c.post(ctx, QuarantinedPath(stream, id)+"/discard", nil, nil)
}
