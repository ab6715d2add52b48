package ui

import (
	"context"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// usersView lists the users of the organization, and invites, changes and removes
// them.
type usersView struct {
	app.Compo
	Page

	list  load[rest.List[core.User]]
	pages pages

	asking      bool
	email, name string
	role        core.Role
	act         act
	invited     rest.Invited
	// At most one of them is set: the user whom the dialog would change or sign out, or
	// the change that leaves keys.
	changing, ending core.User
	leaving          leaving
	newRole          core.Role
	change           act
}

// userRoles are the roles that users can have.
var userRoles = []choice[core.Role]{
	{core.RoleViewer, "viewer: reads everything"},
	{core.RoleDeveloper, "developer: streams, groups, dead letters, own keys"},
	{core.RoleAdmin, "admin: everything"},
}

// OnMount implements [app.Mounter].
func (v *usersView) OnMount(ctx app.Context) {
	v.role = core.RoleDeveloper
	v.pages.follow(ctx.Page().URL().Query())
	v.fetch(ctx)
}

// OnNav implements [app.Navigator].
func (v *usersView) OnNav(ctx app.Context) {
	if v.here(ctx) && v.pages.follow(ctx.Page().URL().Query()) {
		v.fetch(ctx)
	}
}

func (v *usersView) fetch(ctx app.Context) {
	cursor := v.pages.cursor()
	v.list.fetchKept(ctx, v.s, keptUsers.of(cursor), func(ctx context.Context, client *rest.Client) (rest.List[core.User], error) {
		return client.UsersPage(ctx, cursor)
	})
}

// Render implements [app.Composer].
func (v *usersView) Render() app.UI {
	head := []app.UI{app.H1().TabIndex(-1).Text("Users")}
	if v.s.writable(core.ActionWriteUsers) {
		head = append(head, mainButton("Invite", "plus", func(app.Context, app.Event) { v.asking, v.act = true, act{} }))
	}
	parts := []app.UI{app.Div().Class("head").Body(head...), v.list.show(v.table)}
	switch {
	case v.invited.Link != "":
		parts = append(parts, v.handOver())
	case v.asking:
		parts = append(parts, v.ask())
	case !v.changing.ID.IsZero():
		parts = append(parts, v.askChange())
	case !v.leaving.user.ID.IsZero():
		parts = append(parts, v.askLeave())
	case !v.ending.ID.IsZero():
		parts = append(parts, v.askEnd())
	}
	return app.Div().Class("stack").Body(parts...)
}

func (v *usersView) table(page rest.List[core.User]) app.UI {
	columns := []column{{name: "User"}, {name: "Name", minor: true}, {name: "Role"}, {name: "Status"}, {name: "Last sign-in", told: true}, {name: "Actions", number: true, unsaid: true}}
	rows := make([]app.UI, len(page.Items))
	for i := range page.Items {
		user := page.Items[i]
		state := badge("ok", "active")
		switch user.State {
		case core.UserInvited:
			state = badge("wait", "invited")
		case core.UserDisabled:
			state = badge("bad", "disabled")
		}
		action := app.UI(app.Span().Class("quiet").Text("you"))
		if v.s.me.User == nil || user.ID != v.s.me.User.ID {
			action = button("Change", "settings", nil).Aria("label", "Change "+user.Email).Disabled(!v.s.writable(core.ActionWriteUsers)).
				OnClick(func(app.Context, app.Event) {
					v.changing, v.newRole, v.change = user, user.Role, act{}
				}, app.EventScope(user.ID, user.Revision))
		}
		rows[i] = card(columns, app.Span().Class("name").Body(named(user.Email)), named(user.Name), app.Text(user.Role), state,
			optionalTime(user.LastLoginAt, "never"), action)
	}
	return app.Div().Class("stack").Body(cards("Users", columns, rows...),
		pager(&v.pages, page.Pagination, v.fetch))
}

func (v *usersView) ask() app.UI {
	wrong := fieldErrors{err: v.act.err}
	return &dialog{Title: "Invite a user", Close: func(app.Context) { v.asking = false }, Body: []app.UI{
		form(v.send,
			field("email", "Email", app.Input().ID("email").Type("email").Required(true).Value(inputValue(v.email)).OnInput(setText(&v.email)), "", wrong.of("email")),
			field("name", "Name", textInput("name", &v.name), "", wrong.of("name")),
			field("role", "Role", selectInput("role", &v.role, userRoles, nil), "", ""),
			wrong.rest(),
			submitButton("Invite", v.act.busy)),
	}}
}

func (v *usersView) send(ctx app.Context) {
	request := rest.InviteRequest{Email: v.email, Name: v.name, Role: v.role}
	v.act.run(ctx, v.s, func(ctx context.Context, client *rest.Client) (err error) {
		v.invited, err = client.Invite(ctx, request)
		return err
	}, func(ctx app.Context) {
		v.asking, v.email, v.name = false, "", ""
		v.fetch(ctx)
	})
}

// handOver shows the link of an invitation to the admin, who sends it.
func (v *usersView) handOver() app.UI {
	return &dialog{Title: "Send this invitation link", Close: v.forget, Body: []app.UI{
		app.P().Body(app.Text("It lets "), app.Bdi().Text(v.invited.User.Email), app.Text(" choose a password, works once and expires in 7 days. If this server is set up for email, it has been sent there, too.")),
		&copyBox{Text: v.link()},
		app.Div().Class("row").Body(mainButton("Done", "ok", func(ctx app.Context, _ app.Event) { v.forget(ctx) })),
	}}
}

// link is the link of the invitation. Where the server does not know its own address,
// the link is completed with the address of this dashboard.
func (v *usersView) link() string {
	if len(v.invited.Link) > 0 && v.invited.Link[0] == '/' {
		return v.s.origin + v.invited.Link
	}
	return v.invited.Link
}

func (v *usersView) forget(app.Context) { v.invited = rest.Invited{} }

func (v *usersView) askChange() app.UI {
	user := v.changing
	actions := []app.UI{dangerButton("Remove…", "dead", func(ctx app.Context, _ app.Event) { v.remove(ctx, user) })}
	if user.State == core.UserInvited {
		actions = append(actions, button("New invitation link", "link", func(ctx app.Context, _ app.Event) {
			v.do(ctx, "New invitation link for "+user.Email+".", func(ctx context.Context, client *rest.Client) (err error) {
				v.invited, err = client.InviteAgain(ctx, user.ID.String())
				return err
			})
		}))
	} else {
		label := "Disable"
		if user.State == core.UserDisabled {
			label = "Enable"
		}
		actions = append(actions, button(label, "", func(ctx app.Context, _ app.Event) { v.switchState(ctx, user) }),
			button("Sign out everywhere…", "out", func(app.Context, app.Event) {
				v.changing, v.ending, v.change = core.User{}, user, act{}
			}))
	}
	if v.s.may(core.ActionManageKeys) {
		actions = append(actions, linkButton("API keys", "key", madeBy(core.KindAPIKey, user.ID)), linkButton("Service tokens", "key", madeBy(core.KindServiceToken, user.ID)))
	}
	return &dialog{Title: user.Email, Close: func(app.Context) { v.changing = core.User{} }, Body: []app.UI{
		form(func(ctx app.Context) { v.giveRole(ctx, user, v.newRole) },
			field("new-role", "Role", selectInput("new-role", &v.newRole, userRoles, nil), "Takes effect within a second.", ""), submitButton("Save", v.change.busy)),
		actError(v.change.err),
		app.Div().Class("row").Body(actions...),
	}}
}

// giveRole changes the role of a user, who may have keys that are wider than it.
func (v *usersView) giveRole(ctx app.Context, user core.User, role core.Role) {
	v.leave(ctx, leaving{
		user: user, title: "Make " + user.Email + " a " + string(role) + "?", label: "Save", done: user.Email + " is " + string(role) + " now.",
		change: func(ctx context.Context, client *rest.Client, fate core.KeyFate) error {
			_, err := client.ChangeUserAndKeys(ctx, user.ID.String(), core.UserChange{Role: &role}, user.Revision, fate)
			return err
		},
	}, role)
}

// switchState disables a user, who may leave keys, or enables one who is disabled.
func (v *usersView) switchState(ctx app.Context, user core.User) {
	change := func(state core.UserState) func(context.Context, *rest.Client, core.KeyFate) error {
		return func(ctx context.Context, client *rest.Client, fate core.KeyFate) error {
			_, err := client.ChangeUserAndKeys(ctx, user.ID.String(), core.UserChange{State: &state}, user.Revision, fate)
			return err
		}
	}
	if user.State == core.UserDisabled {
		v.doLeave(ctx, leaving{done: user.Email + " enabled.", change: change(core.UserActive)})
		return
	}
	v.leave(ctx, leaving{
		user: user, title: "Disable " + user.Email + "?", label: "Disable", done: user.Email + " disabled.", change: change(core.UserDisabled),
	}, "")
}

func (v *usersView) remove(ctx app.Context, user core.User) {
	v.leave(ctx, leaving{
		user: user, title: "Remove " + user.Email + "?", what: "The account is deleted and its sessions end. What the user created is kept.",
		label: "Remove", done: user.Email + " removed.",
		change: func(ctx context.Context, client *rest.Client, fate core.KeyFate) error {
			_, err := client.RemoveUserAndKeys(ctx, user.ID.String(), fate)
			return err
		},
	}, "")
}

func (v *usersView) askEnd() app.UI {
	user := v.ending
	return question("Sign "+user.Email+" out everywhere?", app.P().Text("All sessions of this user end within a second, on every device. The password still works for signing in again."),
		"Sign out", &v.change, func(ctx app.Context) {
			v.do(ctx, user.Email+" signed out everywhere.", func(ctx context.Context, client *rest.Client) error {
				return client.EndSessionsOf(ctx, user.ID.String())
			})
		}, func(app.Context) { v.ending = core.User{} })
}

// do changes a user, closes the dialog after success and says what was done.
func (v *usersView) do(ctx app.Context, done string, change func(context.Context, *rest.Client) error) {
	v.change.run(ctx, v.s, change, func(ctx app.Context) {
		v.s.say(done)
		v.changing, v.ending, v.leaving = core.User{}, core.User{}, leaving{}
		v.fetch(ctx)
	})
}
