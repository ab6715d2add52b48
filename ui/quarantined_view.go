package ui

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// quarantinedView is one event that did not fit its schema. It is mended or discarded.
type quarantinedView struct {
	app.Compo
	Page

	found                       load[core.Quarantined]
	eventType, version, payload string
	act                         act
	// discarding says that the user is asked whether to discard the event.
	discarding bool
}

// OnMount implements [app.Mounter].
func (v *quarantinedView) OnMount(ctx app.Context) {
	name, id := v.Page.stream(), v.Params["id"]
	v.found.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (core.Quarantined, error) {
		found, err := client.Quarantined(ctx, name, id)
		v.eventType, v.version, v.payload = found.Event.Type, strconv.Itoa(int(found.Event.Version)), indented(found.Event.Payload)
		return found, err
	})
}

// Render implements [app.Composer].
func (v *quarantinedView) Render() app.UI {
	return app.Div().Class("stack").Body(streamHead(v.Page), v.found.show(v.content))
}

func (v *quarantinedView) content(found core.Quarantined) app.UI {
	facts := app.Dl().Class("facts").Body(
		app.Dt().Text("Received"), app.Dd().Body(timeText(found.Event.ReceivedAt)),
		app.Dt().Text("Source"), app.Dd().Body(app.Bdi().Text(found.Event.Source)),
		app.Dt().Text("Subject"), app.Dd().Body(app.Bdi().Text(found.Event.Subject)),
		app.Dt().Text("Does not fit"), app.Dd().Class("reason").Body(app.Div().Body(detailLines(found.Reasons)...)),
	)
	parts := []app.UI{app.Section().Class("panel").Aria("label", "Event in quarantine").Body(app.H2().Text("Event in quarantine"), facts)}
	if !v.s.writable(core.ActionWriteSchemas) {
		return app.Div().Class("stack").Body(append(parts, &jsonBox{Name: "payload", Text: string(found.Event.Payload)})...)
	}
	wrong := fieldErrors{err: v.act.err}
	parts = append(parts, form(v.ingest,
		field("event-type", "Event type", textInput("event-type", &v.eventType).Required(true), "", wrong.of("event_type")),
		field("version", "Event version", textInput("version", &v.version).Attr("inputmode", "numeric"), "", wrong.of("event_version")),
		field("payload", "Payload", textArea("payload", &v.payload, 14), "Mend it, and it goes into the stream as its producer's event.", wrong.of("payload")),
		wrong.rest(),
		app.Div().Class("row").Body(submitButton("Ingest", v.act.busy),
			dangerButton("Discard…", "dead", func(app.Context, app.Event) { v.discarding = true }).Disabled(v.act.busy))))
	if v.discarding {
		parts = append(parts, question("Discard this event?", app.P().Text("It never gets into the stream, and nobody can get it back."), "Discard",
			&v.act, v.discard, func(app.Context) { v.discarding = false }))
	}
	return app.Div().Class("stack").Body(parts...)
}

func (v *quarantinedView) ingest(ctx app.Context) {
	version, err := strconv.ParseInt(v.version, 10, 32)
	switch {
	case err != nil:
		v.act.err = core.Invalid("event_version", "must be a whole number")
		return
	case !json.Valid([]byte(v.payload)):
		v.act.err = core.Invalid("payload", "is not valid JSON")
		return
	}
	number := int32(version)
	name, id := v.Page.stream(), v.Params["id"]
	mend := core.Mend{EventType: &v.eventType, Version: &number}
	if v.payload != indented(v.found.value.Event.Payload) {
		mend.Payload = json.RawMessage(v.payload)
	}
	v.act.run(ctx, v.s, func(ctx context.Context, client *rest.Client) error {
		_, err := client.IngestQuarantined(ctx, name, id, mend)
		return err
	}, func(ctx app.Context) { v.leave(ctx, "The event is in its stream.") })
}

func (v *quarantinedView) discard(ctx app.Context) {
	name, id := v.Page.stream(), v.Params["id"]
	v.act.run(ctx, v.s, func(ctx context.Context, client *rest.Client) error { return client.DiscardQuarantined(ctx, name, id) },
		func(ctx app.Context) { v.leave(ctx, "Discarded.") })
}

func (v *quarantinedView) leave(ctx app.Context, text string) {
	v.s.say(text)
	ctx.Navigate(address("/streams/{stream}/quarantine", v.Page.stream()))
}
