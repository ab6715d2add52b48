package core

import (
	"context"
	"encoding/json"
	"time"
)

// ProcessorState is whether a processor works.
type ProcessorState string

// The states of a processor.
const (
	ProcessorRunning ProcessorState = "running"
	// ProcessorPaused was stopped by somebody. Its events wait.
	ProcessorPaused ProcessorState = "paused"
	// ProcessorDisabled was stopped by the server; Reason says why. Its events wait.
	ProcessorDisabled ProcessorState = "disabled"
)

// ProcessorStates are all states of a processor.
var ProcessorStates = []ProcessorState{ProcessorRunning, ProcessorPaused, ProcessorDisabled}

// Processor is a consumer group whose consumer is the server itself. It filters the
// events of a stream, transforms them and sends them to a destination. Its ID is the
// group's, and its fields of the group are the group's.
type Processor struct {
	Group
	// Filter is a condition in CEL; empty passes every event.
	Filter string `json:"filter"`
	// Transform is a program in jq; empty changes no event.
	Transform   string      `json:"transform"`
	Destination Destination `json:"destination"`
	// State says whether the processor works, and Reason why not where the server has
	// stopped it.
	State  ProcessorState `json:"state"`
	Reason string         `json:"reason,omitempty"`
	// FailingSince is when the first of the failures was that no success has followed.
	FailingSince *time.Time `json:"failing_since,omitempty"`
	// CreatedBy is the user or the key that made the processor.
	CreatedBy ID `json:"created_by,omitzero"`
}

// The limits of a processor.
const (
	MaxFilterLength    = 10_000
	MaxTransformLength = 10_000
	// MaxDestinationBytes bounds what somebody says about a destination.
	MaxDestinationBytes = 32 << 10
)

// ProcessorSpec describes a processor to be created. Destination is a JSON object: its
// `type` names the connector, and the other fields are the connector's.
type ProcessorSpec struct {
	GroupSpec
	// Start is where to begin: with the events to come when it is nil.
	Start       *Start          `json:"start"`
	Filter      string          `json:"filter"`
	Transform   string          `json:"transform"`
	Destination json.RawMessage `json:"destination"`
	// State is running or paused; running when empty.
	State ProcessorState `json:"state"`
}

// ProcessorChange describes changes to a processor; a nil field changes nothing. A new
// destination replaces the old one whole, but a secret that is not given stays.
type ProcessorChange struct {
	GroupChange
	Filter      *string         `json:"filter,omitempty"`
	Transform   *string         `json:"transform,omitempty"`
	Destination json.RawMessage `json:"destination,omitempty"`
}

// MarshalJSON writes the destination as it is read in a [ProcessorSpec], without its
// secrets.
func (d Destination) MarshalJSON() ([]byte, error) {
	kind, err := json.Marshal(d.Type)
	if err != nil {
		return nil, err
	}
	out := append([]byte(`{"type":`), kind...)
	if inner := objectMembers(d.Settings); len(inner) > 0 {
		out = append(append(out, ','), inner...)
	}
	return append(out, '}'), nil
}

// objectMembers returns what is between the braces of a JSON object without white space
// around it.
func objectMembers(object json.RawMessage) []byte {
	if len(object) < 2 {
		return nil
	}
	return object[1 : len(object)-1]
}

// UnmarshalJSON reads what MarshalJSON writes, for clients.
func (d *Destination) UnmarshalJSON(text []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return err
	}
	if err := json.Unmarshal(fields["type"], &d.Type); err != nil {
		return err
	}
	delete(fields, "type")
	settings, err := json.Marshal(fields)
	d.Settings = settings
	return err
}

// CreatedProcessor is a new processor, with the secret that was made for it, which is
// shown this once.
type CreatedProcessor struct {
	Processor
	Secret string `json:"secret,omitempty"`
}

// ProcessorScan says which processors to read. Zero fields select all.
type ProcessorScan struct {
	Org     ID
	Streams []ID
	State   ProcessorState
	// After leaves out this id and all before it.
	After ID
	// Limit bounds the processors returned; it is at least 1.
	Limit int
}

// ProcessorMark tells whether a processor has changed since it was read.
type ProcessorMark struct {
	ID, Org, Stream ID
	Revision        int64
	FailingSince    *time.Time
}

// ProcessorOverview is a processor with its stream's name, how far it got and what it
// did in the last day.
type ProcessorOverview struct {
	Processor
	StreamName string `json:"stream_name"`
	// Unavailable says that the stream's shard is away. Of the status only the dead
	// letters are known then.
	Unavailable bool          `json:"unavailable,omitempty"`
	Status      GroupStatus   `json:"status"`
	LastDay     DeliveryCount `json:"last_day"`
	LastError   string        `json:"last_error,omitempty"`
}

// Processors keeps the processors' definitions. [Groups].DeleteGroup removes a processor
// with its group, its attempts and its counts.
type Processors interface {
	// CreateProcessor stores a new processor and its group, at its first progress. A
	// group of the same name on the stream is a [CodeConflict].
	CreateProcessor(ctx context.Context, processor Processor, first Progress) error
	// Processor returns one by id, or [CodeNotFound].
	Processor(ctx context.Context, org, id ID) (Processor, error)
	// Processors returns the processors within a scan, by id. Those of deleted streams are
	// not among them.
	Processors(ctx context.Context, scan ProcessorScan) ([]Processor, error)
	// UpdateProcessor replaces the processor whose stored Revision is one less than the
	// given one, and its group with it, as UpdateGroup does; FailingSince and CreatedBy
	// stay. Another stored Revision is a [CodePreconditionFailed], a name that another
	// group of the stream has a [CodeConflict], and no such processor [CodeNotFound].
	UpdateProcessor(ctx context.Context, processor Processor) error
	// RunningProcessors returns the marks of running processors of all organizations
	// with an id greater than after, by id. A processor of a deleted stream is not
	// among them.
	RunningProcessors(ctx context.Context, after ID, limit int) ([]ProcessorMark, error)
}
