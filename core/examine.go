package core

import "context"

// Finding is what a look at an installation has found about one thing.
type Finding struct {
	// About is what was looked at, as `durability`.
	About string       `json:"about"`
	State FindingState `json:"state"`
	// Text says what was found. Of a problem it says what to do.
	Text string `json:"text"`
	// Stream and Offset name the event that is damaged, where it is one.
	Stream string  `json:"stream,omitempty"`
	Offset *Offset `json:"offset,omitempty"`
}

// FindingState says how bad a finding is.
type FindingState string

// The states of findings. A note is worth reading and not wrong.
const (
	FindingGood    FindingState = "ok"
	FindingNote    FindingState = "note"
	FindingProblem FindingState = "problem"
)

// Examiner is what a [Storage] or a [Catalog] is, too, that can look deeper into its
// own state than Check does.
type Examiner interface {
	// Examine looks at everything that the engine can say about what it keeps, and
	// tells of each thing. It changes nothing, may take long, and runs beside servers.
	// An error means that it could not go on; damage is a finding.
	Examine(ctx context.Context, tell func(Finding)) error
}

// Rememberer is what a [Storage] is, too, that shows the idempotency keys which it
// remembers.
type Rememberer interface {
	// Remembered returns the keys of a stream whose events have offsets of the range,
	// to not included, in the order of the offsets.
	Remembered(ctx context.Context, stream ID, from, to Offset) ([]Remembered, error)
}

// Remembered is an idempotency key as a log remembers it: the event that it made, and
// that event's fingerprint.
type Remembered struct {
	Offset      Offset
	ID          ID
	Fingerprint Fingerprint
}

// Migrated is what a [Storage] or a [Catalog] is, too, whose tables have versions.
type Migrated interface {
	// Schema returns the version of the tables now, and the newest one that this
	// program knows. Another program may have brought the tables further since they
	// were opened.
	Schema(ctx context.Context) (at, known int64, err error)
}
