package ui

import (
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// note is a remark. Its kind is ok, warn, bad or info.
func note(kind, text string) app.UI {
	return app.Div().Class("note", kind).Body(icon(kind), app.Span().Text(text))
}

// timeBadge is a badge that says when something ends or begins.
func timeBadge(kind, text string, at time.Time) app.UI {
	return app.Span().Class("badge", kind).Body(icon(kind), app.Text(text+" "), timeText(at))
}

// badge shows a state in a word, with the colour and the icon of its kind: ok, warn,
// bad, wait or info.
func badge(kind, text string) app.UI {
	return app.Span().Class("badge", kind).Body(icon(kind), app.Text(text))
}
