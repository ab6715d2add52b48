package eventlog

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
	"github.com/eventflow-go/eventflow/core/internal/cache"
)

// Streams manages streams and finds the stream that a request names.
type Streams struct {
	StreamPorts
	// resolved keeps open streams by id and by name. A name without a stream is not
	// kept, so a stream that another node has just created is found at once.
	resolved *cache.Cache[streamRef, *OpenStream]
	// Evaluations is for all that is evaluated on this node, so that an organization
	// has one share whatever it has evaluated.
	Evaluations *Evaluations
	// misfits decides about events that do not fit.
	misfits *misfits
}

// StreamPorts is what Streams works with. Looking streams up takes no more than the
// Catalog, the Authorizer and Now.
type StreamPorts struct {
	Catalog core.StreamCatalog
	Log     core.Reader
	// Archive is nil where there is none. Events of streams that say nothing else go there
	// after HotDays.
	Archive core.Tiered
	HotDays int
	Schemas core.SchemaCompiler
	// Versions keeps the schemas of types of events, and what did not fit. Where it is nil
	// streams are looked up, and take no events.
	Versions core.SchemaStore
	// Misfit is told of each event that does not fit, by what becomes of it. It may be nil.
	Misfit     func(core.Enforcement)
	Authorizer core.Authorizer
	// Shards is the store, if it has several, and Places says which stream is on which of
	// them. Without both there is one.
	Shards core.Sharded
	Places core.StreamPlaces
	// Shares bounds how many streams there are. It may be nil.
	Shares *Shares
	Record core.Recorder
	Now    core.Clock
}

// NewStreams returns the use case.
func NewStreams(ports StreamPorts) *Streams {
	return &Streams{
		misfits:     &misfits{store: ports.Versions, shares: ports.Shares, now: ports.Now, told: ports.Misfit, reported: map[core.ID]int64{}},
		StreamPorts: ports, Evaluations: NewEvaluations(ports.Shares, ports.Now),
		resolved: cache.New[streamRef, *OpenStream](ports.Now, streamTTL, streamCacheSize),
	}
}

// Create makes a stream. A taken name is a [core.CodeConflict].
func (s *Streams) Create(ctx context.Context, who core.Principal, spec core.StreamSpec) (core.Stream, error) {
	if err := core.Authorize(s.Authorizer, who, core.ActionWriteStreams, core.ID{}); err != nil {
		return core.Stream{}, err
	}
	if err := refuseNarrowed(who); err != nil {
		return core.Stream{}, err
	}
	now := s.Now.Stamp()
	stream := core.Stream{
		ID: core.RandomID(now), Org: who.Org, Revision: 1, CreatedAt: now, UpdatedAt: now,
		Description: spec.Description, RetentionDays: core.DefaultRetentionDays,
	}
	change := core.StreamChange{
		Name: &spec.Name, RetentionDays: spec.RetentionDays, RetentionBytes: spec.RetentionBytes, RetentionEvents: spec.RetentionEvents,
		HotDays:                  spec.HotDays,
		IdempotencyWindowSeconds: spec.IdempotencyWindowSeconds, Schema: spec.Schema, Enforcement: spec.Enforcement,
	}
	if err := s.apply(ctx, &stream, change); err != nil {
		return core.Stream{}, err
	}
	if err := s.Shares.Room(ctx, who.Org, core.ShareStreams); err != nil {
		return core.Stream{}, err
	}
	var err error
	if stream.Shard, err = s.place(ctx, spec.Shard); err != nil {
		return core.Stream{}, err
	}
	if err := s.Catalog.CreateStream(ctx, stream); err != nil {
		return core.Stream{}, core.StoreFailed(err)
	}
	s.Record.Record(ctx, who.Did(core.AuditStreamCreated, "stream", stream.ID))
	return stream, nil
}

// place chooses the shard of a new stream: the one that was asked for, or the one that has
// the fewest streams. It takes no look at their size, which changes, as a stream's shard
// does not by itself.
func (s *Streams) place(ctx context.Context, asked *int) (int, error) {
	shards := 1
	if s.Shards != nil {
		shards = s.Shards.Shards()
	}
	if asked != nil {
		return *asked, checkShard("shard", *asked, shards)
	}
	if shards == 1 {
		return 0, nil
	}
	count, err := s.Places.StreamsPerShard(ctx)
	if err != nil {
		return 0, core.StoreFailed(err)
	}
	least := 0
	for shard := range shards {
		if count[shard] < count[least] {
			least = shard
		}
	}
	return least, nil
}

// checkShard refuses a shard that is not there.
func checkShard(field string, shard, shards int) error {
	switch {
	case shard >= 0 && shard < shards:
		return nil
	case shards == 1:
		return core.Invalid(field, "must be 0: the store has one shard")
	}
	return core.Invalid(field, "must be 0 to %d: the store has %d shards", shards-1, shards)
}

// refuseNarrowed refuses a principal that is limited to some streams to give a stream
// a name. A stream that it created would not be among its own, and a name that is
// taken would tell it of another one.
func refuseNarrowed(who core.Principal) error {
	if len(who.Streams) > 0 {
		return core.Errorf(core.CodeForbidden, "this API key is limited to some streams and can neither create nor rename any")
	}
	return nil
}

// Get returns a stream by id or name.
func (s *Streams) Get(ctx context.Context, who core.Principal, ref string) (core.Stream, error) {
	stream, err := s.Open(ctx, who, ref, core.ActionReadStreams)
	if err != nil {
		return core.Stream{}, err
	}
	return stream.Stream, nil
}

// Change changes a stream. A revision other than 0 is the one that the caller has
// read: a stream at another revision is a [core.CodePreconditionFailed].
func (s *Streams) Change(ctx context.Context, who core.Principal, ref string, change core.StreamChange, revision int64) (core.Stream, error) {
	stream, err := s.update(ctx, who, ref, revision, func(stream *core.Stream) error {
		if change.Name != nil && *change.Name != stream.Name {
			if err := refuseNarrowed(who); err != nil {
				return err
			}
		}
		return s.apply(ctx, stream, change)
	})
	if err != nil {
		return core.Stream{}, err
	}
	did := who.Did(core.AuditStreamChanged, "stream", stream.ID)
	if change.Enforcement != nil {
		did.Details = map[string]string{"enforcement": string(stream.Enforcement)}
	}
	s.Record.Record(ctx, did)
	return stream, nil
}

// Delete deletes a stream. Nothing can be written to it or read from it any more,
// and its name is free. Its events remain until retention removes them. The revision
// is as in Change.
func (s *Streams) Delete(ctx context.Context, who core.Principal, ref string, revision int64) error {
	stream, err := s.update(ctx, who, ref, revision, func(stream *core.Stream) error {
		stream.DeletedAt = &stream.UpdatedAt
		return nil
	})
	if err != nil {
		return err
	}
	s.Record.Record(ctx, who.Did(core.AuditStreamDeleted, "stream", stream.ID))
	return nil
}

// update makes a change under optimistic concurrency. It reads the stream past the
// cache, and drops what the cache has under the old name and the new one.
func (s *Streams) update(ctx context.Context, who core.Principal, ref string, expected int64, change func(*core.Stream) error) (core.Stream, error) {
	return s.revise(ctx, who, ref, expected, core.ActionWriteStreams, change, func(stream core.Stream) error { return s.Catalog.UpdateStream(ctx, stream) })
}

// revise is update for whoever may do something else than to change streams, and stores
// more than a stream.
func (s *Streams) revise(
	ctx context.Context, who core.Principal, ref string, expected int64, action core.Action,
	change func(*core.Stream) error, store func(core.Stream) error,
) (core.Stream, error) {
	var before core.Stream
	return core.Revision[core.Stream]{
		Noun: "stream",
		Read: func() (core.Stream, error) {
			s.resolved.Drop(streamRef{who.Org, ref})
			open, err := s.Open(ctx, who, ref, action)
			if err != nil {
				return core.Stream{}, err
			}
			before = open.Stream
			return before, nil
		},
		Number: func(stream *core.Stream) *int64 { return &stream.Revision },
		Change: func(stream *core.Stream) error {
			stream.UpdatedAt = s.Now.Stamp()
			return change(stream)
		},
		Store: func(stream core.Stream) error {
			err := store(stream)
			s.forget(before)
			s.forget(stream)
			return err
		},
	}.Revise(ctx, expected)
}

// Stats says what a stream holds.
func (s *Streams) Stats(ctx context.Context, who core.Principal, ref string) (core.StreamStats, error) {
	stream, err := s.Open(ctx, who, ref, core.ActionReadStreams)
	if err != nil {
		return core.StreamStats{}, err
	}
	bounds, err := s.Log.Bounds(ctx, []core.ID{stream.ID})
	if err != nil {
		return core.StreamStats{}, err
	}
	stats := core.StatsOf(bounds[0])
	if stream.schema == nil && stream.types == nil && stream.Enforcement != core.EnforceReport {
		return stats, nil
	}
	// Past the cache: a report changes no revision.
	current, err := s.Catalog.Stream(ctx, stream.Org, stream.ID)
	stats.Reported = current.Reported
	return stats, core.StoreFailed(err)
}

// Validate says whether the stream would take the event, and stores nothing.
func (s *Streams) Validate(ctx context.Context, who core.Principal, ref string, draft eventjson.Draft) error {
	stream, err := s.Open(ctx, who, ref, core.ActionIngest)
	if err != nil {
		return err
	}
	evaluation := s.Evaluations.Begin(ctx, who.Org)
	defer evaluation.End()
	return stream.validate(&draft, evaluation.Budget)
}

// apply makes a change and checks the result. What is wrong with the schema is
// said last, because compiling it is the expensive part.
func (s *Streams) apply(ctx context.Context, stream *core.Stream, change core.StreamChange) error {
	if change.Name != nil {
		if err := core.CheckSeen("name", *change.Name); err != nil {
			return err
		}
		stream.Name = *change.Name
	}
	if change.Description != nil {
		stream.Description = *change.Description
	}
	if change.RetentionDays != nil {
		stream.RetentionDays = *change.RetentionDays
	}
	if change.RetentionBytes != nil {
		stream.RetentionBytes = *change.RetentionBytes
	}
	if change.RetentionEvents != nil {
		stream.RetentionEvents = *change.RetentionEvents
	}
	if change.HotDays != nil {
		stream.HotDays = *change.HotDays
	}
	if change.IdempotencyWindowSeconds != nil {
		stream.IdempotencyWindowSeconds = *change.IdempotencyWindowSeconds
	}
	if change.Enforcement != nil {
		if stream.Enforcement = *change.Enforcement; stream.Enforcement == "" {
			return core.Invalid("enforcement", "must be reject, quarantine or report")
		}
	}
	if err := stream.Check(); err != nil {
		return err
	}
	return s.applySchema(ctx, stream, change.Schema)
}

// applySchema sets or removes the schema. One that does not compile is refused, so
// a stored schema compiles in the version that stored it.
func (s *Streams) applySchema(ctx context.Context, stream *core.Stream, schema json.RawMessage) error {
	switch {
	case schema == nil:
		return nil
	case string(schema) == "null":
		stream.Schema = nil
		return nil
	case len(schema) > core.MaxSchemaBytes:
		return core.Invalid("schema", "must have at most %d bytes, has %d", core.MaxSchemaBytes, len(schema))
	}
	if err := s.compile(ctx, stream.Org, schema); err != nil {
		return err
	}
	stream.Schema = slices.Clone(schema)
	return nil
}

// compileSteps is what compiling a byte of a schema takes at most.
const compileSteps = 12

// compile looks whether a schema compiles, at the cost of the organization.
func (s *Streams) compile(ctx context.Context, org core.ID, schema []byte) error {
	if err := s.Evaluations.Begin(ctx, org).charge(ctx, compileSteps*len(schema), false); err != nil {
		return err
	}
	_, err := s.Schemas.Compile(schema)
	return err
}
