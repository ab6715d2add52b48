package eventlog

import (
	"context"
	"errors"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// streamRef is a stream as a request names it: by id or by name.
type streamRef struct {
	org core.ID
	ref string
}

// OpenStream is a stream ready for use, its schema compiled. It does not change
// after it is made, so requests share it.
type OpenStream struct {
	core.Stream
	schema core.Schema // nil without one
	// types are the schemas of types of events, nil without any. Events of these types are
	// not held to schema.
	types map[string]typeSchemas
}

// streamTTL is how long a stream's definition is believed before the catalog is
// asked again, and streamCacheSize how many are kept.
const (
	streamTTL       = time.Second
	streamCacheSize = 100_000
)

// Open finds a stream, by id or name, for a principal that wants to do something
// with it. What the principal may not do is refused before the stream is looked for,
// so that the answer does not tell which streams there are.
func (s *Streams) Open(ctx context.Context, who core.Principal, ref string, action core.Action) (*OpenStream, error) {
	if err := s.Authorizer.Allow(who, who.Org, action); err != nil {
		return nil, err
	}
	stream, err := s.resolved.Get(ctx, streamRef{who.Org, ref}, func(old *OpenStream) (*OpenStream, error) {
		return s.load(ctx, who.Org, ref, old)
	}, func(error) bool { return false })
	if err != nil {
		return nil, core.StoreFailed(err)
	}
	if err := s.Authorizer.Allow(who, stream.Org, action); err != nil {
		return nil, err
	}
	return stream, core.Narrowed(who, stream.ID)
}

// load opens a stream as the catalog has it. A stream that has not changed since
// old keeps its compiled schema.
func (s *Streams) load(ctx context.Context, org core.ID, ref string, old *OpenStream) (*OpenStream, error) {
	stream, err := s.Find(ctx, org, ref)
	if err != nil {
		return nil, core.StoreFailed(err)
	}
	if old != nil && old.ID == stream.ID && old.Revision == stream.Revision {
		return old, nil
	}
	open := &OpenStream{Stream: stream}
	if open.types, err = s.versions(ctx, &stream, old); err != nil {
		return nil, core.StoreFailed(err)
	}
	if len(stream.Schema) > 0 {
		open.schema = reopen(s.Schemas, stream.Schema)
	}
	return open, nil
}

// Find returns a stream by id or name. It checks no permission and asks the catalog
// each time.
func (s *Streams) Find(ctx context.Context, org core.ID, ref string) (core.Stream, error) {
	if id, err := core.ParseID(ref); err == nil {
		return s.Catalog.Stream(ctx, org, id)
	}
	if core.CheckName(ref) != nil {
		return core.Stream{}, core.ErrNoStream
	}
	return s.Catalog.StreamNamed(ctx, org, ref)
}

// name returns the name of a stream, or "" when it is deleted or never was. Both
// answers are kept for a moment: a page over all streams asks for every event.
func (s *Streams) name(ctx context.Context, org, id core.ID) (string, error) {
	open, err := s.resolved.Get(ctx, streamRef{org, id.String()}, func(old *OpenStream) (*OpenStream, error) {
		return s.load(ctx, org, id.String(), old)
	}, core.IsNotFound)
	if core.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", core.StoreFailed(err)
	}
	return open.Name, nil
}

// forget drops what the cache knows of a stream under any of its names.
func (s *Streams) forget(stream core.Stream) {
	s.resolved.Drop(streamRef{stream.Org, stream.Name})
	s.resolved.Drop(streamRef{stream.Org, stream.ID.String()})
}

// holds reports whether the stream demands anything of payloads.
func (s *OpenStream) holds() bool { return s.schema != nil || s.types != nil }

// validate checks an event's payload against the schema of its type and version or, where
// the type has none, against the stream's.
func (s *OpenStream) validate(draft *eventjson.Draft, budget *core.Budget) error {
	if !s.holds() {
		return nil
	}
	if versions, has := s.types[draft.Event.Type]; has {
		version := versions[draft.Event.Version]
		if version == nil {
			return versions.unknown(&draft.Event)
		}
		return version.schema().Validate(draft.Event.Payload, budget)
	}
	if s.schema == nil {
		return nil
	}
	return s.schema.Validate(draft.Event.Payload, budget)
}

// refusedSchema stands for a schema that an earlier version took and this one does
// not. The stream can be read, changed and deleted, but it takes no events.
type refusedSchema struct{ fault error }

// Validate implements [core.Schema].
func (s refusedSchema) Validate([]byte, *core.Budget) error {
	fault := &core.Error{Code: core.CodeSchemaMismatch, Message: "the stream's schema is no longer valid; change it"}
	if known, ok := errors.AsType[*core.Error](s.fault); ok {
		fault.Message, fault.Details = fault.Message+": "+known.Message, known.Details
	}
	return fault
}
