package ui

import (
	"context"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
)

// forgotView asks the server for a link by which the user chooses a new password.
type forgotView struct {
	app.Compo
	Page

	email string
	sent  bool
	act   act
}

// Render implements [app.Composer].
func (v *forgotView) Render() app.UI {
	if v.sent {
		return app.Div().Class("card").Body(app.H1().TabIndex(-1).Text("Check your email"),
			app.P().Text("If there is an account with this address, we have sent a link that is valid for 15 minutes. If this server does not send email, ask an admin."),
			app.P().Body(app.A().Href("/").Text("Back to sign-in")))
	}
	wrong := fieldErrors{err: v.act.err}
	return app.Div().Class("card").Body(app.H1().TabIndex(-1).Text("Forgot your password?"),
		form(func(ctx app.Context) {
			v.act.runAnonymously(ctx, v.s, func(ctx context.Context, client *rest.Client) error {
				err := client.ForgotPassword(ctx, v.email)
				v.sent = err == nil
				return err
			}, nil)
		},
			field("email", "Email", app.Input().ID("email").Type("email").Attr("autocomplete", "username").Required(true).
				Value(v.email).OnInput(setText(&v.email)), "", wrong.of("email")),
			wrong.rest(),
			submitButton("Send reset link", v.act.busy)),
		app.P().Body(app.A().Href("/").Text("Back to sign-in")))
}
