package rest

import (
	"context"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// CommitRequest settles the events of one lease up to an offset. In an ordered
// group, these are all events up to that offset. Either Offset or LastEventID
// names the last of them. If Lease is set, it must be the lease that holds it.
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

// StatusCommitted is the status of every commit.
const StatusCommitted = "COMMITTED"

// Commit settles the events of one lease up to an offset. In an ordered group,
// these are all events up to that offset.
func (c *Client) Commit(ctx context.Context, stream, group string, request CommitRequest) (committed Committed, err error) {
	err = c.post(ctx, GroupPath(stream, group)+"/offsets", request, &committed)
	return committed, err
}

// AckRequest settles the named events of a lease, or all of them if none is
// named.
type AckRequest struct {
	Lease    *core.ID      `json:"lease"`
	Offsets  []core.Offset `json:"offsets,omitempty"`
	EventIDs []core.ID     `json:"event_ids,omitempty"`
}

// Ack settles events of a lease, or all of them if there are no offsets.
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
	// Delay is when the event is tried again. Without it the group's backoff
	// decides.
	Delay *core.Seconds `json:"delay,omitempty"`
}

// Nack refuses events of a lease.
func (c *Client) Nack(ctx context.Context, stream, group string, lease core.ID, events ...Nack) error {
	return c.post(ctx, GroupPath(stream, group)+"/nack", NackRequest{Lease: &lease, Events: events}, nil)
}

// ExtendRequest asks for more time: until Visibility from now, or as long as
// the group gives if it is nil. With 0 the rest of the lease is given back.
type ExtendRequest struct {
	Lease      *core.ID      `json:"lease"`
	Visibility *core.Seconds `json:"visibility,omitempty"`
}

// Extended is the answer to an extension of a lease.
type Extended struct {
	ExpiresAt time.Time `json:"expires_at"`
}

// Extend asks for more time, and returns how long the lease lasts then.
// visibility is as in [ExtendRequest].
func (c *Client) Extend(ctx context.Context, stream, group string, lease core.ID, visibility *core.Seconds) (time.Time, error) {
	var extended Extended
	err := c.post(ctx, GroupPath(stream, group)+"/extend", ExtendRequest{&lease, visibility}, &extended)
	return extended.ExpiresAt, err
}
