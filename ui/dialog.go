package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// dialog asks something on top of the page. Escape closes it, unless Close is nil.
type dialog struct {
	app.Compo
	Title string
	Body  []app.UI
	Close func(app.Context)
}

// OnMount implements [app.Mounter].
func (d *dialog) OnMount(ctx app.Context) {
	if element := ctx.JSSrc(); element.Truthy() && !element.Get("open").Bool() {
		element.Call("showModal")
	}
}

// Render implements [app.Composer].
func (d *dialog) Render() app.UI {
	head := []app.UI{app.H2().ID("dialog-title").Text(d.Title)}
	if d.Close != nil {
		head = append(head, iconButton("Close", "close", func(ctx app.Context, _ app.Event) { d.Close(ctx) }))
	}
	return app.Dialog().Aria("labelledby", "dialog-title").Body(
		app.Div().Class("dialog-head").Body(head...),
		app.Div().Class("stack").Body(d.Body...),
	).On("cancel", func(ctx app.Context, e app.Event) {
		e.PreventDefault()
		if d.Close != nil {
			d.Close(ctx)
		}
	})
}

// question is a dialog that asks before something is done that cannot be undone.
// label is the text of the button that does it.
func question(title string, what app.UI, label string, answer *act, do, leave func(app.Context)) app.UI {
	return &dialog{Title: title, Close: leave, Body: []app.UI{
		what,
		actError(answer.err),
		app.Div().Class("row").Body(
			dangerButton(label, "", func(ctx app.Context, _ app.Event) { do(ctx) }).Disabled(answer.busy).Aria("busy", answer.busy),
			button("Cancel", "", func(ctx app.Context, _ app.Event) { leave(ctx) })),
	}}
}

// typedQuestion is a dialog that asks before something is deleted. noun says what that
// is. It is done by do once the user has typed its name.
func typedQuestion(noun, name, what string, typed *string, answer *act, do, leave func(app.Context)) app.UI {
	return &dialog{Title: "Delete " + name + "?", Close: leave, Body: []app.UI{
		app.If(what != "", func() app.UI { return app.P().Text(what) }),
		form(func(ctx app.Context) {
			if *typed == name {
				do(ctx)
			}
		},
			field("typed", "Type the "+noun+" name to confirm", textInput("typed", typed), "", ""),
			actError(answer.err),
			app.Button().Class("button", "danger").Type("submit").Disabled(*typed != name || answer.busy).Text("Delete "+noun)),
	}}
}

// graceChoices are how long a secret that is rotated stays good.
var graceChoices = []choice[string]{{"0s", "not at all"}, {"1h", "for 1 hour"}, {"24h", "for 1 day"}, {"168h", "for 1 week"}}

// secretDialog shows a new secret, which nothing shows a second time, and what to do with
// it.
func secretDialog(secret, kept string, leave func(app.Context), more ...app.UI) app.UI {
	parts := append([]app.UI{app.P().Text("This is the only time the secret is shown. " + kept), &copyBox{Text: secret}}, more...)
	return &dialog{Title: "Copy it now", Close: leave, Body: append(parts,
		app.Div().Class("row").Body(mainButton("I have copied it", "ok", func(ctx app.Context, _ app.Event) { leave(ctx) })))}
}
