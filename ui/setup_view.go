package ui

import (
	"context"
	"net/url"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// setupView is the form behind a set-up link, which makes the first admin, and behind
// an invitation, which lets its user choose a password.
type setupView struct {
	app.Compo
	Page

	link                  link
	email, name, password string
	act                   act
}

// OnMount implements [app.Mounter]. It takes the ticket from the fragment, which
// browsers send to no server, and removes it from the address at once.
func (v *setupView) OnMount(ctx app.Context) {
	values, _ := url.ParseQuery(fragment()) // a fragment that cannot be read holds no ticket
	v.link = link{kind: core.TicketSetup, token: values.Get("t")}
	if invite := values.Get("invite"); invite != "" {
		v.link = link{kind: core.TicketInvite, token: invite}
	}
	if v.link.token != "" {
		dropFragment()
	}
	v.link.ask(ctx, v.s)
	ctx.Update()
}

// Render implements [app.Composer].
func (v *setupView) Render() app.UI {
	if v.link.token == "" {
		return app.Div().Class("card").Body(app.H1().TabIndex(-1).Text("Set up EventFlow"),
			app.P().Text("The first admin account is created with a link that works once and expires after 30 minutes. To get one, run this on the server:"),
			&copyBox{Text: "eventflow user setup-link"},
			app.P().Body(app.A().Href("/").Text("Sign in instead")))
	}
	title, intro := "Create the first admin", "This account has full access and can invite others."
	another := []app.UI{app.P().Text("To get another one, run this on the server:"), &copyBox{Text: "eventflow user setup-link"}}
	wrong, fields := fieldErrors{err: v.act.err}, []app.UI{}
	if v.link.kind == core.TicketInvite {
		title, intro = "Welcome", "You were invited. Choose a name and a password. If you already have a password here for this address, enter that one: you then switch between your organizations."
		another = []app.UI{app.P().Text("Ask an admin for a new invitation link.")}
	} else {
		fields = append(fields, field("email", "Email", app.Input().ID("email").Type("email").Attr("autocomplete", "username").
			Required(true).Value(inputValue(v.email)).OnInput(setText(&v.email)), "", wrong.of("email")))
	}
	if v.link.dead {
		return app.Div().Class("card").Body(app.H1().TabIndex(-1).Text(title), deadLink(another...))
	}
	fields = append(fields,
		field("name", "Name", textInput("name", &v.name), "", wrong.of("name")),
		field("password", "Password", secretInput("password", &v.password, "new-password"), passwordHint, wrong.of("password")),
		linkError(&wrong, another...),
		submitButton("Create account", v.act.busy))
	return app.Div().Class("card").Body(app.H1().TabIndex(-1).Text(title), app.P().Text(intro),
		form(v.send, fields...))
}

func (v *setupView) send(ctx app.Context) {
	v.act.runAnonymously(ctx, v.s, func(ctx context.Context, client *rest.Client) (err error) {
		if v.link.kind == core.TicketInvite {
			_, err = client.Accept(ctx, rest.AcceptRequest{Token: v.link.token, Name: v.name, Password: v.password})
		} else {
			_, err = client.Setup(ctx, rest.SetupRequest{Token: v.link.token, Email: v.email, Name: v.name, Password: v.password})
		}
		return err
	}, func(ctx app.Context) { ctx.Navigate("/") })
}
