package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
	"github.com/eventflow-go/eventflow/core/internal/cache"
)

// Streams manages streams and resolves the names by which requests call them.
type Streams struct {
	StreamPorts
	resolved *cache.Cache[streamRef, *openStream]
}

// StreamPorts is what Streams works with. To look streams up it needs the Catalog,
// the Authorizer and Now alone.
type StreamPorts struct {
	Catalog    core.StreamCatalog
	Log        core.Reader
	Schemas    core.SchemaCompiler
	Authorizer core.Authorizer
	Record     core.Recorder
	Now        core.Clock
}

// streamRef is a stream as a request names it: by id or by name.
type streamRef struct {
	org core.ID
	ref string
}

// openStream is a stream ready for use, its schema compiled once.
type openStream struct {
	core.Stream
	schema core.Schema // nil without one
}

// refusedSchema is the schema of a stream that an earlier version took and this
// one does not. The stream can be read, changed and deleted; it takes no events.
type refusedSchema struct{ fault error }

// Validate implements [core.Schema].
func (s refusedSchema) Validate([]byte) error {
	fault := &core.Error{Code: core.CodeSchemaMismatch, Message: "the stream's schema is not valid any more; change it"}
	if known, ok := errors.AsType[*core.Error](s.fault); ok {
		fault.Message, fault.Details = fault.Message+": "+known.Message, known.Details
	}
	return fault
}

// The time a stream's definition is trusted without asking the catalog again,
// and how many are kept.
const (
	streamTTL       = time.Second
	streamCacheSize = 100_000
)

// NewStreams returns the use case.
func NewStreams(ports StreamPorts) *Streams {
	return &Streams{StreamPorts: ports, resolved: cache.New[streamRef, *openStream](ports.Now, streamTTL, streamCacheSize)}
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
		Name: spec.Name, Description: spec.Description, RetentionDays: core.DefaultRetentionDays,
	}
	change := core.StreamChange{
		RetentionDays: spec.RetentionDays, IdempotencyWindowSeconds: spec.IdempotencyWindowSeconds, Schema: spec.Schema,
	}
	if err := s.apply(&stream, change); err != nil {
		return core.Stream{}, err
	}
	if err := s.Catalog.CreateStream(ctx, stream); err != nil {
		return core.Stream{}, core.StoreFailed(err)
	}
	s.Record.Record(ctx, who.Did(core.AuditStreamCreated, "stream", stream.ID))
	return stream, nil
}

// refuseNarrowed keeps a principal that may use some streams only from making
// others.
func refuseNarrowed(who core.Principal) error {
	if len(who.Streams) > 0 {
		return core.Errorf(core.CodeForbidden, "this API key is limited to some streams and cannot create others")
	}
	return nil
}

// List returns streams by name.
func (s *Streams) List(ctx context.Context, who core.Principal, query core.StreamQuery) (core.Page[core.Stream], error) {
	if err := core.Authorize(s.Authorizer, who, core.ActionReadStreams, core.ID{}); err != nil {
		return core.Page[core.Stream]{}, err
	}
	limit, err := core.PageLimit(query.Limit)
	if err != nil {
		return core.Page[core.Stream]{}, err
	}
	if err := core.CheckText("prefix", query.Prefix, 0, core.MaxStreamNameLength); err != nil {
		return core.Page[core.Stream]{}, err
	}
	after, err := parseNameCursor(who.Org, query)
	if err != nil {
		return core.Page[core.Stream]{}, err
	}
	items, err := s.listed(ctx, who, query, after, limit+1)
	if err != nil {
		return core.Page[core.Stream]{}, err
	}
	return core.Cut(items, limit, func(last *core.Stream) string { return nameCursor(who.Org, query.Prefix, last.Name) }), nil
}

// listed returns at least so many streams of a query, or all that are left of
// it.
func (s *Streams) listed(ctx context.Context, who core.Principal, query core.StreamQuery, after string, enough int) (items []core.Stream, err error) {
	if len(who.Streams) > 0 {
		return s.narrowed(ctx, who, query.Prefix, after)
	}
	if after == "" {
		// Names that begin with the prefix stand right behind it, but for its own.
		after = query.Prefix
		items, err = s.named(ctx, who, query.Prefix)
	}
	for err == nil && len(items) < enough {
		var page []core.Stream
		page, err = s.Catalog.Streams(ctx, who.Org, after, enough)
		for _, stream := range page {
			if !strings.HasPrefix(stream.Name, query.Prefix) {
				return items, core.StoreFailed(err)
			}
			items = append(items, stream)
		}
		if len(page) < enough {
			break
		}
		after = page[len(page)-1].Name
	}
	return items, core.StoreFailed(err)
}

// named returns the stream of exactly this name, where there is one.
func (s *Streams) named(ctx context.Context, who core.Principal, name string) (items []core.Stream, err error) {
	stream, err := s.Find(ctx, who.Org, name)
	switch {
	case core.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, err
	case stream.Name == name:
		items = append(items, stream)
	}
	return items, nil
}

// narrowed returns those of the few streams of a narrowed principal that belong
// to a query and come after a name.
func (s *Streams) narrowed(ctx context.Context, who core.Principal, prefix, after string) (items []core.Stream, err error) {
	for _, id := range who.Streams {
		stream, err := s.Find(ctx, who.Org, id.String())
		switch {
		case core.IsNotFound(err): // it is deleted
		case err != nil:
			return nil, core.StoreFailed(err)
		case strings.HasPrefix(stream.Name, prefix) && stream.Name > after:
			items = append(items, stream)
		}
	}
	slices.SortFunc(items, func(a, b core.Stream) int { return strings.Compare(a.Name, b.Name) })
	return items, nil
}

// Get returns a stream by id or name.
func (s *Streams) Get(ctx context.Context, who core.Principal, ref string) (core.Stream, error) {
	stream, err := s.Open(ctx, who, ref, core.ActionReadStreams)
	if err != nil {
		return core.Stream{}, err
	}
	return stream.Stream, nil
}

// Change changes a stream. With a revision other than 0, a stream that has
// another one by now is a [core.CodePreconditionFailed].
func (s *Streams) Change(ctx context.Context, who core.Principal, ref string, change core.StreamChange, revision int64) (core.Stream, error) {
	stream, err := s.update(ctx, who, ref, revision, func(stream *core.Stream) error { return s.apply(stream, change) })
	if err != nil {
		return core.Stream{}, err
	}
	s.Record.Record(ctx, who.Did(core.AuditStreamChanged, "stream", stream.ID))
	return stream, nil
}

// Delete takes a stream away: nothing can be written to it or read from it any
// more, and its name is free. Its events remain until retention removes them.
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

// update changes a stream.
func (s *Streams) update(ctx context.Context, who core.Principal, ref string, expected int64, change func(*core.Stream) error) (core.Stream, error) {
	var before core.Stream
	return core.Revision[core.Stream]{
		Noun: "stream",
		Read: func() (core.Stream, error) {
			s.resolved.Drop(streamRef{who.Org, ref})
			open, err := s.Open(ctx, who, ref, core.ActionWriteStreams)
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
			err := s.Catalog.UpdateStream(ctx, stream)
			s.forget(before)
			s.forget(stream)
			return err
		},
	}.Revise(ctx, expected)
}

// forget drops what the cache knows of a stream under any of its names.
func (s *Streams) forget(stream core.Stream) {
	s.resolved.Drop(streamRef{stream.Org, stream.Name})
	s.resolved.Drop(streamRef{stream.Org, stream.ID.String()})
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
	return core.StatsOf(bounds[0]), nil
}

// Validate says whether the stream would take the event, and stores nothing.
func (s *Streams) Validate(ctx context.Context, who core.Principal, ref string, draft eventjson.Draft) error {
	stream, err := s.Open(ctx, who, ref, core.ActionIngest)
	if err != nil {
		return err
	}
	return stream.validate(draft)
}

// validate holds an event to the stream's schema.
func (s *openStream) validate(draft eventjson.Draft) error {
	if s.schema == nil {
		return nil
	}
	return s.schema.Validate(draft.Event.Payload)
}

// Open resolves a stream for a principal that wants to do something with it.
func (s *Streams) Open(ctx context.Context, who core.Principal, ref string, action core.Action) (*openStream, error) {
	if err := s.Authorizer.Allow(who, who.Org, action); err != nil {
		return nil, err
	}
	stream, err := s.resolved.Get(streamRef{who.Org, ref}, func(old *openStream) (*openStream, error) {
		return s.load(ctx, who.Org, ref, old)
	}, func(error) bool { return false })
	if err != nil {
		return nil, err
	}
	if err := s.Authorizer.Allow(who, stream.Org, action); err != nil {
		return nil, err
	}
	return stream, core.Narrowed(who, stream.ID)
}

func (s *Streams) load(ctx context.Context, org core.ID, ref string, old *openStream) (*openStream, error) {
	stream, err := s.Find(ctx, org, ref)
	if err != nil {
		return nil, core.StoreFailed(err)
	}
	if old != nil && old.ID == stream.ID && old.Revision == stream.Revision {
		return old, nil
	}
	open := &openStream{Stream: stream}
	if len(stream.Schema) > 0 {
		if open.schema, err = s.Schemas.Compile(stream.Schema); err != nil {
			open.schema = refusedSchema{err}
		}
	}
	return open, nil
}

// Find returns a stream by id or name, whoever asks. It asks the catalog each
// time.
func (s *Streams) Find(ctx context.Context, org core.ID, ref string) (core.Stream, error) {
	if id, err := core.ParseID(ref); err == nil {
		return s.Catalog.Stream(ctx, org, id)
	}
	if core.CheckName(ref) != nil {
		return core.Stream{}, core.Errorf(core.CodeNotFound, "there is no such stream")
	}
	return s.Catalog.StreamNamed(ctx, org, ref)
}

// apply checks a change and makes it.
func (s *Streams) apply(stream *core.Stream, change core.StreamChange) error {
	if change.Name != nil {
		stream.Name = *change.Name
	}
	if change.Description != nil {
		stream.Description = *change.Description
	}
	if change.RetentionDays != nil {
		stream.RetentionDays = *change.RetentionDays
	}
	if change.IdempotencyWindowSeconds != nil {
		stream.IdempotencyWindowSeconds = *change.IdempotencyWindowSeconds
	}
	if err := stream.Check(); err != nil {
		return err
	}
	return s.applySchema(stream, change.Schema)
}

func (s *Streams) applySchema(stream *core.Stream, schema json.RawMessage) error {
	switch {
	case schema == nil:
		return nil
	case string(schema) == "null":
		stream.Schema = nil
		return nil
	case len(schema) > core.MaxSchemaBytes:
		return core.Invalid("schema", "must have at most %d bytes, has %d", core.MaxSchemaBytes, len(schema))
	}
	if _, err := s.Schemas.Compile(schema); err != nil {
		return err
	}
	stream.Schema = slices.Clone(schema)
	return nil
}

// name returns the name of a stream, or "" where there is none or it is deleted.
func (s *Streams) name(ctx context.Context, org, id core.ID) (string, error) {
	open, err := s.resolved.Get(streamRef{org, id.String()}, func(old *openStream) (*openStream, error) {
		return s.load(ctx, org, id.String(), old)
	}, core.IsNotFound)
	if core.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return open.Name, nil
}

func nameCursor(org core.ID, prefix, name string) string {
	return core.SealCursor(nameScope(org, prefix), []byte(name))
}

func nameScope(org core.ID, prefix string) []byte {
	return append(append([]byte("streams\x00"), org[:]...), prefix...)
}

func parseNameCursor(org core.ID, query core.StreamQuery) (string, error) {
	if query.Cursor == "" {
		return "", nil
	}
	place, err := core.OpenCursor(nameScope(org, query.Prefix), query.Cursor)
	if err != nil || core.CheckName(string(place)) != nil || !strings.HasPrefix(string(place), query.Prefix) {
		return "", core.ErrBadCursor
	}
	return string(place), nil
}
