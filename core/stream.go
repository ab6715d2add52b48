package core

import (
	"encoding/json"
	"time"
)

// Organization is a tenant: nothing of one is ever visible in another.
type Organization struct {
	ID        ID        `json:"id"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
	// KeyRate bounds each key of the organization that has no rate of its own,
	// UserRate each person, in place of the settings. Only who operates the
	// installation changes them.
	KeyRate  Rate `json:"key_rate,omitzero"`
	UserRate Rate `json:"user_rate,omitzero"`
}

// Stream is an append-only sequence of events.
type Stream struct {
	ID  ID `json:"id"`
	Org ID `json:"-"`
	// Name is unique in the organization: 1 to 128 characters, none of them a
	// slash or a control character, and not the form of a UUID.
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	// RetentionDays is how long events are kept; 90 where nothing is said.
	RetentionDays int `json:"retention_days"`
	// IdempotencyWindowSeconds bounds how long a key is remembered; zero is as
	// long as its event is retained.
	IdempotencyWindowSeconds int64 `json:"idempotency_window_seconds,omitempty"`
	// Schema is a JSON Schema (2020-12) that every payload must fit, or empty.
	Schema json.RawMessage `json:"schema,omitempty"`
	// Revision counts the changes, from 1; it is the resource's ETag.
	Revision  int64      `json:"revision"`
	CreatedAt time.Time  `json:"created_at"`
	UpdatedAt time.Time  `json:"updated_at"`
	DeletedAt *time.Time `json:"-"`
}

// The limits of a stream's fields.
const (
	MaxStreamNameLength  = 128
	MaxDescriptionLength = 1000
	MaxSchemaBytes       = 256 << 10
	DefaultRetentionDays = 90
	MaxRetentionDays     = 36_500
)
