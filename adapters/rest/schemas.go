package rest

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"

	"github.com/eventflow-go/eventflow/core"
)

// SchemasPath is the address of the schema versions of a stream.
func SchemasPath(stream string) string { return StreamPath(stream) + "/schemas" }

// SchemaPath is the address of one version of the schema of a type.
func SchemaPath(stream, eventType string, version int32) string {
	return SchemasPath(stream) + "/" + url.PathEscape(eventType) + "/" + strconv.Itoa(int(version))
}

// SchemasPage returns a page of the schema versions of a stream, by type and version.
func (c *Client) SchemasPage(ctx context.Context, stream string, query core.SchemaQuery) (page List[core.SchemaVersion], err error) {
	values := pageQuery(query.Cursor, query.Limit)
	if query.EventType != "" {
		values.Set("event_type", query.EventType)
	}
	err = c.get(ctx, withQuery(SchemasPath(stream), values), &page)
	return page, err
}

// Schema returns one version of the schema of a type.
func (c *Client) Schema(ctx context.Context, stream, eventType string, version int32) (found core.SchemaVersion, err error) {
	err = c.get(ctx, SchemaPath(stream, eventType, version), &found)
	return found, err
}

// RegisterSchema adds a version to the schema of a type, or returns the newest where it
// is the same. A schema that is not compatible is a [core.CodeConflict].
func (c *Client) RegisterSchema(ctx context.Context, stream string, spec core.SchemaSpec) (version core.SchemaVersion, err error) {
	fields := map[string]any{"event_type": spec.EventType, "schema": spec.Schema}
	setField(fields, "version", spec.Version)
	setField(fields, "compatibility", spec.Compatibility)
	err = c.post(ctx, SchemasPath(stream), fields, &version)
	return version, err
}

// CheckSchema says what would become of a schema. It changes nothing.
func (c *Client) CheckSchema(ctx context.Context, stream string, trial core.SchemaTrial) (verdict core.SchemaVerdict, err error) {
	fields := map[string]any{"event_type": trial.EventType}
	if len(trial.Schema) > 0 {
		fields["schema"] = trial.Schema
	}
	setField(fields, "version", trial.Version)
	setField(fields, "last", trial.Last)
	setField(fields, "against", trial.Against)
	setField(fields, "compatibility", trial.Compatibility)
	err = c.post(ctx, SchemasPath(stream)+"/check", fields, &verdict)
	return verdict, err
}

// InferSchema makes a schema that samples fit or, without samples, the newest events.
func (c *Client) InferSchema(ctx context.Context, stream string, from core.SchemaSamples) (inferred core.InferredSchema, err error) {
	fields := map[string]any{"event_type": from.EventType, "samples": append([]json.RawMessage{}, from.Samples...)}
	setField(fields, "last", from.Last)
	err = c.post(ctx, SchemasPath(stream)+"/infer", fields, &inferred)
	return inferred, err
}
