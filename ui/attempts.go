package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/core"
)

// attempts lists the failed deliveries of an event.
func attempts(all []core.Attempt) app.UI {
	var parts []app.UI
	for _, attempt := range all {
		parts = append(parts, app.Li().Body(
			app.Span().Textf("Attempt %d %s, ", attempt.Number, attempt.Outcome), timeText(attempt.At),
			app.If(attempt.Reason != "", func() app.UI { return app.Div().Class("reason").Body(app.Bdi().Text(attempt.Reason)) })))
	}
	return app.Ol().Class("attempts").Body(parts...)
}
