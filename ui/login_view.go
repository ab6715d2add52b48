package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// loginView signs a user in. Until then it stands in the place of every page that
// needs a session.
type loginView struct {
	app.Compo
	Page
}

// Render implements [app.Composer].
func (v *loginView) Render() app.UI {
	return app.Div().Class("card").Body(
		app.H1().TabIndex(-1).Text("Sign in"),
		&loginForm{Page: v.Page, Done: v.done},
		app.P().Body(app.A().Href("/forgot").Text("Forgot your password?")),
	)
}

// done shows the page that the user asked for.
func (v *loginView) done(ctx app.Context) {
	if v.Path == "/login" {
		ctx.Navigate("/")
	}
}
