package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

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

// form calls send when it is submitted.
func form(send func(app.Context), parts ...app.UI) app.UI {
	return app.Form().Class("form").Body(parts...).OnSubmit(func(ctx app.Context, e app.Event) {
		e.PreventDefault()
		send(ctx)
	})
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

// choice is an option of a select: its value, and what people read.
type choice[T ~string] struct {
	value T
	label string
}

// selectInput is bound to the value of one of some choices.
func selectInput[T ~string](id string, value *T, choices []choice[T], changed app.EventHandler) app.HTMLSelect {
	options := make([]app.UI, len(choices))
	for i, choice := range choices {
		options[i] = app.Option().Value(string(choice.value)).Selected(choice.value == *value).Text(choice.label)
	}
	return app.Select().ID(id).Body(options...).OnChange(func(ctx app.Context, e app.Event) {
		*value = T(chosen(ctx.JSSrc()))
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

func setText(value *string) app.EventHandler {
	return func(ctx app.Context, _ app.Event) { *value = ctx.JSSrc().Get("value").String() }
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

const passwordHint = "At least 12 characters, with upper and lower case, a digit and a symbol." //nolint:gosec // it is about passwords, and none
