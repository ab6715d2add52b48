package ui

import "github.com/maxence-charriere/go-app/v10/pkg/app"

// shell is around every page.
type shell struct{ app.Compo }

// Render implements [app.Composer].
func (s *shell) Render() app.UI {
	return app.Div().ID("app").Body(app.H1().Text("EventFlow"))
}
