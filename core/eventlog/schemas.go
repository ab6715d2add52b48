package eventlog

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/compat"
)

// Schemas manages the schemas of the types of events of streams.
type Schemas struct{ SchemaPorts }

// SchemaPorts is what Schemas works with.
type SchemaPorts struct {
	Streams  *Streams
	Store    core.SchemaVersions
	Compiler core.SchemaCompiler
	Log      core.Reader
	Record   core.Recorder
	Now      core.Clock
	// Turns are what trials that go far back read in. Without them nobody waits.
	Turns *Turns
}

// NewSchemas returns the use case over its ports.
func NewSchemas(ports SchemaPorts) *Schemas { return &Schemas{ports} }

// Register adds a version to a type of events. The same schema as the newest one's, at the
// same mode, adds nothing: then added is false. A schema that is not compatible is a
// [core.CodeConflict] whose details name the places.
func (s *Schemas) Register(ctx context.Context, who core.Principal, ref string, spec core.SchemaSpec) (version core.SchemaVersion, added bool, err error) {
	if _, err := s.Streams.Open(ctx, who, ref, core.ActionWriteSchemas); err != nil {
		return version, false, err
	}
	if err := core.CheckText("event_type", spec.EventType, 1, core.MaxTypeLength); err != nil {
		return version, false, err
	}
	if err := s.compiles(ctx, who.Org, spec.Schema); err != nil {
		return version, false, err
	}
	stream, err := s.Streams.revise(ctx, who, ref, 0, core.ActionWriteSchemas, func(stream *core.Stream) error {
		version, added, err = s.next(ctx, who, stream, spec)
		if err == nil && !added {
			return errNothingNew
		}
		stream.SchemaVersions++
		return err
	}, func(stream core.Stream) error { return s.Store.RegisterSchema(ctx, stream, version) })
	if err != nil && err != error(errNothingNew) { //nolint:errorlint // it is this very one
		return core.SchemaVersion{}, false, err
	}
	if added {
		did := who.Did(core.AuditSchemaRegistered, "stream", stream.ID)
		did.Details = map[string]string{
			"event_type": version.EventType, "version": strconv.Itoa(int(version.Version)), "compatibility": string(version.Compatibility),
		}
		s.Record.Record(ctx, did)
	}
	return version, added, nil
}

// errNothingNew ends a registration that adds nothing.
var errNothingNew = core.Errorf(core.CodeConflict, "this schema is registered already")

// compiles refuses what is no schema.
func (s *Schemas) compiles(ctx context.Context, org core.ID, schema []byte) error {
	switch {
	case len(schema) == 0 || string(schema) == "null":
		return core.Invalid("schema", "is required: give a JSON Schema")
	case len(schema) > core.MaxSchemaBytes:
		return core.Invalid("schema", "must have at most %d bytes, has %d", core.MaxSchemaBytes, len(schema))
	}
	return s.Streams.compile(ctx, org, schema)
}

// next returns the version that a registration makes, or the one that is there already.
func (s *Schemas) next(ctx context.Context, who core.Principal, stream *core.Stream, spec core.SchemaSpec) (core.SchemaVersion, bool, error) {
	var none core.SchemaVersion
	all, err := s.Store.Schemas(ctx, stream.ID)
	if err != nil {
		return none, false, core.StoreFailed(err)
	}
	former := ofType(all, spec.EventType)
	mode, err := modeOf(spec.Compatibility, former)
	if err != nil {
		return none, false, err
	}
	number := int32(1)
	if len(former) > 0 {
		newest := former[len(former)-1]
		if spec.Version == nil && newest.Compatibility == mode && sameJSON(newest.Schema, spec.Schema) {
			return newest, false, nil
		}
		number = newest.Version + 1
	}
	if spec.Version != nil {
		if *spec.Version < number {
			return none, false, core.Invalid("version", "must be at least %d, the next one of this type", number)
		}
		number = *spec.Version
	}
	if err := roomForSchema(all, spec.Schema); err != nil {
		return none, false, err
	}
	faults, err := s.compare(ctx, who.Org, spec.Schema, former, mode)
	if err != nil {
		return none, false, err
	}
	if len(faults) > 0 {
		return none, false, incompatible(mode, faults)
	}
	now := s.Now.Stamp()
	return core.SchemaVersion{
		ID: core.RandomID(now), Org: stream.Org, Stream: stream.ID, EventType: spec.EventType, Version: number,
		Schema: slices.Clone(spec.Schema), Compatibility: mode, CreatedAt: now, CreatedBy: who.Label,
	}, true, nil
}

// ofType returns the versions of a type, the newest last.
func ofType(all []core.SchemaVersion, eventType string) []core.SchemaVersion {
	return slices.DeleteFunc(slices.Clone(all), func(v core.SchemaVersion) bool { return v.EventType != eventType })
}

// modeOf returns the mode that a schema is held to.
func modeOf(wanted *core.Compatibility, former []core.SchemaVersion) (core.Compatibility, error) {
	switch {
	case wanted != nil:
		if _, _, _, known := wanted.Means(); !known {
			return "", core.Invalid("compatibility", "must be one of: %s", core.Listed(core.Compatibilities))
		}
		return *wanted, nil
	case len(former) > 0:
		return former[len(former)-1].Compatibility, nil
	}
	return core.CompatibilityBackward, nil
}

func sameJSON(a, b []byte) bool {
	var one, two bytes.Buffer
	return json.Compact(&one, a) == nil && json.Compact(&two, b) == nil && bytes.Equal(one.Bytes(), two.Bytes())
}

// roomForSchema refuses one more schema where a stream has as many as it may.
func roomForSchema(all []core.SchemaVersion, schema []byte) error {
	size := len(schema)
	for i := range all {
		size += len(all[i].Schema)
	}
	if len(all) >= core.MaxSchemaVersions || size > core.MaxSchemaVersionBytes {
		return core.Errorf(core.CodeConflict, "a stream has at most %d schema versions, of %d bytes together",
			core.MaxSchemaVersions, core.MaxSchemaVersionBytes)
	}
	return nil
}

const (
	// compareSteps is about what comparing takes at most, for each byte and for each pair.
	compareSteps     = 30
	compareSomeSteps = 20_000
)

// compare holds a schema to the versions before it, at the cost of the organization.
func (s *Schemas) compare(
	ctx context.Context, org core.ID, schema []byte, former []core.SchemaVersion, mode core.Compatibility,
) (faults []core.Incompatibility, err error) {
	backward, forward, transitive, _ := mode.Means()
	if !transitive {
		former = former[max(0, len(former)-1):]
	}
	for _, version := range slices.Backward(former) {
		if !backward && !forward {
			break
		}
		steps := compareSomeSteps + compareSteps*(len(schema)+len(version.Schema))
		if err := s.Streams.Evaluations.Begin(ctx, org).charge(ctx, steps, false); err != nil {
			return nil, err
		}
		if backward {
			faults = append(faults, incompatibilities(version.Version, core.CompatibilityBackward, compat.Covers(schema, version.Schema))...)
		}
		if forward {
			faults = append(faults, incompatibilities(version.Version, core.CompatibilityForward, compat.Covers(version.Schema, schema))...)
		}
		if len(faults) > 0 {
			break
		}
	}
	return faults, nil
}

// incompatibilities tells faults in the words of whoever wrote the newer schema.
func incompatibilities(version int32, direction core.Compatibility, faults []compat.Fault) (all []core.Incompatibility) {
	for _, f := range faults {
		told := core.Incompatibility{Version: version, Direction: direction, Field: f.Wide}
		switch {
		case direction == core.CompatibilityBackward && f.Unproved:
			told.Reason = fmt.Sprintf("cannot be proved compatible: it demands %s, and what version %d takes may be something else", f.Demand, version)
		case direction == core.CompatibilityBackward:
			told.Reason = fmt.Sprintf("demands %s, which version %d does not (%s)", f.Demand, version, f.Narrow)
		case f.Unproved:
			told.Field = f.Narrow
			told.Reason = fmt.Sprintf("cannot be proved compatible: version %d demands %s (%s), and this schema may take something else", version, f.Demand, f.Wide)
		default:
			told.Field = f.Narrow
			told.Reason = fmt.Sprintf("does not demand %s, as version %d does (%s)", f.Demand, version, f.Wide)
		}
		all = append(all, told)
	}
	return all
}

func incompatible(mode core.Compatibility, faults []core.Incompatibility) error {
	err := &core.Error{Code: core.CodeConflict}
	for _, f := range faults {
		err.Details = append(err.Details, core.Detail{Field: f.Field, Reason: f.Reason})
	}
	err.Message = fmt.Sprintf("the schema is not %s compatible with version %d: %s: %s", mode, faults[0].Version, faults[0].Field, faults[0].Reason)
	return err
}

// List returns the versions of a stream in pages, by type and version.
func (s *Schemas) List(ctx context.Context, who core.Principal, ref string, query core.SchemaQuery) (page core.Page[core.SchemaVersion], err error) {
	stream, err := s.Streams.Open(ctx, who, ref, core.ActionReadStreams)
	if err != nil {
		return page, err
	}
	limit, err := core.PageLimit(query.Limit)
	if err != nil {
		return page, err
	}
	scope := fmt.Appendf(nil, "schemas %s %q", stream.ID, query.EventType)
	after, err := core.ParseIDCursor(scope, query.Cursor)
	if err != nil {
		return page, err
	}
	all, err := s.Store.Schemas(ctx, stream.ID)
	if err != nil {
		return page, core.StoreFailed(err)
	}
	if query.EventType != "" {
		all = ofType(all, query.EventType)
	}
	if !after.IsZero() {
		all = all[1+slices.IndexFunc(all, func(v core.SchemaVersion) bool { return v.ID == after }):]
	}
	return core.Cut(all[:min(len(all), limit+1)], limit, func(last *core.SchemaVersion) string { return core.IDCursor(scope, last.ID) }), nil
}

// Get returns a version.
func (s *Schemas) Get(ctx context.Context, who core.Principal, ref, eventType, version string) (core.SchemaVersion, error) {
	stream, err := s.Streams.Open(ctx, who, ref, core.ActionReadStreams)
	if err != nil {
		return core.SchemaVersion{}, err
	}
	number, err := strconv.ParseInt(version, 10, 32)
	if err != nil || number < 1 {
		return core.SchemaVersion{}, core.Invalid("version", "must be a whole number of at least 1")
	}
	all, err := s.Store.Schemas(ctx, stream.ID)
	if err != nil {
		return core.SchemaVersion{}, core.StoreFailed(err)
	}
	return versionOf(ofType(all, eventType), eventType, int32(number))
}

func versionOf(former []core.SchemaVersion, eventType string, number int32) (core.SchemaVersion, error) {
	known := map[int32]core.SchemaVersion{}
	for _, version := range former {
		known[version.Version] = version
	}
	if version, is := known[number]; is {
		return version, nil
	}
	if len(known) == 0 {
		return core.SchemaVersion{}, core.Errorf(core.CodeNotFound, "the type %q has no schemas", eventType)
	}
	return core.SchemaVersion{}, core.Errorf(core.CodeNotFound, "there is no version %d of %q; there are %v",
		number, eventType, slices.Sorted(maps.Keys(known)))
}
