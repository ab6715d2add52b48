package ui

import (
	"context"
	"net/url"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
)

// loginView signs in. It stands in the place of any page that needs it.
type loginView struct {
	app.Compo
	Page
}

// Render implements [app.Composer].
func (v *loginView) Render() app.UI {
	return app.Div().Class("card").Body(
		app.H1().TabIndex(-1).Text("Sign in"),
		&loginForm{Page: v.Page, Done: v.done},
		app.P().Body(app.A().Href("/forgot").Text("Forgotten password?")),
	)
}

// done shows the page that was asked for.
func (v *loginView) done(ctx app.Context) {
	if v.Path == "/login" {
		ctx.Navigate("/")
	}
}

// loginForm asks for address and password.
type loginForm struct {
	app.Compo
	Page
	// Email is filled in.
	Email string
	Done  func(app.Context)

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
		field("password", "Password", secretInput("password", &f.password, "current-password"), "", ""),
		f.wrong(),
		submitButton("Sign in", f.act.busy),
	)
}

func (f *loginForm) wrong() app.UI {
	if f.act.err == nil {
		return app.Span()
	}
	if answeredError(f.act.err) {
		return note("bad", sentence(rest.Public(f.act.err).Message))
	}
	return actError(f.act.err)
}

func (f *loginForm) send(ctx app.Context) {
	f.act.runAnonymously(ctx, f.s, func(ctx context.Context, client *rest.Client) error {
		_, err := client.Login(ctx, rest.LoginRequest{Email: f.email, Password: f.password})
		return err
	}, func(ctx app.Context) { f.password = ""; f.Done(ctx) })
}

// setupView makes the first admin by a set-up link, or lets an invited user
// choose a password.
type setupView struct {
	app.Compo
	Page

	ticket, invite        string
	email, name, password string
	act                   act
}

// OnMount implements [app.Mounter]. The ticket is in the fragment, which no
// server sees, and leaves the address at once.
func (v *setupView) OnMount(ctx app.Context) {
	values, _ := url.ParseQuery(fragment()) // what is not readable is no ticket
	v.ticket, v.invite = values.Get("t"), values.Get("invite")
	if v.ticket != "" || v.invite != "" {
		dropFragment()
	}
	ctx.Update()
}

// Render implements [app.Composer].
func (v *setupView) Render() app.UI {
	if v.ticket == "" && v.invite == "" {
		return app.Div().Class("card").Body(app.H1().TabIndex(-1).Text("Set up EventFlow"),
			app.P().Text("The first admin is made by a link that is good once, for 30 minutes. Whoever runs the server gets one by:"),
			&copyBox{Text: "eventflow user setup-link"},
			app.P().Body(app.A().Href("/").Text("Sign in instead")))
	}
	title, intro := "Create the first admin", "You are the first here. This account can do everything, and invite others."
	fields := []app.UI{}
	if v.invite != "" {
		title, intro = "Welcome", "You were invited. Choose a name and a password."
	} else {
		fields = append(fields, field("email", "Email", app.Input().ID("email").Type("email").Attr("autocomplete", "username").
			Required(true).Value(inputValue(v.email)).OnInput(setText(&v.email)), "", fieldError(v.act.err, "email")))
	}
	fields = append(fields,
		field("name", "Name", textInput("name", &v.name), "", fieldError(v.act.err, "name")),
		field("password", "Password", secretInput("password", &v.password, "new-password"), passwordHint, fieldError(v.act.err, "password")))
	if len(detailsOf(v.act.err)) == 0 {
		fields = append(fields, actError(v.act.err))
	}
	return app.Div().Class("card").Body(app.H1().TabIndex(-1).Text(title), app.P().Text(intro),
		form(v.send, append(fields, submitButton("Create account", v.act.busy))...))
}

func (v *setupView) send(ctx app.Context) {
	v.act.runAnonymously(ctx, v.s, func(ctx context.Context, client *rest.Client) (err error) {
		if v.invite != "" {
			_, err = client.Accept(ctx, rest.AcceptRequest{Token: v.invite, Name: v.name, Password: v.password})
		} else {
			_, err = client.Setup(ctx, rest.SetupRequest{Token: v.ticket, Email: v.email, Name: v.name, Password: v.password})
		}
		return err
	}, func(ctx app.Context) { ctx.Navigate("/") })
}

// forgotView asks for a link to choose another password.
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
		return app.Div().Class("card").Body(app.H1().TabIndex(-1).Text("Look into your mail"),
			app.P().Text("If there is an account with this address, a link is on its way. It is good for 15 minutes. Where the server sends no mail, ask an admin."),
			app.P().Body(app.A().Href("/").Text("Back to signing in")))
	}
	return app.Div().Class("card").Body(app.H1().TabIndex(-1).Text("Forgotten password"),
		form(func(ctx app.Context) {
			v.act.runAnonymously(ctx, v.s, func(ctx context.Context, client *rest.Client) error {
				err := client.ForgotPassword(ctx, v.email)
				v.sent = err == nil
				return err
			}, nil)
		},
			field("email", "Email", app.Input().ID("email").Type("email").Attr("autocomplete", "username").Required(true).
				Value(v.email).OnInput(setText(&v.email)), "", fieldError(v.act.err, "email")),
			actError(v.act.err),
			submitButton("Send a link", v.act.busy)),
		app.P().Body(app.A().Href("/").Text("Back to signing in")))
}

// resetView chooses another password by a link.
type resetView struct {
	app.Compo
	Page

	token, password string
	done            bool
	act             act
}

// OnMount implements [app.Mounter].
func (v *resetView) OnMount(ctx app.Context) {
	values, _ := url.ParseQuery(fragment()) // what is not readable is no ticket
	if v.token = values.Get("t"); v.token != "" {
		dropFragment()
	}
	ctx.Update()
}

// Render implements [app.Composer].
func (v *resetView) Render() app.UI {
	if v.done {
		return app.Div().Class("card").Body(app.H1().TabIndex(-1).Text("Your password is changed"),
			app.P().Text("All sessions have ended."), linkButton("Sign in", "", "/login"))
	}
	return app.Div().Class("card").Body(app.H1().TabIndex(-1).Text("Choose another password"),
		form(func(ctx app.Context) {
			v.act.runAnonymously(ctx, v.s, func(ctx context.Context, client *rest.Client) error {
				err := client.ResetPassword(ctx, rest.ResetPasswordRequest{Token: v.token, Password: v.password})
				v.done = err == nil
				return err
			}, nil)
		},
			field("password", "New password", secretInput("password", &v.password, "new-password"), passwordHint, fieldError(v.act.err, "password")),
			actError(v.act.err),
			submitButton("Change password", v.act.busy)))
}
