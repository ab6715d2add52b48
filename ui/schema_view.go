package ui

import (
	"context"
	"encoding/json"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// schemaView shows and changes the schema of a stream.
type schemaView struct {
	app.Compo
	Page

	stream load[core.Stream]
	text   string
	act    act
}

// OnMount implements [app.Mounter].
func (v *schemaView) OnMount(ctx app.Context) {
	name := v.Page.stream()
	v.stream.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (core.Stream, error) {
		stream, err := client.Stream(ctx, name)
		v.text = indented(stream.Schema)
		return stream, err
	})
}

// Render implements [app.Composer].
func (v *schemaView) Render() app.UI {
	return app.Div().Class("stack").Body(streamHead(v.Page), v.stream.show(func(stream core.Stream) app.UI {
		if !v.s.writable(core.ActionWriteStreams) {
			if len(stream.Schema) == 0 {
				return emptyPanel("No schema", "Any JSON value is accepted as a payload.", "")
			}
			return &copyBox{Text: indented(stream.Schema)}
		}
		hint := "New payloads must match it. Stored events do not change."
		if len(stream.Schema) == 0 {
			hint = "Without a schema, any JSON value is accepted. " + hint
		}
		wrong := fieldErrors{err: v.act.err}
		return form(v.send,
			field("schema", "JSON Schema (2020-12)", textArea("schema", &v.text, 18), hint, wrong.of("schema")),
			wrong.rest(),
			submitButton("Save schema", v.act.busy))
	}))
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
	stream := v.stream.value
	v.act.run(ctx, v.s, func(ctx context.Context, client *rest.Client) (err error) {
		v.stream.value, err = client.ChangeStream(ctx, stream.ID.String(), core.StreamChange{Schema: schema}, stream.Revision)
		if err != nil {
			v.stream.value = stream
		}
		return err
	}, func(app.Context) { v.s.say("Schema saved.") })
}
