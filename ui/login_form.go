package ui

import (
	"context"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
)

// loginForm asks for an address and a password.
type loginForm struct {
	app.Compo
	Page
	// Email is the address that the form begins with.
	Email string
	// Done is called after the user has signed in.
	Done func(app.Context)

	email, password string
	act             act
}

// OnMount implements [app.Mounter].
func (f *loginForm) OnMount(app.Context) { f.email = f.Email }

// Render implements [app.Composer].
func (f *loginForm) Render() app.UI {
	return form(f.send,
		field("email", "Email", app.Input().ID("email").Type("email").Attr("autocomplete", "username").Required(true).
			Value(f.email).OnInput(setText(&f.email)), "", ""),
		field("password", "Password", secretInput("password", &f.password, "current-password").AutoFocus(f.Email != ""), "", ""),
		f.wrong(),
		submitButton("Sign in", f.act.busy),
	)
}

func (f *loginForm) wrong() app.UI {
	if f.act.err == nil {
		return app.Span()
	}
	if noAnswer(f.act.err) {
		return actError(f.act.err)
	}
	return note("bad", sentence(rest.Public(f.act.err).Message))
}

func (f *loginForm) send(ctx app.Context) {
	f.act.runAnonymously(ctx, f.s, func(ctx context.Context, client *rest.Client) error {
		_, err := client.Login(ctx, rest.LoginRequest{Email: f.email, Password: f.password})
		return err
	}, func(ctx app.Context) { f.password = ""; f.Done(ctx) })
}
