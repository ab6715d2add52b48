package core

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Streams manages streams and resolves the names by which requests call them.
type Streams struct {
	catalog    StreamCatalog
	log        Reader
	schemas    SchemaCompiler
	authorizer Authorizer
	now        Clock
	resolved   *cache[streamRef, *openStream]
}

// streamRef is a stream as a request names it: by id or by name.
type streamRef struct {
	org ID
	ref string
}

// openStream is a stream ready for use, its schema compiled once.
type openStream struct {
	Stream
	schema Schema // nil without one
}

// The time a stream's definition is trusted without asking the catalog again,
// and how many are kept.
const (
	streamTTL       = time.Second
	streamCacheSize = 100_000
)

// NewStreams returns the use case over its ports.
func NewStreams(catalog StreamCatalog, log Reader, schemas SchemaCompiler, authorizer Authorizer, now func() time.Time) *Streams {
	return &Streams{
		catalog: catalog, log: log, schemas: schemas, authorizer: authorizer, now: now,
		resolved: newCache[streamRef, *openStream](now, streamTTL, streamCacheSize),
	}
}

// StreamSpec describes a stream to be created.
type StreamSpec struct {
	Name                     string          `json:"name"`
	Description              string          `json:"description"`
	RetentionDays            *int            `json:"retention_days"`
	IdempotencyWindowSeconds *int64          `json:"idempotency_window_seconds"`
	Schema                   json.RawMessage `json:"schema"`
}

// StreamChange describes changes to a stream; a nil field changes nothing, and
// a Schema of `null` removes it.
type StreamChange struct {
	Name                     *string         `json:"name"`
	Description              *string         `json:"description"`
	RetentionDays            *int            `json:"retention_days"`
	IdempotencyWindowSeconds *int64          `json:"idempotency_window_seconds"`
	Schema                   json.RawMessage `json:"schema"`
}

// StreamStats says what a stream holds.
type StreamStats struct {
	// Events is how many events are retained.
	Events      int64  `json:"events"`
	FirstOffset Offset `json:"first_offset"`
	NextOffset  Offset `json:"next_offset"`
	// LastReceivedAt is when the newest event came, nil when none ever did.
	LastReceivedAt *time.Time `json:"last_received_at"`
}

// Create makes a stream. A taken name is a [CodeConflict].
func (s *Streams) Create(ctx context.Context, who Principal, spec StreamSpec) (Stream, error) {
	if err := authorize(s.authorizer, who, ActionWriteStreams, ID{}); err != nil {
		return Stream{}, err
	}
	if err := refuseNarrowed(who); err != nil {
		return Stream{}, err
	}
	now := s.now.Stamp()
	stream := Stream{
		ID: newID(now), Org: who.Org, Revision: 1, CreatedAt: now, UpdatedAt: now,
		Name: spec.Name, Description: spec.Description, RetentionDays: DefaultRetentionDays,
	}
	change := StreamChange{
		RetentionDays: spec.RetentionDays, IdempotencyWindowSeconds: spec.IdempotencyWindowSeconds, Schema: spec.Schema,
	}
	if err := s.apply(&stream, change); err != nil {
		return Stream{}, err
	}
	if err := s.catalog.CreateStream(ctx, stream); err != nil {
		return Stream{}, StoreFailed(err)
	}
	return stream, nil
}

// refuseNarrowed keeps a principal that may use some streams only from making
// others.
func refuseNarrowed(who Principal) error {
	if len(who.Streams) > 0 {
		return Errorf(CodeForbidden, "this API key is limited to some streams and cannot create others")
	}
	return nil
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

// List returns streams by name.
func (s *Streams) List(ctx context.Context, who Principal, query StreamQuery) (Page[Stream], error) {
	if err := authorize(s.authorizer, who, ActionReadStreams, ID{}); err != nil {
		return Page[Stream]{}, err
	}
	limit, err := pageLimit(query.Limit)
	if err != nil {
		return Page[Stream]{}, err
	}
	if err := checkText("prefix", query.Prefix, 0, MaxStreamNameLength); err != nil {
		return Page[Stream]{}, err
	}
	after, err := parseNameCursor(who.Org, query)
	if err != nil {
		return Page[Stream]{}, err
	}
	items, err := s.listed(ctx, who, query, after, limit+1)
	if err != nil {
		return Page[Stream]{}, err
	}
	return cut(items, limit, func(last *Stream) string { return nameCursor(who.Org, query.Prefix, last.Name) }), nil
}

// listed returns at least so many streams of a query, or all that are left of
// it.
func (s *Streams) listed(ctx context.Context, who Principal, query StreamQuery, after string, enough int) (items []Stream, err error) {
	if len(who.Streams) > 0 {
		return s.narrowed(ctx, who, query.Prefix, after)
	}
	if after == "" {
		// Names that begin with the prefix stand right behind it, but for its own.
		after = query.Prefix
		items, err = s.named(ctx, who, query.Prefix)
	}
	for err == nil && len(items) < enough {
		var page []Stream
		page, err = s.catalog.Streams(ctx, who.Org, after, enough)
		for _, stream := range page {
			if !strings.HasPrefix(stream.Name, query.Prefix) {
				return items, StoreFailed(err)
			}
			items = append(items, stream)
		}
		if len(page) < enough {
			break
		}
		after = page[len(page)-1].Name
	}
	return items, StoreFailed(err)
}

// named returns the stream of exactly this name, where there is one.
func (s *Streams) named(ctx context.Context, who Principal, name string) (items []Stream, err error) {
	stream, err := s.find(ctx, who.Org, name)
	switch {
	case IsNotFound(err):
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
func (s *Streams) narrowed(ctx context.Context, who Principal, prefix, after string) (items []Stream, err error) {
	for _, id := range who.Streams {
		stream, err := s.find(ctx, who.Org, id.String())
		switch {
		case IsNotFound(err): // it is deleted
		case err != nil:
			return nil, StoreFailed(err)
		case strings.HasPrefix(stream.Name, prefix) && stream.Name > after:
			items = append(items, stream)
		}
	}
	slices.SortFunc(items, func(a, b Stream) int { return strings.Compare(a.Name, b.Name) })
	return items, nil
}

// Get returns a stream by id or name.
func (s *Streams) Get(ctx context.Context, who Principal, ref string) (Stream, error) {
	stream, err := s.open(ctx, who, ref, ActionReadStreams)
	if err != nil {
		return Stream{}, err
	}
	return stream.Stream, nil
}

// Change changes a stream. With a revision other than 0, a stream that has
// another one by now is a [CodePreconditionFailed].
func (s *Streams) Change(ctx context.Context, who Principal, ref string, change StreamChange, revision int64) (Stream, error) {
	return s.update(ctx, who, ref, revision, func(stream *Stream) error { return s.apply(stream, change) })
}

// Delete takes a stream away: nothing can be written to it or read from it any
// more, and its name is free. Its events remain until retention removes them.
func (s *Streams) Delete(ctx context.Context, who Principal, ref string, revision int64) error {
	_, err := s.update(ctx, who, ref, revision, func(stream *Stream) error {
		stream.DeletedAt = &stream.UpdatedAt
		return nil
	})
	return err
}

// update changes a stream.
func (s *Streams) update(ctx context.Context, who Principal, ref string, expected int64, change func(*Stream) error) (Stream, error) {
	var before Stream
	return revision[Stream]{
		noun: "stream",
		read: func() (Stream, error) {
			s.resolved.drop(streamRef{who.Org, ref})
			open, err := s.open(ctx, who, ref, ActionWriteStreams)
			if err != nil {
				return Stream{}, err
			}
			before = open.Stream
			return before, nil
		},
		number: func(stream *Stream) *int64 { return &stream.Revision },
		change: func(stream *Stream) error {
			stream.UpdatedAt = s.now.Stamp()
			return change(stream)
		},
		store: func(stream Stream) error {
			err := s.catalog.UpdateStream(ctx, stream)
			s.forget(before)
			s.forget(stream)
			return err
		},
	}.revise(ctx, expected)
}

// forget drops what the cache knows of a stream under any of its names.
func (s *Streams) forget(stream Stream) {
	s.resolved.drop(streamRef{stream.Org, stream.Name})
	s.resolved.drop(streamRef{stream.Org, stream.ID.String()})
}

// Stats says what a stream holds.
func (s *Streams) Stats(ctx context.Context, who Principal, ref string) (StreamStats, error) {
	stream, err := s.open(ctx, who, ref, ActionReadStreams)
	if err != nil {
		return StreamStats{}, err
	}
	bounds, err := s.log.Bounds(ctx, []ID{stream.ID})
	if err != nil {
		return StreamStats{}, err
	}
	return statsOf(bounds[0]), nil
}

func statsOf(b Bounds) StreamStats {
	stats := StreamStats{Events: int64(b.Next - b.First), FirstOffset: b.First, NextOffset: b.Next}
	if !b.Last.IsZero() {
		stats.LastReceivedAt = &b.Last
	}
	return stats
}

// Validate says whether the stream would take the event, and stores nothing.
func (s *Streams) Validate(ctx context.Context, who Principal, ref string, draft Draft) error {
	stream, err := s.open(ctx, who, ref, ActionIngest)
	if err != nil {
		return err
	}
	return stream.validate(draft)
}

// validate holds an event to the stream's schema.
func (s *openStream) validate(draft Draft) error {
	if s.schema == nil {
		return nil
	}
	return s.schema.Validate(draft.Event.Payload)
}

// open resolves a stream for a principal that wants to do something with it.
func (s *Streams) open(ctx context.Context, who Principal, ref string, action Action) (*openStream, error) {
	if err := s.authorizer.Allow(who, who.Org, action); err != nil {
		return nil, err
	}
	stream, err := s.resolved.get(streamRef{who.Org, ref}, func(old *openStream) (*openStream, error) {
		return s.load(ctx, who.Org, ref, old)
	}, func(error) bool { return false })
	if err != nil {
		return nil, err
	}
	if err := s.authorizer.Allow(who, stream.Org, action); err != nil {
		return nil, err
	}
	return stream, narrowed(who, stream.ID)
}

func (s *Streams) load(ctx context.Context, org ID, ref string, old *openStream) (*openStream, error) {
	stream, err := s.find(ctx, org, ref)
	if err != nil {
		return nil, StoreFailed(err)
	}
	if old != nil && old.ID == stream.ID && old.Revision == stream.Revision {
		return old, nil
	}
	open := &openStream{Stream: stream}
	if len(stream.Schema) > 0 {
		if open.schema, err = s.schemas.Compile(stream.Schema); err != nil {
			return nil, err
		}
	}
	return open, nil
}

func (s *Streams) find(ctx context.Context, org ID, ref string) (Stream, error) {
	if id, err := ParseID(ref); err == nil {
		return s.catalog.Stream(ctx, org, id)
	}
	if checkStreamName(ref) != nil {
		return Stream{}, Errorf(CodeNotFound, "there is no such stream")
	}
	return s.catalog.StreamNamed(ctx, org, ref)
}

// apply checks a change and makes it.
func (s *Streams) apply(stream *Stream, change StreamChange) error {
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
	if err := stream.check(); err != nil {
		return err
	}
	return s.applySchema(stream, change.Schema)
}

func (s *Streams) applySchema(stream *Stream, schema json.RawMessage) error {
	switch {
	case schema == nil:
		return nil
	case string(schema) == "null":
		stream.Schema = nil
		return nil
	case len(schema) > MaxSchemaBytes:
		return Invalid("schema", "must have at most %d bytes, has %d", MaxSchemaBytes, len(schema))
	}
	if _, err := s.schemas.Compile(schema); err != nil {
		return err
	}
	stream.Schema = slices.Clone(schema)
	return nil
}

func (s *Stream) check() error {
	if err := checkStreamName(s.Name); err != nil {
		return err
	}
	if err := checkText("description", s.Description, 0, MaxDescriptionLength); err != nil {
		return err
	}
	if s.RetentionDays < 1 || s.RetentionDays > MaxRetentionDays {
		return Invalid("retention_days", "must be 1 to %d", MaxRetentionDays)
	}
	if longest := int64(s.RetentionDays) * 86_400; s.IdempotencyWindowSeconds < 0 || s.IdempotencyWindowSeconds > longest {
		return Invalid("idempotency_window_seconds", "must be 0 (as long as events are retained) to %d", longest)
	}
	return nil
}

func checkStreamName(name string) error {
	if err := checkText("name", name, 1, MaxStreamNameLength); err != nil {
		return err
	}
	if strings.Contains(name, "/") || name == "." || name == ".." {
		return Invalid("name", "must not be . or .. or contain a slash: it is part of addresses")
	}
	if strings.TrimSpace(name) != name {
		return Invalid("name", "must not begin or end with white space")
	}
	if _, err := ParseID(name); err == nil {
		return Invalid("name", "must not have the form of a UUID: ids and names share one place in addresses")
	}
	return nil
}

// name returns the name of a stream, or "" where there is none or it is deleted.
func (s *Streams) name(ctx context.Context, org, id ID) (string, error) {
	open, err := s.resolved.get(streamRef{org, id.String()}, func(old *openStream) (*openStream, error) {
		return s.load(ctx, org, id.String(), old)
	}, IsNotFound)
	if IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return open.Name, nil
}
