package ui

import (
	"context"
	"encoding/json"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// schemaView shows and changes what payloads of a stream must fit: the versions of each
// type of events, the schema of all other types, and what becomes of events that do not
// fit.
type schemaView struct {
	app.Compo
	Page

	stream      load[core.Stream]
	text        string
	enforcement core.Enforcement
	act         act
	versions    schemaVersions
}

// OnMount implements [app.Mounter].
func (v *schemaView) OnMount(ctx app.Context) {
	name := v.Page.stream()
	v.stream.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (core.Stream, error) {
		stream, err := client.Stream(ctx, name)
		v.text, v.enforcement = indented(stream.Schema), stream.Enforcement
		return stream, err
	})
	v.versions.s, v.versions.stream = v.s, name
	v.versions.fetch(ctx)
}

// Render implements [app.Composer].
func (v *schemaView) Render() app.UI {
	v.versions.s, v.versions.stream = v.s, v.Page.stream() // it is drawn before it is mounted
	return app.Div().Class("stack").Body(streamHead(v.Page), v.versions.panel(), v.stream.show(v.others))
}

// enforcements says what may become of an event that does not fit.
var enforcements = []choice[core.Enforcement]{
	{core.EnforceReject, "is rejected"}, {core.EnforceQuarantine, "is kept in quarantine"}, {core.EnforceReport, "is accepted and counted"},
}

// others is about the types that have no versions, and about all events that do not fit.
func (v *schemaView) others(stream core.Stream) app.UI {
	if !v.s.writable(core.ActionWriteStreams) {
		if len(stream.Schema) == 0 {
			return emptyPanel("No schema for other types", "Any JSON value is accepted as their payload.", "")
		}
		return &copyBox{Text: indented(stream.Schema)}
	}
	hint := "New payloads of types without versions must match it. Stored events do not change."
	if len(stream.Schema) == 0 {
		hint = "Without a schema, any JSON value is accepted. " + hint
	}
	wrong := fieldErrors{err: v.act.err}
	return app.Section().Class("panel").Aria("label", "All other types").Body(app.H2().Text("All other types"),
		form(v.send,
			field("schema", "JSON Schema (2020-12)", textArea("schema", &v.text, 12), hint, wrong.of("schema")),
			field("enforcement", "An event that does not fit", selectInput("enforcement", &v.enforcement, enforcements, nil),
				"Of every type, with versions or without.", wrong.of("enforcement")),
			wrong.rest(),
			submitButton("Save schema", v.act.busy)))
}

func (v *schemaView) send(ctx app.Context) {
	schema := json.RawMessage(v.text)
	if v.text == "" {
		schema = json.RawMessage("null")
	}
	if !json.Valid(schema) {
		v.act.err = core.Invalid("schema", "is not valid JSON")
		return
	}
	stream, change := v.stream.value, core.StreamChange{Schema: schema}
	if v.enforcement != "" {
		change.Enforcement = &v.enforcement
	}
	v.act.run(ctx, v.s, func(ctx context.Context, client *rest.Client) (err error) {
		v.stream.value, err = client.ChangeStream(ctx, stream.ID.String(), change, 0)
		if err != nil {
			v.stream.value = stream
		}
		return err
	}, func(app.Context) { v.s.say("Schema saved.") })
}
