package rest

import (
	"context"
	"net/url"

	"github.com/eventflow-go/eventflow/core"
)

// Trace returns what has become of an event, in each consumer group.
func (c *Client) Trace(ctx context.Context, id string) (trace core.EventTrace, err error) {
	err = c.get(ctx, EventsPath+"/"+url.PathEscape(id)+"/trace", &trace)
	return trace, err
}
