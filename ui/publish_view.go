package ui

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// publishView is the form that publishes an event.
type publishView struct {
	app.Compo
	Page

	streams load[rest.List[core.Stream]]
	to      string
	found   load[rest.List[core.Stream]] // streams whose names begin with to
	pause   delay
	event   rest.NewEvent
	payload string
	sent    core.Receipt
	wrong   string
	act     act
}

// OnMount implements [app.Mounter].
func (v *publishView) OnMount(ctx app.Context) {
	values := ctx.Page().URL().Query()
	v.to, v.payload = values.Get("stream"), "{\n  \n}"
	v.streams.fetchKept(ctx, v.s, keptStreamNames, func(ctx context.Context, client *rest.Client) (rest.List[core.Stream], error) {
		page, err := client.StreamsPage(ctx, core.StreamQuery{Limit: picksShown})
		if v.to == "" && len(page.Items) > 0 {
			v.to = page.Items[0].Name
		}
		return page, err
	})
	if v.to != "" {
		v.find(ctx)
	}
	if like := values.Get("like"); like != "" {
		v.fill(ctx, like)
	}
}

// find fetches the streams whose names begin with the text of the field. A stream of
// exactly that name comes first.
func (v *publishView) find(ctx app.Context) {
	query := core.StreamQuery{Prefix: v.to, Limit: picksShown}
	v.found.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (rest.List[core.Stream], error) {
		return client.StreamsPage(ctx, query)
	})
}

// fill fills the form with an event that was published before, without its id, its
// trace and its idempotency key.
func (v *publishView) fill(ctx app.Context, id string) {
	var event core.Event
	v.act.run(ctx, v.s, func(ctx context.Context, client *rest.Client) (err error) {
		event, err = client.Event(ctx, v.to, id)
		return err
	}, func(app.Context) { v.event, v.payload = again(event), indented(event.Payload) })
}

// Render implements [app.Composer].
func (v *publishView) Render() app.UI {
	return app.Div().Class("stack", "narrow").Body(app.H1().TabIndex(-1).Text("Publish an event"), v.streams.show(v.form))
}

func (v *publishView) form(page rest.List[core.Stream]) app.UI {
	if len(page.Items) == 0 {
		return emptyPanel("No streams yet", "Create a stream to publish to first.", "", linkButton("New stream", "plus", "/streams/new"))
	}
	wrong := fieldErrors{err: v.act.err}
	parts := []app.UI{
		field("stream", "Stream", v.choice(page), "", ""),
		field("type", "Type", textInput("type", &v.event.Type).Required(true).Placeholder("order.paid"), "", wrong.of("event_type")),
		app.Details().Class("fold").Open(v.event.Source != "" || v.event.Subject != "").Body(app.Summary().Text("More fields"),
			field("source", "Source", textInput("source", &v.event.Source), "What emitted the event. Defaults to your email address.", wrong.of("source")),
			field("subject", "Subject", textInput("subject", &v.event.Subject), "What the event is about, such as a customer.", wrong.of("subject")),
			field("key", "Idempotency key", textInput("key", &v.event.IdempotencyKey), "Another event with the same key is not stored.", wrong.of("idempotency_key"))),
		field("payload", "Payload", textArea("payload", &v.payload, 12).OnKeyDown(v.key), "Any JSON value. Ctrl+Enter publishes.", v.wrong),
	}
	if schema := v.schema(page); len(schema) > 0 {
		parts = append(parts, app.Details().Class("fold").Body(app.Summary().Text("Schema of the stream"), &jsonBox{Name: "schema", Text: indented(schema)}))
	}
	parts = append(parts, wrong.rest(), v.receipt(), app.Div().Class("row").Body(
		app.Button().Class("button", "main").Type("submit").Disabled(v.act.busy || v.s.offline).Body(icon("publish"), app.Span().Text("Publish")),
		button("Copy as curl", "copy", func(app.Context, app.Event) { copyText(v.curl()) })),
		keyHint(v.s))
	return form(v.send, parts...)
}

// choice is the field for the stream: a list of all streams, or a text field that
// offers some where there are many.
func (v *publishView) choice(page rest.List[core.Stream]) app.UI {
	if page.Pagination.HasMore {
		offered := page.Items
		if v.found.have() {
			offered = v.found.value.Items
		}
		options := make([]app.UI, len(offered))
		for i := range offered {
			options[i] = app.Option().Value(offered[i].Name)
		}
		return app.Div().Class("stack").Body(
			textInput("stream", &v.to).Required(true).List("streams").OnInput(v.pause.after(&v.to, v.find), app.EventScope("stream")),
			app.DataList().ID("streams").Body(options...))
	}
	choices := make([]choice[string], 0, len(page.Items)+1)
	for i := range page.Items {
		choices = append(choices, choice[string]{page.Items[i].Name, page.Items[i].Name})
	}
	if chosen := (choice[string]{v.to, v.to}); !slices.Contains(choices, chosen) {
		choices = append(choices, chosen) // it was in the address; the server says if there is no such stream
	}
	return selectInput("stream", &v.to, choices, nil)
}

// schema is the schema of the chosen stream, or nil.
func (v *publishView) schema(page rest.List[core.Stream]) json.RawMessage {
	for _, stream := range slices.Concat(page.Items, v.found.value.Items) {
		if stream.Name == v.to {
			return stream.Schema
		}
	}
	return nil
}

func (v *publishView) receipt() app.UI {
	switch {
	case !v.sent.Quarantine.IsZero():
		return app.Div().Class("note", "warn").Role("status").Body(icon("warn"), app.Span().Body(app.Text("Does not fit the schema, and is "),
			app.A().Href(address("/streams/{stream}/quarantine/{id}", v.to, v.sent.Quarantine.String())).Text("kept in quarantine"), app.Text(".")))
	case v.sent.ID.IsZero():
		return app.Span()
	}
	text := "Stored at offset "
	if v.sent.Duplicate {
		text = "Duplicate, not stored again. The first one is at offset "
	}
	return app.Div().Class("note", "ok").Role("status").Body(icon("ok"), app.Span().Body(app.Text(text),
		app.A().Href(address("/streams/{stream}/events/{offset}", v.to, fmt.Sprint(v.sent.Offset))).Text(count(int64(v.sent.Offset)))))
}

func (v *publishView) key(ctx app.Context, e app.Event) {
	if e.Get("key").String() == "Enter" && (e.Get("ctrlKey").Bool() || e.Get("metaKey").Bool()) {
		e.PreventDefault()
		v.send(ctx)
	}
}

func (v *publishView) send(ctx app.Context) {
	if v.sent, v.wrong = (core.Receipt{}), ""; !json.Valid([]byte(v.payload)) {
		v.wrong = "is not valid JSON"
		return
	}
	event := v.event
	event.Payload = json.RawMessage(v.payload)
	stream := v.to
	v.act.run(ctx, v.s, func(ctx context.Context, client *rest.Client) (err error) {
		v.sent, err = client.Publish(ctx, stream, event)
		return err
	}, nil)
}

// curl is a command that sends the same request.
func (v *publishView) curl() string {
	event := v.event
	event.Payload = json.RawMessage(v.payload)
	return sendCommand(v.s, v.to, event)
}

// again returns an event as a new one: without its id, its trace and its idempotency
// key.
func again(event core.Event) rest.NewEvent {
	return rest.NewEvent{Type: event.Type, Version: event.Version, Source: event.Source, Subject: event.Subject, Payload: event.Payload}
}
