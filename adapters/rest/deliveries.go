package rest

import (
	"context"
	"net/url"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// DeliveriesPath is the address of attempts to send.
const DeliveriesPath = Prefix + "/deliveries"

// Deliveries returns a page of a processor's attempts to send, newest first. An empty
// outcome is every outcome.
func (c *Client) Deliveries(
	ctx context.Context, stream, processor string, outcome core.DeliveryOutcome, cursor string, limit int,
) (page List[core.DeliveryAttempt], err error) {
	query := pageQuery(cursor, limit)
	if outcome != "" {
		query.Set("outcome", string(outcome))
	}
	err = c.get(ctx, withQuery(ProcessorPath(stream, processor)+"/deliveries", query), &page)
	return page, err
}

// Resend sends the event of an attempt once more.
func (c *Client) Resend(ctx context.Context, id core.ID) (attempt core.DeliveryAttempt, err error) {
	err = c.post(ctx, DeliveriesPath+"/"+url.PathEscape(id.String())+"/resend", nil, &attempt)
	return attempt, err
}

// SendTest sends a made-up event to the destination of a processor.
func (c *Client) SendTest(ctx context.Context, stream, processor string) (attempt core.DeliveryAttempt, err error) {
	err = c.post(ctx, ProcessorPath(stream, processor)+"/send-test", nil, &attempt)
	return attempt, err
}

// RecoverRequest gives back the dead letters that were parked since a time.
type RecoverRequest struct {
	Since *core.Time `json:"since"`
}

// Recover gives back the dead letters of a processor that were parked since a time.
func (c *Client) Recover(ctx context.Context, stream, processor string, since time.Time) (replay core.Replay, err error) {
	err = c.post(ctx, ProcessorPath(stream, processor)+"/recover", RecoverRequest{Since: &core.Time{Time: since}}, &replay)
	return replay, err
}
