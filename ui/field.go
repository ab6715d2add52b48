package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// field is an input with its label. Where they are not empty, it has a hint and the
// reason why its value is wrong.
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

// textInput is an input of one line that is bound to a text.
func textInput(id string, value *string) app.HTMLInput {
	return app.Input().ID(id).Type("text").Value(inputValue(*value)).AutoComplete(false).Spellcheck(false).
		OnInput(setText(value), app.EventScope(id))
}

// secretInput is an input that is bound to a password. purpose tells the browser
// which password.
func secretInput(id string, value *string, purpose string) app.HTMLInput {
	return app.Input().ID(id).Type("password").Value(inputValue(*value)).Attr("autocomplete", purpose).Required(true).
		OnInput(setText(value), app.EventScope(id))
}

// textArea is an input that is bound to a text of several lines.
func textArea(id string, value *string, rows int) app.HTMLTextarea {
	return app.Textarea().ID(id).Rows(rows).Class("mono").Spellcheck(false).Text(*value).
		OnInput(setText(value), app.EventScope(id))
}

// choice is an option of a select: its value, and the label that people read.
type choice[T ~string] struct {
	value T
	label string
}

// selectInput is a select that is bound to the value of the chosen option. It calls
// changed, unless that is nil.
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

// chosen is the value of the selected option of a select. For an option without a
// value it is "", where the browser would give the option's text.
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

// inputValue is the value to give to an input that shows a text. The framework leaves
// out an empty value, and the input would keep the text that it had before. A line
// break is not empty, and an input of one line drops it.
func inputValue(text string) string {
	if text == "" {
		return "\n"
	}
	return text
}

// emptyInput empties an input for which inputValue does not work, such as one of a
// time.
func emptyInput(id string) {
	if input := app.Window().GetElementByID(id); input.Truthy() {
		input.Set("value", "")
	}
}

const passwordHint = "At least 12 characters, with upper and lower case, a digit and a symbol." //nolint:gosec // it is about passwords, and none
