package ui

import (
	"context"
	"net/url"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// resetView is the form for a new password, which a link from an email opens.
type resetView struct {
	app.Compo
	Page

	link     link
	password string
	done     bool
	act      act
}

// OnMount implements [app.Mounter].
func (v *resetView) OnMount(ctx app.Context) {
	values, _ := url.ParseQuery(fragment()) // a fragment that cannot be read holds no ticket
	if v.link = (link{kind: core.TicketReset, token: values.Get("t")}); v.link.token != "" {
		dropFragment()
	}
	v.link.ask(ctx, v.s)
	ctx.Update()
}

// Render implements [app.Composer].
func (v *resetView) Render() app.UI {
	if v.done {
		return app.Div().Class("card").Body(app.H1().TabIndex(-1).Text("Password changed"),
			app.P().Text("All sessions have been signed out."), linkButton("Sign in", "", "/login"))
	}
	another := app.P().Body(app.A().Href("/forgot").Text("Get a new link"))
	if v.link.dead {
		return app.Div().Class("card").Body(app.H1().TabIndex(-1).Text("Choose a new password"), deadLink(another))
	}
	wrong := fieldErrors{err: v.act.err}
	return app.Div().Class("card").Body(app.H1().TabIndex(-1).Text("Choose a new password"),
		form(func(ctx app.Context) {
			v.act.runAnonymously(ctx, v.s, func(ctx context.Context, client *rest.Client) error {
				err := client.ResetPassword(ctx, rest.ResetPasswordRequest{Token: v.link.token, Password: v.password})
				v.done = err == nil
				return err
			}, nil)
		},
			field("password", "New password", secretInput("password", &v.password, "new-password"), passwordHint, wrong.of("password")),
			linkError(&wrong, another),
			submitButton("Change password", v.act.busy)))
}
