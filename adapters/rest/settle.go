package rest

import (
	"context"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// CommitRequest settles everything up to an offset, of the run that holds it.
// Either Offset or LastEventID names the event. Lease may be left out.
type CommitRequest struct {
	Offset      *core.Offset `json:"offset,omitempty"`
	LastEventID *core.ID     `json:"last_event_id,omitempty"`
	Lease       *core.ID     `json:"lease,omitempty"`
}

// Committed is the answer to a commit.
type Committed struct {
	// Status is [StatusCommitted].
	Status      string      `json:"status"`
	Offset      core.Offset `json:"offset"`
	CommittedAt time.Time   `json:"committed_at"`
}

// StatusCommitted is the status of every commit that took place.
const StatusCommitted = "COMMITTED"

// Commit settles everything up to an offset, of the run that holds it.
func (c *Client) Commit(ctx context.Context, stream, group string, request CommitRequest) (committed Committed, err error) {
	err = c.post(ctx, GroupPath(stream, group)+"/offsets", request, &committed)
	return committed, err
}

// AckRequest settles events of a lease: those named, or all when none is.
type AckRequest struct {
	Lease    *core.ID      `json:"lease"`
	Offsets  []core.Offset `json:"offsets,omitempty"`
	EventIDs []core.ID     `json:"event_ids,omitempty"`
}

// Ack settles events of a lease, all of it when there are no offsets.
func (c *Client) Ack(ctx context.Context, stream, group string, lease core.ID, offsets ...core.Offset) error {
	return c.post(ctx, GroupPath(stream, group)+"/ack", AckRequest{Lease: &lease, Offsets: offsets}, nil)
}

// NackRequest refuses events of a lease.
type NackRequest struct {
	Lease  *core.ID `json:"lease"`
	Events []Nack   `json:"events"`
}

// Nack refuses one event, named by Offset or EventID.
type Nack struct {
	Offset  *core.Offset    `json:"offset,omitempty"`
	EventID *core.ID        `json:"event_id,omitempty"`
	Action  core.NackAction `json:"action,omitempty"`
	Reason  string          `json:"reason,omitempty"`
	// Delay is in seconds; without it the group's backoff applies.
	Delay *core.Seconds `json:"delay,omitempty"`
}

// Nack refuses events of a lease.
func (c *Client) Nack(ctx context.Context, stream, group string, lease core.ID, events ...Nack) error {
	return c.post(ctx, GroupPath(stream, group)+"/nack", NackRequest{Lease: &lease, Events: events}, nil)
}

// ExtendRequest asks for more time: Visibility seconds from now, or as much as
// the group gives. 0 gives the rest of the lease back.
type ExtendRequest struct {
	Lease      *core.ID      `json:"lease"`
	Visibility *core.Seconds `json:"visibility,omitempty"`
}

// Extended is the answer to an extension.
type Extended struct {
	ExpiresAt time.Time `json:"expires_at"`
}

// Extend asks for more time, as much as the group gives when visibility is nil,
// and returns until when. A visibility of 0 gives the rest of the lease back.
func (c *Client) Extend(ctx context.Context, stream, group string, lease core.ID, visibility *core.Seconds) (time.Time, error) {
	var extended Extended
	err := c.post(ctx, GroupPath(stream, group)+"/extend", ExtendRequest{&lease, visibility}, &extended)
	return extended.ExpiresAt, err
}
