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
	// NextOffset is the offset after the last event. If there is no event, it is
	// the next one that the group will get.
	NextOffset core.Offset `json:"next_offset"`
	// Lease is what [Client.Ack], [Client.Nack] and [Client.Extend] present. It is
	// null if there is no event.
	Lease *Lease `json:"lease"`
}

// Lease is a consumer's hold on the events that it was handed.
type Lease struct {
	ID        core.ID   `json:"id"`
	ExpiresAt time.Time `json:"expires_at"`
}

// DeliveredEvent is an event that was handed out. Attempt counts how often,
// this time included.
type DeliveredEvent struct {
	core.Event
	Attempt int `json:"attempt"`
}

// PollOptions says how many events a poll takes, and how long it waits.
type PollOptions struct {
	// Limit is how many events there are at most; 0 is the server's default.
	Limit int
	// Wait is how long the server waits for the first event.
	Wait time.Duration
}

// Poll takes events out of a group, under a lease. [Client.Consume] polls, and
// does everything that comes after.
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
