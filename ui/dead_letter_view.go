package ui

import (
	"context"
	"encoding/json"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// deadLetterView is one dead letter with its attempts.
type deadLetterView struct {
	app.Compo
	Page

	letter  load[core.DeadLetter]
	payload string
	edit    bool
	wrong   string
	act     act
	done    string
	// discarding says that the user is asked whether to discard the letter.
	discarding bool
}

// OnMount implements [app.Mounter].
func (v *deadLetterView) OnMount(ctx app.Context) {
	id := v.Params["id"]
	v.letter.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (core.DeadLetter, error) {
		letter, err := client.DeadLetter(ctx, id)
		v.payload = indented(letter.Event.Payload)
		return letter, err
	})
}

// Render implements [app.Composer].
func (v *deadLetterView) Render() app.UI {
	if v.done != "" {
		return app.Div().Class("stack").Body(app.H1().TabIndex(-1).Text("Dead letter"), note("ok", v.done), app.Div().Class("row").Body(linkButton("Dead letters", "dead", "/dead-letters")))
	}
	return app.Div().Class("stack").Body(
		app.Div().Class("head").Body(app.H1().TabIndex(-1).Text("Dead letter")),
		v.letter.show(v.content),
	)
}

func (v *deadLetterView) content(letter core.DeadLetter) app.UI {
	event := &letter.Event
	facts := app.Dl().Class("facts").Body(
		app.Dt().Text("Event"), app.Dd().Body(app.Bdi().Text(event.Type), app.Textf(", offset %s", count(int64(event.Offset)))),
		app.Dt().Text("Event ID"), app.Dd().Body(app.Code().Text(event.ID.String())),
		app.Dt().Text("Received"), app.Dd().Body(timeText(event.ReceivedAt)),
		app.Dt().Text("Parked"), app.Dd().Body(timeText(letter.ParkedAt)),
		app.Dt().Text("Reason"), app.Dd().Class("reason").Body(app.Bdi().Text(letter.Reason)),
	)
	parts := []app.UI{
		app.Section().Class("panel").Aria("label", "What happened").Body(facts, app.H2().Text("Attempts"), attempts(letter.Attempts)),
	}
	if letter.State == core.Replaying {
		parts = append(parts, note("info", "Replay requested. The group will process it again shortly."))
	}
	if v.edit {
		parts = append(parts, form(v.replayEdited,
			field("payload", "Edited payload", textArea("payload", &v.payload, 14), "The group receives this payload. The event in the stream does not change.", v.wrong),
			actError(v.act.err),
			app.Div().Class("row").Body(submitButton("Replay with this payload", v.act.busy), button("Cancel", "", func(app.Context, app.Event) { v.edit = false }))))
		return app.Div().Class("stack").Body(parts...)
	}
	parts = append(parts, &jsonBox{Name: "payload", Text: string(event.Payload)}, actError(v.act.err))
	if v.s.writable(core.ActionWriteLetters) {
		parts = append(parts, app.Div().Class("row").Body(
			mainButton("Replay", "refresh", func(ctx app.Context, _ app.Event) { v.replay(ctx, nil) }).Disabled(v.act.busy),
			button("Edit and replay…", "", func(app.Context, app.Event) { v.edit = true }),
			dangerButton("Discard…", "dead", func(app.Context, app.Event) { v.discarding = true }).Disabled(v.act.busy)))
	}
	if v.discarding {
		parts = append(parts, question("Discard this dead letter?", app.P().Text("The group will never process this event. The event stays in its stream."), "Discard",
			&v.act, v.discard, func(app.Context) { v.discarding = false }))
	}
	return app.Div().Class("stack").Body(parts...)
}

func (v *deadLetterView) replayEdited(ctx app.Context) {
	if v.wrong = ""; !json.Valid([]byte(v.payload)) {
		v.wrong = "is not valid JSON"
		return
	}
	v.replay(ctx, json.RawMessage(v.payload))
}

func (v *deadLetterView) replay(ctx app.Context, payload json.RawMessage) {
	id := v.Params["id"]
	v.act.run(ctx, v.s, func(ctx context.Context, client *rest.Client) error {
		_, err := client.ReplayDeadLetter(ctx, id, payload)
		return err
	}, func(app.Context) {
		v.done = "Replay requested. The dead letter disappears once the group has acknowledged it."
	})
}

func (v *deadLetterView) discard(ctx app.Context) {
	id := v.Params["id"]
	v.act.run(ctx, v.s, func(ctx context.Context, client *rest.Client) error { return client.DiscardDeadLetter(ctx, id) },
		func(app.Context) { v.done = "Discarded. The event remains in the stream." })
}
