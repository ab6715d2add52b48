package ui

import (
	"context"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// loginForm asks for an address and a password, and then for the organization where
// there are several.
type loginForm struct {
	app.Compo
	Page
	// Email is the address that the form begins with.
	Email string
	// Done is called after the user has signed in.
	Done func(app.Context)

	email, password string
	// choices are the organizations of somebody who has given the right password, as
	// long as none is chosen. The session that has begun is one of the last visit's.
	choices []core.Membership
	act     act
}

// OnMount implements [app.Mounter].
func (f *loginForm) OnMount(app.Context) { f.email = f.Email }

// Render implements [app.Composer].
func (f *loginForm) Render() app.UI {
	if len(f.choices) > 0 {
		return f.choose()
	}
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

// send signs in. On top of a page, that is to the organization that the page shows.
func (f *loginForm) send(ctx app.Context) {
	request := rest.LoginRequest{Email: f.email, Password: f.password}
	if f.s.known() {
		request.Organization = f.s.me.Organization.ID.String()
	}
	var signedIn rest.SignedIn
	f.act.ask(ctx, f.s, func(ctx context.Context, client *rest.Client) (err error) {
		signedIn, err = client.Login(ctx, request)
		return err
	}, func(ctx app.Context) {
		f.password = ""
		if request.Organization == "" && len(signedIn.Organizations) > 1 {
			f.choices = signedIn.Organizations
			return
		}
		f.enter(ctx, core.ID{})
	})
}

// choose asks for one of the organizations.
func (f *loginForm) choose() app.UI {
	parts := []app.UI{app.P().Text("You belong to several organizations. Choose one to go on; you can switch later.")}
	for _, one := range f.choices {
		parts = append(parts, app.Button().Class("button", "choice").Type("button").Disabled(f.act.busy).
			OnClick(func(ctx app.Context, _ app.Event) { f.enter(ctx, one.ID) }, app.EventScope(one.ID)).
			Body(app.Bdi().Text(one.Name), app.Span().Class("quiet").Text(string(one.Role))))
	}
	return app.Div().Class("stack").Role("group").Aria("label", "Organizations").Body(append(parts, f.wrong())...)
}

// enter goes on in an organization or, if it is zero, where the sign-in has led.
func (f *loginForm) enter(ctx app.Context, organization core.ID) {
	f.act.runAnonymously(ctx, f.s, func(ctx context.Context, client *rest.Client) (err error) {
		if !organization.IsZero() {
			_, err = client.Switch(ctx, rest.SwitchRequest{Organization: organization.String()})
		}
		return err
	}, f.Done)
}
