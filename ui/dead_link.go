package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/core"
)

// linkError is the error of a form behind a link that works once. A link that is used
// up is no reason to sign in again: another says what to do instead.
func linkError(wrong *fieldErrors, another ...app.UI) app.UI {
	if core.CodeOf(wrong.err) != core.CodeUnauthorized {
		return wrong.rest()
	}
	dead := note("bad", "This link does not work: it was used before, has expired, or was replaced by a newer one.")
	return app.Div().Class("stack", "tight").Role("alert").Body(append([]app.UI{dead}, another...)...)
}
