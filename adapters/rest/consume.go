package rest

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Delivery is the answer to a poll.
type Delivery struct {
	Events []DeliveredEvent `json:"events"`
	// NextOffset is the offset after the last event, or the one that comes next
	// for the group where there is none.
	NextOffset core.Offset `json:"next_offset"`
	// Lease is what the group's other calls present; null where no event came.
	Lease *Lease `json:"lease"`
}

// Lease is a consumer's hold on events.
type Lease struct {
	ID        core.ID   `json:"id"`
	ExpiresAt time.Time `json:"expires_at"`
}

// DeliveredEvent is an event, and how often it has been handed out by now.
type DeliveredEvent struct {
	core.Event
	Attempt int `json:"attempt"`
}

// PollOptions says what a poll asks for.
type PollOptions struct {
	// Limit bounds the events; 0 is the server's default.
	Limit int
	// Wait is how long to wait for the first event.
	Wait time.Duration
}

// Poll takes events out of a group, under a lease. [Client.Consume] does this
// and the rest.
func (c *Client) Poll(ctx context.Context, stream, group string, options PollOptions) (delivery Delivery, err error) {
	query := url.Values{}
	if options.Limit > 0 {
		query.Set("limit", strconv.Itoa(options.Limit))
	}
	if options.Wait > 0 {
		query.Set("timeout", strconv.FormatFloat(options.Wait.Seconds(), 'f', -1, 64))
	}
	err = c.get(ctx, withQuery(GroupPath(stream, group)+"/events", query), &delivery)
	return delivery, err
}
