package rest

import (
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

// AckRequest settles events of a lease: those named, or all when none is.
type AckRequest struct {
	Lease    *core.ID      `json:"lease"`
	Offsets  []core.Offset `json:"offsets,omitempty"`
	EventIDs []core.ID     `json:"event_ids,omitempty"`
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

// ResetRequest moves a group.
type ResetRequest struct {
	To *core.Start `json:"to"`
}

// ResetAnswer says where a group is now.
type ResetAnswer struct {
	NextOffset core.Offset `json:"next_offset"`
}

// GroupWithStatus is a group and how far it got.
type GroupWithStatus struct {
	core.Group
	Status core.GroupStatus `json:"status"`
}

// ReplayRequest gives dead letters back to their groups: those that match all
// the fields that are set.
type ReplayRequest struct {
	Stream string `json:"stream,omitempty"`
	Group  string `json:"group,omitempty"`
	Reason string `json:"reason,omitempty"`
	Type   string `json:"event_type,omitempty"`
	// Rate is how many letters a second are given back at most; 0 is unbounded.
	Rate float64 `json:"rate,omitempty"`
	// DryRun counts and does nothing.
	DryRun bool `json:"dry_run,omitempty"`
}

// ReplayCount is the answer to a dry run.
type ReplayCount struct {
	Total int64 `json:"total"`
}
