package core

import (
	"encoding/json"
	"time"
)

// Stream is an append-only sequence of events.
type Stream struct {
	ID  ID `json:"id"`
	Org ID `json:"-"`
	// Name is unique in the organization: 1 to 128 characters, none of them a
	// slash or a control character, and not the form of a UUID.
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	// RetentionDays is how long events are kept, [DefaultRetentionDays] by default.
	RetentionDays int `json:"retention_days"`
	// RetentionBytes and RetentionEvents bound what is kept besides: the newest events
	// that hold so many bytes of payload and context, and so many events. Zero is no
	// bound. Whichever of the three reaches furthest removes. Storages remove whole
	// periods, so that somewhat more is kept, and never less.
	RetentionBytes  int64 `json:"retention_bytes,omitempty"`
	RetentionEvents int64 `json:"retention_events,omitempty"`
	// HotDays is for how long events stay in the store, where there is an archive that
	// they go to then. With zero it is what the server's settings say. Where there is no
	// archive it means nothing.
	HotDays int `json:"hot_days,omitempty"`
	// IdempotencyWindowSeconds bounds how long a key is remembered. With zero it is
	// remembered for as long as its event is retained.
	IdempotencyWindowSeconds int64 `json:"idempotency_window_seconds,omitempty"`
	// Schema is a JSON Schema (2020-12) that every payload must fit, or empty.
	Schema json.RawMessage `json:"schema,omitempty"`
	// Enforcement is what becomes of an event that does not fit. Empty is reject.
	Enforcement Enforcement `json:"enforcement,omitempty"`
	// SchemaVersions counts the versions that were registered for types of events. The
	// events of these types must fit theirs, and not Schema.
	SchemaVersions int `json:"schema_versions,omitempty"`
	// Shard is the one of the store's shards that the events are on. It is chosen when
	// the stream is made, and changes only by a move; Moving is one that has begun.
	Shard  int        `json:"shard,omitempty"`
	Moving *ShardMove `json:"moving,omitempty"`
	// Revision counts the changes, from 1; it is the resource's ETag.
	Revision  int64      `json:"revision"`
	CreatedAt time.Time  `json:"created_at"`
	UpdatedAt time.Time  `json:"updated_at"`
	DeletedAt *time.Time `json:"-"`
	// LastRemoval is what retention removed last, nil when nothing ever was. It is no
	// setting: only [StreamCatalog.NoteRemoval] changes it.
	LastRemoval *Removal `json:"-"`
	// Reported is how many events were taken that did not fit. It is no setting: only
	// [SchemaVersions.NoteReported] changes it.
	Reported int64 `json:"-"`
}

// The limits of a stream's fields.
const (
	MaxStreamNameLength  = 128
	MaxDescriptionLength = 1000
	MaxSchemaBytes       = 256 << 10
	DefaultRetentionDays = 90
	MaxRetentionDays     = 36_500
)

// StreamOverview is a stream with what it holds and how its groups keep up.
type StreamOverview struct {
	Stream
	// Unavailable says that the stream's shard is away. Its numbers are not known then,
	// and zero.
	Unavailable bool        `json:"unavailable,omitempty"`
	Stats       StreamStats `json:"stats"`
	// Groups is how many groups read the stream. Lag is the highest lag among them,
	// DeadLetters the sum over them.
	Groups      int   `json:"groups"`
	Lag         int64 `json:"lag"`
	DeadLetters int64 `json:"dead_letters"`
}

// StreamSpec describes a stream to be created.
type StreamSpec struct {
	Name                     string          `json:"name"`
	Description              string          `json:"description"`
	RetentionDays            *int            `json:"retention_days"`
	RetentionBytes           *int64          `json:"retention_bytes"`
	RetentionEvents          *int64          `json:"retention_events"`
	HotDays                  *int            `json:"hot_days"`
	IdempotencyWindowSeconds *int64          `json:"idempotency_window_seconds"`
	Schema                   json.RawMessage `json:"schema"`
	Enforcement              *Enforcement    `json:"enforcement"`
	// Shard asks for one of the store's shards. Nil is the one with the fewest streams.
	Shard *int `json:"shard"`
}

// StreamChange describes changes to a stream; a nil field changes nothing, and
// a Schema of `null` removes it. RetentionBytes and RetentionEvents of 0 remove the
// bound.
type StreamChange struct {
	Name                     *string         `json:"name"`
	Description              *string         `json:"description"`
	RetentionDays            *int            `json:"retention_days"`
	RetentionBytes           *int64          `json:"retention_bytes"`
	RetentionEvents          *int64          `json:"retention_events"`
	HotDays                  *int            `json:"hot_days"`
	IdempotencyWindowSeconds *int64          `json:"idempotency_window_seconds"`
	Schema                   json.RawMessage `json:"schema"`
	Enforcement              *Enforcement    `json:"enforcement"`
}

// StreamStats says what a stream holds.
type StreamStats struct {
	// Events is how many events are retained.
	Events      int64  `json:"events"`
	FirstOffset Offset `json:"first_offset"`
	NextOffset  Offset `json:"next_offset"`
	// LastReceivedAt is when the newest event was received. It is nil when none ever
	// was.
	LastReceivedAt *time.Time `json:"last_received_at"`
	// Reported is how many events were ever taken that do not fit their schema. It comes
	// seconds late.
	Reported int64 `json:"reported,omitempty"`
}

// StreamQuery says which streams to list. Its zero value is the first page of
// all.
type StreamQuery struct {
	// Prefix is what their names begin with, byte by byte.
	Prefix string
	// Cursor continues a page of the same query.
	Cursor string
	// Limit is the size of a page, [DefaultPageSize] when zero.
	Limit int
}

// StatsOf describes a stream by its bounds.
func StatsOf(b Bounds) StreamStats {
	stats := StreamStats{Events: int64(b.Next - b.First), FirstOffset: b.First, NextOffset: b.Next}
	if !b.Last.IsZero() {
		stats.LastReceivedAt = &b.Last
	}
	return stats
}

// Check refuses a stream whose settings are outside their limits.
func (s *Stream) Check() error {
	if err := CheckName(s.Name); err != nil {
		return err
	}
	if err := CheckText("description", s.Description, 0, MaxDescriptionLength); err != nil {
		return err
	}
	if s.RetentionDays < 1 || s.RetentionDays > MaxRetentionDays {
		return Invalid("retention_days", "must be 1 to %d", MaxRetentionDays)
	}
	if s.RetentionBytes < 0 || s.RetentionBytes > MaxRetentionBytes {
		return Invalid("retention_bytes", "must be 0 (no bound) to %d", int64(MaxRetentionBytes))
	}
	if s.RetentionEvents < 0 || s.RetentionEvents > MaxRetentionEvents {
		return Invalid("retention_events", "must be 0 (no bound) to %d", int64(MaxRetentionEvents))
	}
	if s.HotDays < 0 || s.HotDays > MaxRetentionDays {
		return Invalid("hot_days", "must be 0 (as the server's settings say) to %d", MaxRetentionDays)
	}
	if longest := int64(s.RetentionDays) * 86_400; s.IdempotencyWindowSeconds < 0 || s.IdempotencyWindowSeconds > longest {
		return Invalid("idempotency_window_seconds", "must be 0 (as long as events are retained) to %d", longest)
	}
	switch s.Enforcement {
	case "", EnforceReject, EnforceQuarantine, EnforceReport:
		return nil
	}
	return Invalid("enforcement", "must be reject, quarantine or report")
}
