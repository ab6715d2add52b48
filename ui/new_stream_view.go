package ui

import (
	"context"
	"encoding/json"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// newStreamView is the form that makes a stream.
type newStreamView struct {
	app.Compo
	Page

	name, description, sample, schema string
	act                               act
	sampleError                       string
}

// Render implements [app.Composer].
func (v *newStreamView) Render() app.UI {
	wrong := fieldErrors{err: v.act.err}
	return app.Div().Class("stack", "narrow").Body(
		app.H1().TabIndex(-1).Text("New stream"),
		form(v.send,
			field("name", "Name", textInput("name", &v.name).Required(true).Placeholder("orders"), "Up to 128 characters. Used in URLs.", wrong.of("name")),
			field("description", "Description", textInput("description", &v.description), "", wrong.of("description")),
			app.Details().Class("fold").Body(
				app.Summary().Text("Validate payloads with a schema"),
				field("sample", "Sample payload", textArea("sample", &v.sample, 5).Placeholder(`{"order_id":"A-1","amount":12.5}`),
					"Paste a payload to generate a schema that you can edit.", v.sampleError),
				app.Div().Class("row").Body(button("Generate schema", "", v.infer)),
				field("schema", "JSON Schema (2020-12)", textArea("schema", &v.schema, 10), "Events that do not match are rejected, with the name of the field that is wrong.", wrong.of("schema")),
			),
			wrong.rest(),
			submitButton("Create stream", v.act.busy),
		),
	)
}

func (v *newStreamView) infer(app.Context, app.Event) {
	schema, err := core.InferSchema(json.RawMessage(v.sample))
	v.sampleError = ""
	if err != nil {
		v.sampleError = "is not valid JSON"
		return
	}
	v.schema = string(schema)
}

func (v *newStreamView) send(ctx app.Context) {
	spec := core.StreamSpec{Name: v.name, Description: v.description}
	if v.schema != "" {
		spec.Schema = json.RawMessage(v.schema)
	}
	if v.schema != "" && !json.Valid(spec.Schema) {
		v.act.err = core.Invalid("schema", "is not valid JSON")
		return
	}
	v.act.run(ctx, v.s, func(ctx context.Context, client *rest.Client) error {
		_, err := client.CreateStream(ctx, spec)
		return err
	}, func(ctx app.Context) {
		v.s.say("Stream " + spec.Name + " created.")
		ctx.Navigate(address("/streams/{stream}", spec.Name))
	})
}
