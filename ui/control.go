package ui

import (
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// button is one with a name and, where it helps, an icon.
func button(label, iconName string, click app.EventHandler) app.HTMLButton {
	return app.Button().Class("button").Type("button").OnClick(click, app.EventScope(label)).Body(iconAnd(iconName, label)...)
}

// mainButton is the one that a page is there for.
func mainButton(label, iconName string, click app.EventHandler) app.HTMLButton {
	return button(label, iconName, click).Class("main")
}

// dangerButton takes something away.
func dangerButton(label, iconName string, click app.EventHandler) app.HTMLButton {
	return button(label, iconName, click).Class("danger")
}

// submitButton sends its form.
func submitButton(label string, busy bool) app.HTMLButton {
	return app.Button().Class("button", "main").Type("submit").Disabled(busy).Aria("busy", busy).Text(label)
}

// iconButton shows its name to those who cannot see its icon, and as a hint.
func iconButton(label, iconName string, click app.EventHandler) app.HTMLButton {
	return app.Button().Class("button", "bare").Type("button").Aria("label", label).Title(label).
		OnClick(click, app.EventScope(label)).Body(icon(iconName))
}

func iconAnd(iconName, label string) []app.UI {
	if iconName == "" {
		return []app.UI{app.Text(label)}
	}
	return []app.UI{icon(iconName), app.Span().Text(label)}
}

// linkButton looks like a button and leads to an address.
func linkButton(label, iconName, href string) app.HTMLA {
	return app.A().Class("button").Href(href).Body(iconAnd(iconName, label)...)
}

// field is an input with its label, a hint, and what is wrong with it.
func field(id, label string, input app.UI, hint, wrong string) app.UI {
	parts := []app.UI{app.Label().For(id).Text(label), input}
	if wrong != "" {
		parts = append(parts, app.P().Class("wrong").ID(id+"-wrong").Role("alert").Text(wrong))
	}
	if hint != "" {
		parts = append(parts, app.P().Class("hint").ID(id+"-hint").Text(hint))
	}
	return app.Div().Class("field").Body(parts...)
}

// inputValue is what an input is given to show a text. The framework leaves out
// a value that is empty, so that the input would go on to show what was there
// before; a line break comes to nothing in an input of a line.
func inputValue(text string) string {
	if text == "" {
		return "\n"
	}
	return text
}

// emptyInput empties an input that takes no line break, such as one of a time.
func emptyInput(id string) {
	if input := app.Window().GetElementByID(id); input.Truthy() {
		input.Set("value", "")
	}
}

// textInput is bound to a text.
func textInput(id string, value *string) app.HTMLInput {
	return app.Input().ID(id).Type("text").Value(inputValue(*value)).AutoComplete(false).Spellcheck(false).
		OnInput(setText(value), app.EventScope(id))
}

// secretInput is bound to a password.
func secretInput(id string, value *string, purpose string) app.HTMLInput {
	return app.Input().ID(id).Type("password").Value(inputValue(*value)).Attr("autocomplete", purpose).Required(true).
		OnInput(setText(value), app.EventScope(id))
}

// textArea is bound to a text of several lines.
func textArea(id string, value *string, rows int) app.HTMLTextarea {
	return app.Textarea().ID(id).Rows(rows).Class("mono").Spellcheck(false).Text(*value).
		OnInput(setText(value), app.EventScope(id))
}

func setText(value *string) app.EventHandler {
	return func(ctx app.Context, _ app.Event) { *value = ctx.JSSrc().Get("value").String() }
}

// selectInput is bound to one of some choices: pairs of value and label.
func selectInput(id string, value *string, choices [][2]string, changed app.EventHandler) app.HTMLSelect {
	options := make([]app.UI, len(choices))
	for i, choice := range choices {
		options[i] = app.Option().Value(choice[0]).Selected(choice[0] == *value).Text(choice[1])
	}
	return app.Select().ID(id).Body(options...).OnChange(func(ctx app.Context, e app.Event) {
		*value = chosen(ctx.JSSrc())
		if changed != nil {
			changed(ctx, e)
		}
	}, app.EventScope(id))
}

// chosen is the value of the option that is selected in a select: "" for one
// without, where the browser gives the option's text.
func chosen(from app.Value) string {
	value := from.Get("selectedOptions").Index(0).Call("getAttribute", "value")
	if value.IsNull() {
		return ""
	}
	return value.String()
}

// form calls send when it is submitted.
func form(send func(app.Context), parts ...app.UI) app.UI {
	return app.Form().Class("form").Body(parts...).OnSubmit(func(ctx app.Context, e app.Event) {
		e.PreventDefault()
		send(ctx)
	})
}

// copyBox is a text to take along: a command, a key.
type copyBox struct {
	app.Compo
	Text string

	copied bool
}

// Render implements [app.Composer].
func (c *copyBox) Render() app.UI {
	label, name := "Copy", "copy"
	if c.copied {
		label, name = "Copied", "ok"
	}
	return app.Div().Class("copybox").Body(
		app.Pre().TabIndex(0).Body(app.Code().Text(c.Text)),
		iconButton(label, name, c.copy),
	)
}

func (c *copyBox) copy(ctx app.Context, _ app.Event) {
	copyText(c.Text)
	c.copied = true
	time.AfterFunc(2*time.Second, func() { ctx.Dispatch(func(app.Context) { c.copied = false }) })
}

// copyText puts a text into the clipboard.
func copyText(text string) {
	if clipboard := app.Window().Get("navigator").Get("clipboard"); clipboard.Truthy() {
		clipboard.Call("writeText", text)
	}
}

// dialog asks something on top of the page. It closes by Escape.
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

// question is a dialog that asks before something is done that cannot be undone;
// label is what the button says.
func question(title string, what app.UI, label string, answer *act, do, leave func(app.Context)) app.UI {
	return &dialog{Title: title, Close: leave, Body: []app.UI{
		app.P().Body(what),
		actError(answer.err),
		app.Div().Class("row").Body(
			dangerButton(label, "", func(ctx app.Context, _ app.Event) { do(ctx) }).Disabled(answer.busy).Aria("busy", answer.busy),
			button("Cancel", "", func(ctx app.Context, _ app.Event) { leave(ctx) })),
	}}
}
