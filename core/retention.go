package core

import (
	"context"
	"time"
)

// Reason names the bound of a stream by which events were removed.
type Reason string

// The bounds of a stream.
const (
	ReasonAge    Reason = "age"
	ReasonBytes  Reason = "bytes"
	ReasonEvents Reason = "events"
)

// Reasons lists all bounds.
var Reasons = []Reason{ReasonAge, ReasonBytes, ReasonEvents}

// The limits of a stream's bounds. All of them are whole numbers in every language.
const (
	MaxRetentionBytes  = 1 << 50
	MaxRetentionEvents = 1 << 50
)

// Removal is what retention took from the beginning of a stream at one time.
type Removal struct {
	At time.Time `json:"at"`
	// Reason is the bound that reached furthest.
	Reason Reason `json:"reason"`
	Events int64  `json:"events"`
	// ApproximateBytes is what the events held, as [Event.Size] counts it. It is
	// exact for few events, and an estimate by a sample for many.
	ApproximateBytes int64 `json:"approximate_bytes"`
	// UntilOffset is where the stream begins since.
	UntilOffset Offset `json:"until_offset"`
}

// StreamRetention says what is kept of a stream, and what was removed last.
type StreamRetention struct {
	RetentionDays   int   `json:"retention_days"`
	RetentionBytes  int64 `json:"retention_bytes,omitempty"`
	RetentionEvents int64 `json:"retention_events,omitempty"`
	HotDays         int   `json:"hot_days,omitempty"`
	// Events is how many events are kept. ApproximateBytes is as in [Removal].
	Events           int64 `json:"events"`
	ApproximateBytes int64 `json:"approximate_bytes"`
	// ArchivedEvents is how many of them are in the archive, where there is one, and
	// ArchivedBytes what they take there.
	ArchivedEvents int64 `json:"archived_events,omitempty"`
	ArchivedBytes  int64 `json:"archived_bytes,omitempty"`
	// ArchivedUntil is when the last of them was received, and ArchivedNextOffset the
	// offset behind it.
	ArchivedUntil      *time.Time `json:"archived_until,omitempty"`
	ArchivedNextOffset Offset     `json:"archived_next_offset,omitempty"`
	// ArchiveAfterDays is after how many days events go into the archive, by the stream's
	// hot_days or by the server's. It is zero where there is no archive.
	ArchiveAfterDays int `json:"archive_after_days,omitempty"`
	// OldestReceivedAt is when the oldest of them was received. It is nil when none is
	// kept.
	OldestReceivedAt *time.Time `json:"oldest_received_at"`
	// LastRemoval is nil when nothing was ever removed.
	LastRemoval *Removal `json:"last_removal"`
}

// Preparer is what a [Storage] that makes room for a day's events before it stores
// them is, too.
type Preparer interface {
	// Prepare makes room for what will be received until a time, and takes away the
	// room of former days that nobody has used. It may be called again, and by several
	// nodes at once. A storage whose Prepare is never called, or fails, still stores
	// every event: it makes the room as the event comes.
	Prepare(ctx context.Context, now, until time.Time) error
}
