package ui

import (
	"context"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// accountView is the page of the user who is signed in, and of the organization.
type accountView struct {
	app.Compo
	Page

	present, next string
	act           act
	org           string
	rename        act

	sessions load[[]rest.Session]
	ending   bool
	proof    string
	end      act

	switching act
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
	}
	if v.s.several() {
		parts = append(parts, v.organizationsPanel())
	}
	parts = append(parts,
		v.passwordPanel(),
		app.Section().Class("panel").Aria("label", "Sessions").Body(
			app.Div().Class("head").Body(app.H2().Text("Active sessions"),
				button("Sign out other sessions…", "out", func(app.Context, app.Event) { v.ending = true }).Disabled(v.s.offline)),
			v.sessions.show(sessionTable)))
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
		app.H2().Text("Change password"),
		form(v.send,
			field("present", "Current password", secretInput("present", &v.present, "current-password"), "", wrong.of("password")),
			field("next", "New password", secretInput("next", &v.next, "new-password"), passwordHint, wrong.of("new_password")),
			wrong.rest(),
			submitButton("Change password", v.act.busy)))
}

func (v *accountView) organizationPanel() app.UI {
	wrong := fieldErrors{err: v.rename.err}
	return app.Section().Class("panel").Aria("label", "Organization").Body(
		app.H2().Text("Organization"),
		form(v.sendName,
			field("org", "Name", textInput("org", &v.org).Required(true), "", wrong.of("name")),
			wrong.rest(),
			submitButton("Rename", v.rename.busy)))
}

// facts say who is signed in. The organization's limits are among them where they
// differ from the server's settings.
func (v *accountView) facts() []app.UI {
	me := v.s.me
	facts := []app.UI{
		app.Dt().Text("Email"), app.Dd().Body(app.Bdi().Text(v.s.email())),
		app.Dt().Text("Role"), app.Dd().Body(app.Text(string(me.Role)+" · "), app.A().Href("/settings/roles").Text("Permissions")),
		app.Dt().Text("Organization"), app.Dd().Body(app.Bdi().Text(me.Organization.Name)),
	}
	limit := func(name string, rate core.Rate) {
		if rate != (core.Rate{}) {
			perMinute, atOnce, _ := strings.Cut(rate.String(), "/")
			facts = append(facts, app.Dt().Text(name), app.Dd().Text(perMinute+" requests per minute, burst "+atOnce))
		}
	}
	limit("Rate limit per user", me.Organization.UserRate)
	limit("Rate limit per key", me.Organization.KeyRate)
	return facts
}

func (v *accountView) send(ctx app.Context) {
	v.act.run(ctx, v.s, func(ctx context.Context, client *rest.Client) error {
		return client.ChangePassword(ctx, rest.PasswordChange{Password: v.present, NewPassword: v.next})
	}, func(ctx app.Context) {
		v.s.say("Password changed. All other sessions have been signed out.")
		v.present, v.next = "", ""
		v.fetch(ctx)
	})
}

func (v *accountView) sendName(ctx app.Context) {
	name := v.org
	var renamed core.Organization
	v.rename.run(ctx, v.s, func(ctx context.Context, client *rest.Client) (err error) {
		renamed, err = client.RenameOrganization(ctx, name)
		return err
	}, func(app.Context) {
		v.s.me.Organization = renamed
		for i := range v.s.me.Organizations {
			if v.s.me.Organizations[i].ID == renamed.ID {
				v.s.me.Organizations[i].Name = renamed.Name
			}
		}
		v.s.say("Organization renamed.")
	})
}

func sessionTable(sessions []rest.Session) app.UI {
	columns := []column{{name: "Browser"}, {name: "IP address", minor: true}, {name: "Last seen"}, {name: "Current", unsaid: true}}
	rows := make([]app.UI, len(sessions))
	for i, session := range sessions {
		this := app.UI(app.Span())
		if session.Current {
			this = badge("ok", "this session")
		}
		rows[i] = row(columns, app.Bdi().Title(session.UserAgent).Text(browserName(session.UserAgent)),
			app.Code().Text(session.Address), timeText(session.RefreshedAt), this)
	}
	return table("Sessions", columns, rows...)
}

func (v *accountView) askEnd() app.UI {
	wrong := fieldErrors{err: v.end.err}
	return &dialog{Title: "Sign out all other sessions?", Close: func(app.Context) { v.ending = false }, Body: []app.UI{
		form(func(ctx app.Context) {
			v.end.run(ctx, v.s, func(ctx context.Context, client *rest.Client) error {
				return client.EndSession(ctx, rest.SessionEnd{Password: v.proof})
			}, func(ctx app.Context) {
				v.s.say("All other sessions have been signed out.")
				v.ending, v.proof = false, ""
				v.fetch(ctx)
			})
		},
			field("proof", "Your password", secretInput("proof", &v.proof, "current-password"), "", wrong.of("password")),
			wrong.rest(),
			submitButton("Sign out", v.end.busy)),
	}}
}
