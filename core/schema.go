package core

import (
	"context"
	"encoding/json"
	"time"
)

// SchemaVersion is what the payloads of one version of an event type must fit. A version
// never changes.
type SchemaVersion struct {
	ID     ID `json:"-"`
	Org    ID `json:"-"`
	Stream ID `json:"stream_id"`
	// EventType and Version are the `event_type` and `event_version` of the events.
	EventType string `json:"event_type"`
	Version   int32  `json:"version"`
	// Schema is a JSON Schema.
	Schema json.RawMessage `json:"schema"`
	// Compatibility is what the next version of the type is held to, unless its
	// registration says otherwise.
	Compatibility Compatibility `json:"compatibility"`
	CreatedAt     time.Time     `json:"created_at"`
	// CreatedBy is the label of who registered it.
	CreatedBy string `json:"created_by,omitempty"`
}

// Compatibility is what a version of a schema has to have in common with those before it.
type Compatibility string

// The modes. A backward compatible schema takes all that the version before it takes. A
// forward compatible one takes nothing that the version before it refuses. Transitive
// modes look at all versions before, and the others at the newest of them.
const (
	CompatibilityNone               Compatibility = "none"
	CompatibilityBackward           Compatibility = "backward"
	CompatibilityForward            Compatibility = "forward"
	CompatibilityFull               Compatibility = "full"
	CompatibilityBackwardTransitive Compatibility = "backward_transitive"
	CompatibilityForwardTransitive  Compatibility = "forward_transitive"
	CompatibilityFullTransitive     Compatibility = "full_transitive"
)

// Compatibilities lists all modes.
var Compatibilities = []Compatibility{
	CompatibilityNone, CompatibilityBackward, CompatibilityForward, CompatibilityFull,
	CompatibilityBackwardTransitive, CompatibilityForwardTransitive, CompatibilityFullTransitive,
}

// Means takes a mode apart.
func (c Compatibility) Means() (backward, forward, transitive, known bool) {
	switch c {
	case CompatibilityNone:
		return false, false, false, true
	case CompatibilityBackward, CompatibilityBackwardTransitive:
		return true, false, c == CompatibilityBackwardTransitive, true
	case CompatibilityForward, CompatibilityForwardTransitive:
		return false, true, c == CompatibilityForwardTransitive, true
	case CompatibilityFull, CompatibilityFullTransitive:
		return true, true, c == CompatibilityFullTransitive, true
	}
	return false, false, false, false
}

// Enforcement is what becomes of an event whose payload does not fit.
type Enforcement string

// The ways of enforcement. A stream that says nothing rejects.
const (
	// EnforceReject refuses the event.
	EnforceReject Enforcement = "reject"
	// EnforceQuarantine keeps the event apart, with the reasons.
	EnforceQuarantine Enforcement = "quarantine"
	// EnforceReport takes the event and counts it.
	EnforceReport Enforcement = "report"
)

// Enforcements lists them.
var Enforcements = []Enforcement{EnforceReject, EnforceQuarantine, EnforceReport}

// The limits of the schemas of one stream, beside [MaxSchemaBytes] for each.
const (
	MaxSchemaVersions     = 1000
	MaxSchemaVersionBytes = 8 << 20
)

// SchemaSpec describes a version to be registered.
type SchemaSpec struct {
	EventType string          `json:"event_type"`
	Schema    json.RawMessage `json:"schema"`
	// Version is the next one when it is nil. It may leave numbers out.
	Version *int32 `json:"version"`
	// Compatibility is the mode of the newest version when it is nil, and
	// CompatibilityBackward without one. The registration itself is held to it.
	Compatibility *Compatibility `json:"compatibility"`
}

// SchemaQuery selects versions of a stream.
type SchemaQuery struct {
	// EventType selects one type, "" all.
	EventType string
	Cursor    string
	Limit     int
}

// SchemaTrial asks what would become of a schema.
type SchemaTrial struct {
	// EventType is the type of the events. Empty is all types, whose payloads the schema
	// of the stream itself would be held to.
	EventType string `json:"event_type"`
	// Schema is the one in question. Without it, it is the Version that is registered.
	Schema  json.RawMessage `json:"schema"`
	Version *int32          `json:"version"`
	// Last is how many of the newest events to look at, [DefaultSchemaEvents] when nil.
	Last *int `json:"last"`
	// Against is a version to compare with. When it is nil, the mode decides with which.
	Against *int32 `json:"against"`
	// Compatibility is the mode, as in [SchemaSpec].
	Compatibility *Compatibility `json:"compatibility"`
}

// The limits of a trial.
const (
	DefaultSchemaEvents = 100
	MaxSchemaEvents     = 1000
	// MaxSchemaFailures bounds how many events that do not fit are told.
	MaxSchemaFailures = 20
)

// SchemaVerdict answers a [SchemaTrial].
type SchemaVerdict struct {
	Events SchemaEvents `json:"events"`
	// Compatibility is the mode that was looked at.
	Compatibility Compatibility `json:"compatibility"`
	Compatible    bool          `json:"compatible"`
	// Incompatible says why it is not.
	Incompatible []Incompatibility `json:"incompatible"`
}

// SchemaEvents says how events that are stored fit a schema.
type SchemaEvents struct {
	Checked int `json:"checked"`
	Passed  int `json:"passed"`
	Failed  int `json:"failed"`
	// Failures are the newest that do not fit.
	Failures []SchemaFailure `json:"failures"`
}

// SchemaFailure is a stored event that does not fit a schema.
type SchemaFailure struct {
	Offset  Offset   `json:"offset"`
	ID      ID       `json:"event_id"`
	Reasons []Detail `json:"reasons"`
}

// Incompatibility is a reason why two schemas are not compatible.
type Incompatibility struct {
	// Version is the one that was compared with.
	Version int32 `json:"version"`
	// Direction is backward or forward.
	Direction Compatibility `json:"direction"`
	// Field is the place in the schema in question, as a JSON pointer behind `schema`.
	Field  string `json:"field"`
	Reason string `json:"reason"`
}

// SchemaSamples asks for a schema that payloads fit.
type SchemaSamples struct {
	// Samples are payloads. Without any, the newest events of the stream are taken: Last
	// of them, of one EventType unless that is empty.
	Samples   []json.RawMessage `json:"samples"`
	EventType string            `json:"event_type"`
	Last      *int              `json:"last"`
}

// InferredSchema answers [SchemaSamples].
type InferredSchema struct {
	Schema json.RawMessage `json:"schema"`
	// Samples is how many payloads it was made from.
	Samples int `json:"samples"`
}

// SchemaVersions keeps the schemas that were registered. They go with their stream.
type SchemaVersions interface {
	// RegisterSchema stores a new version and replaces its stream as
	// [StreamCatalog].UpdateStream does, as a whole: the stream counts its versions. A
	// version that the type has is a [CodeConflict].
	RegisterSchema(ctx context.Context, stream Stream, version SchemaVersion) error
	// Schemas returns the versions of a stream, by type in byte order and then by version.
	Schemas(ctx context.Context, stream ID) ([]SchemaVersion, error)
	// NoteReported adds to the Reported of streams and changes nothing else: the
	// revision stays. Streams that are not there are passed over.
	NoteReported(ctx context.Context, counts map[ID]int64) error
}
