package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// note is a remark of a kind: ok, warn, bad, info.
func note(kind, text string) app.UI {
	return app.Div().Class("note", kind).Body(icon(kind), app.Span().Text(text))
}

// badge is a state in a word, with a colour and an icon of its kind: ok, warn,
// bad, wait, info.
func badge(kind, text string) app.UI {
	return app.Span().Class("badge", kind).Body(icon(kind), app.Text(text))
}
