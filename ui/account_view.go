package ui

import (
	"context"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// accountView is about who is signed in, and the organization.
type accountView struct {
	app.Compo
	Page

	present, next string
	act           act
	changed       bool
	org           string
	rename        act
	renamed       bool

	sessions load[[]rest.Session]
	ending   bool
	proof    string
	end      act
}

// OnMount implements [app.Mounter].
func (v *accountView) OnMount(ctx app.Context) {
	v.org = v.s.me.Organization.Name
	v.fetch(ctx)
}

func (v *accountView) fetch(ctx app.Context) {
	v.sessions.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) ([]rest.Session, error) { return client.Sessions(ctx) })
}

// Render implements [app.Composer].
func (v *accountView) Render() app.UI {
	parts := []app.UI{
		app.H1().TabIndex(-1).Text("Your account"),
		app.Dl().Class("facts").Body(v.facts()...),
		v.passwordPanel(),
		app.Section().Class("panel").Aria("label", "Sessions").Body(
			app.Div().Class("head").Body(app.H2().Text("Where you are signed in"),
				button("End all others…", "out", func(app.Context, app.Event) { v.ending = true }).Disabled(v.s.offline)),
			v.sessions.show(sessionTable)),
	}
	if v.ending {
		parts = append(parts, v.askEnd())
	}
	if v.s.writable(core.ActionWriteOrganization) {
		parts = append(parts, v.organizationPanel())
	}
	return app.Div().Class("stack", "narrow").Body(parts...)
}

func (v *accountView) passwordPanel() app.UI {
	wrong := fieldErrors{err: v.act.err}
	return app.Section().Class("panel").Aria("label", "Password").Body(
		app.H2().Text("Another password"),
		form(v.send,
			field("present", "Present password", secretInput("present", &v.present, "current-password"), "", wrong.of("password")),
			field("next", "New password", secretInput("next", &v.next, "new-password"), passwordHint, wrong.of("new_password")),
			wrong.rest(),
			app.If(v.changed, func() app.UI { return note("ok", "Changed. All other sessions have ended.") }),
			submitButton("Change password", v.act.busy)))
}

func (v *accountView) organizationPanel() app.UI {
	wrong := fieldErrors{err: v.rename.err}
	return app.Section().Class("panel").Aria("label", "Organization").Body(
		app.H2().Text("Organization"),
		form(v.sendName,
			field("org", "Name", textInput("org", &v.org).Required(true), "", wrong.of("name")),
			wrong.rest(),
			app.If(v.renamed, func() app.UI { return note("ok", "Renamed.") }),
			submitButton("Rename", v.rename.busy)))
}

// facts say who is signed in, and what the organization is limited to where that
// is not what the settings say.
func (v *accountView) facts() []app.UI {
	me := v.s.me
	facts := []app.UI{
		app.Dt().Text("Email"), app.Dd().Body(app.Bdi().Text(v.s.email())),
		app.Dt().Text("Role"), app.Dd().Body(app.Text(string(me.Role)+", "), app.A().Href("/settings/roles").Text("what it may do")),
		app.Dt().Text("Organization"), app.Dd().Body(app.Bdi().Text(me.Organization.Name)),
	}
	limit := func(name string, rate core.Rate) {
		if rate != (core.Rate{}) {
			perMinute, atOnce, _ := strings.Cut(rate.String(), "/")
			facts = append(facts, app.Dt().Text(name), app.Dd().Text(perMinute+" requests a minute, "+atOnce+" at once"))
		}
	}
	limit("Limit of each person", me.Organization.UserRate)
	limit("Limit of each key", me.Organization.KeyRate)
	return facts
}

func (v *accountView) send(ctx app.Context) {
	v.changed = false
	v.act.run(ctx, v.s, func(ctx context.Context, client *rest.Client) error {
		return client.ChangePassword(ctx, rest.PasswordChange{Password: v.present, NewPassword: v.next})
	}, func(app.Context) { v.changed, v.present, v.next = true, "", "" })
}

func (v *accountView) sendName(ctx app.Context) {
	v.renamed = false
	name := v.org
	v.rename.run(ctx, v.s, func(ctx context.Context, client *rest.Client) (err error) {
		v.s.me.Organization, err = client.RenameOrganization(ctx, name)
		return err
	}, func(app.Context) { v.renamed = true })
}

func sessionTable(sessions []rest.Session) app.UI {
	columns := []column{{name: "Browser"}, {name: "From", minor: true}, {name: "Last seen"}, {name: "This one", unsaid: true}}
	rows := make([]app.UI, len(sessions))
	for i, session := range sessions {
		this := app.UI(app.Span())
		if session.Current {
			this = badge("ok", "this one")
		}
		rows[i] = row(columns, app.Bdi().Title(session.UserAgent).Text(browserName(session.UserAgent)),
			app.Code().Text(session.Address), timeText(session.RefreshedAt), this)
	}
	return table("Sessions", columns, rows...)
}

func (v *accountView) askEnd() app.UI {
	wrong := fieldErrors{err: v.end.err}
	return &dialog{Title: "End all other sessions?", Close: func(app.Context) { v.ending = false }, Body: []app.UI{
		form(func(ctx app.Context) {
			v.end.run(ctx, v.s, func(ctx context.Context, client *rest.Client) error {
				return client.EndSession(ctx, rest.SessionEnd{Password: v.proof})
			}, func(ctx app.Context) {
				v.ending, v.proof = false, ""
				v.fetch(ctx)
			})
		},
			field("proof", "Your password", secretInput("proof", &v.proof, "current-password"), "", wrong.of("password")),
			wrong.rest(),
			submitButton("End them", v.end.busy)),
	}}
}
