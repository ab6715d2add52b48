package ui

import (
	"context"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// keysView lists and makes API keys or service tokens: those of its Kind.
type keysView struct {
	app.Compo
	Page
	Kind core.KeyKind

	list  load[keyList]
	pages pages

	asking             bool
	label, expires     string
	environment        core.Environment
	role               core.Role
	chosen             []string
	act                act
	made               rest.KeyWithSecret
	rotating, revoking core.APIKey
	grace              string
	rotate, revoke     act
	// creator is the user or key that the list is limited to; zero is none.
	creator core.ID
	// children are what the key has made that is to be revoked, and fate is what becomes
	// of them.
	children load[childList]
	fate     core.KeyFate
}

// childList is what a key has made.
type childList struct {
	of   core.ID
	keys []core.APIKey
}

// madeBy is the address of the list of what one user or key has made.
func madeBy(kind core.KeyKind, creator core.ID) string {
	path := "/settings/api-keys"
	if kind == core.KindServiceToken {
		path = "/settings/tokens"
	}
	return path + "?created_by=" + creator.String()
}

// narrow limits the list as the address says, and reports whether that is another limit.
func (v *keysView) narrow(ctx app.Context) bool {
	creator, _ := core.ParseID(ctx.Page().URL().Query().Get("created_by")) // else none
	changed := creator != v.creator
	v.creator = creator
	return changed
}

// OnMount implements [app.Mounter].
func (v *keysView) OnMount(ctx app.Context) {
	v.environment, v.role, v.expires, v.grace = core.Live, core.RoleProducer, "", "24h"
	if v.Kind == core.KindServiceToken {
		v.role = core.RoleConsumer
	}
	v.narrow(ctx)
	v.pages.follow(ctx.Page().URL().Query())
	v.fetch(ctx)
}

// OnNav implements [app.Navigator].
func (v *keysView) OnNav(ctx app.Context) {
	if !v.here(ctx) {
		return
	}
	narrowed, turned := v.narrow(ctx), v.pages.follow(ctx.Page().URL().Query())
	if narrowed || turned {
		v.fetch(ctx)
	}
}

func (v *keysView) fetch(ctx app.Context) {
	kind, creator, cursor := v.Kind, v.creator, v.pages.cursor()
	part := cursor
	if !creator.IsZero() {
		part = creator.String() + " " + cursor
	}
	v.list.fetchKept(ctx, v.s, keptName(kind).of(part), func(ctx context.Context, client *rest.Client) (list keyList, err error) {
		if list.List, err = client.KeysMadeBy(ctx, kind, creator, cursor, 0); err == nil && v.s.may(core.ActionReadStreams) {
			list.Names = streamNames(ctx, client, narrowedTo(list.Items))
		}
		return list, err
	})
}

// title names the kind in the plural.
func (v *keysView) title() string {
	if v.Kind == core.KindServiceToken {
		return "Service tokens"
	}
	return "API keys"
}

// Render implements [app.Composer].
func (v *keysView) Render() app.UI {
	head := []app.UI{app.H1().TabIndex(-1).Text(v.title())}
	if v.s.writable(core.ActionWriteKeys) {
		head = append(head, mainButton("New "+v.Kind.String(), "plus", func(app.Context, app.Event) { v.asking, v.act = true, act{} }))
	}
	parts := []app.UI{app.Div().Class("head").Body(head...)}
	if !v.creator.IsZero() {
		parts = append(parts, app.Div().Class("row").Body(app.Span().Class("quiet").Text("Made by "+v.creator.String()+" only."),
			app.A().Href(v.Path).Text("Show all")))
	}
	parts = append(parts, v.list.show(v.table))
	switch {
	case v.made.Secret != "":
		parts = append(parts, v.once())
	case v.asking:
		parts = append(parts, v.ask())
	case !v.rotating.ID.IsZero():
		parts = append(parts, v.askRotate())
	case !v.revoking.ID.IsZero():
		parts = append(parts, v.askRevoke())
	}
	return app.Div().Class("stack").Body(parts...)
}

func (v *keysView) table(page keyList) app.UI {
	if len(page.Items) == 0 {
		why := "Applications use an API key to send events. A key is shown once, and only its hash is stored."
		if v.Kind == core.KindServiceToken {
			why = "Services use a token to read and acknowledge events. A token is shown once, and only its hash is stored."
		}
		name := "key"
		if v.Kind == core.KindServiceToken {
			name = "token"
		}
		return emptyPanel("No "+v.Kind.String()+"s yet", why, "eventflow "+name+" create --label billing"+organizationFlag(v.s.me.Organization))
	}
	columns := []column{
		{name: "Label"},
		{name: "Secret"},
		{name: "Role"},
		{name: "Streams", minor: true},
		{name: "Last used", told: true},
		{name: "Created", minor: true},
		{name: "Status"},
		{name: "Actions", number: true, unsaid: true},
	}
	rows := make([]app.UI, len(page.Items))
	for i := range page.Items {
		key := page.Items[i]
		rows[i] = card(columns,
			app.Span().Class("name").Body(named(key.Label)), code(key.Masked), app.Text(key.Role),
			named(page.scope(key)), optionalTime(key.LastUsedAt, "never"), timeText(key.CreatedAt), keyState(key, time.Now()), v.actions(key))
	}
	return app.Div().Class("stack").Body(cards(v.title(), columns, rows...),
		pager(&v.pages, page.Pagination, v.fetch))
}

// organizationFlag tells a command which organization it is for. Without it, that is the
// first one.
func organizationFlag(org core.Organization) string {
	if org.Name == "" || org.Name == core.FirstOrganizationName {
		return ""
	}
	return " --org " + quote(org.Name)
}

func (v *keysView) actions(key core.APIKey) app.UI {
	if key.RevokedAt != nil || !v.s.writable(core.ActionWriteKeys) {
		return app.Span()
	}
	return app.Div().Class("row").Body(
		button("Rotate", "refresh", nil).Aria("label", "Rotate "+key.Label).
			OnClick(func(app.Context, app.Event) { v.rotating, v.rotate = key, act{} }, app.EventScope("rotate", key.ID, key.Masked)),
		dangerButton("Revoke", "close", nil).Aria("label", "Revoke "+key.Label).
			OnClick(func(ctx app.Context, _ app.Event) { v.startRevoke(ctx, key) }, app.EventScope("revoke", key.ID)))
}

// startRevoke opens the question whether to revoke a key, and asks the server what the
// key has made.
func (v *keysView) startRevoke(ctx app.Context, key core.APIKey) {
	v.revoking, v.revoke, v.fate = key, act{}, core.KeepKeys
	v.children.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (childList, error) {
		keys, err := client.KeyChildren(ctx, key.Kind, key.ID.String())
		return childList{key.ID, keys}, err
	})
}

func (v *keysView) ask() app.UI {
	roles := []choice[core.Role]{
		{core.RoleProducer, "producer: sends events"},
		{core.RoleConsumer, "consumer: reads and acknowledges events"},
		{core.RoleViewer, "viewer: reads everything"},
		{core.RoleDeveloper, "developer: streams, groups, dead letters"},
	}
	if v.s.may(core.ActionManageKeys) {
		roles = append(roles, choice[core.Role]{core.RoleAdmin, "admin: everything"})
	}
	wrong := fieldErrors{err: v.act.err}
	parts := []app.UI{
		field("label", "Label", textInput("label", &v.label).Required(true).Placeholder("billing"), "Name of the application. Used as “source” for events without one.", wrong.of("label")),
		field("role", "Role", selectInput("role", &v.role, roles, nil), "", wrong.of("role")),
	}
	if v.Kind == core.KindAPIKey {
		parts = append(parts, field("environment", "Environment", selectInput("environment", &v.environment, []choice[core.Environment]{{core.Live, "live"}, {core.Test, "test"}}, nil),
			"Part of the key, so that live and test keys are easy to tell apart.", ""))
	}
	if v.s.may(core.ActionReadStreams) {
		parts = append(parts, &streamPicks{Page: v.Page, Chosen: &v.chosen, Wrong: wrong.of("streams")})
	}
	parts = append(parts,
		field("expires", "Expires", selectInput("expires", &v.expires, []choice[string]{{"", "never"}, {"720h", "in 30 days"}, {"2160h", "in 90 days"}, {"8760h", "in a year"}}, nil), "", wrong.of("expires_at")),
		wrong.rest(),
		submitButton("Create "+v.Kind.String(), v.act.busy))
	return &dialog{Title: "New " + v.Kind.String(), Close: func(app.Context) { v.asking = false }, Body: []app.UI{form(v.send, parts...)}}
}

func (v *keysView) send(ctx app.Context) {
	request := core.KeyRequest{Label: v.label, Role: v.role, Streams: v.chosen}
	if v.Kind == core.KindAPIKey {
		request.Environment = v.environment
	}
	if life, err := time.ParseDuration(v.expires); err == nil {
		request.ExpiresAt = &core.Time{Time: time.Now().Add(life)}
	}
	kind := v.Kind
	v.act.run(ctx, v.s, func(ctx context.Context, client *rest.Client) (err error) {
		v.made, err = client.CreateKey(ctx, kind, request)
		return err
	}, func(ctx app.Context) {
		v.asking, v.label, v.chosen = false, "", nil
		v.fetch(ctx)
	})
}

// once shows the secret of a new key, which nothing shows a second time.
func (v *keysView) once() app.UI {
	return secretDialog(v.made.Secret, "Only its hash is stored.", v.forget,
		app.P().Text("In a shell, for the commands that this dashboard shows:"), &copyBox{Text: exportKey(v.made.Secret)})
}

func (v *keysView) forget(app.Context) { v.made = rest.KeyWithSecret{} }

func (v *keysView) askRotate() app.UI {
	key := v.rotating
	return &dialog{Title: "Rotate " + key.Label + "?", Close: func(app.Context) { v.rotating = core.APIKey{} }, Body: []app.UI{
		form(func(ctx app.Context) { v.sendRotate(ctx, key) },
			field("grace", "Old secret stays valid", selectInput("grace", &v.grace, graceChoices, nil), "", ""),
			actError(v.rotate.err),
			submitButton("Rotate", v.rotate.busy)),
	}}
}

func (v *keysView) sendRotate(ctx app.Context, key core.APIKey) {
	life, _ := time.ParseDuration(v.grace) // it is one of the choices
	grace, kind := core.Seconds(life), v.Kind
	v.rotate.run(ctx, v.s, func(ctx context.Context, client *rest.Client) (err error) {
		v.made, err = client.RotateKey(ctx, kind, key.ID.String(), rest.RotateRequest{Grace: &grace})
		return err
	}, func(ctx app.Context) {
		v.rotating = core.APIKey{}
		v.fetch(ctx)
	})
}

func (v *keysView) askRevoke() app.UI {
	key, kind := v.revoking, v.Kind
	leave := func(app.Context) { v.revoking = core.APIKey{} }
	parts := []app.UI{app.P().Body(app.Text("Requests with "), app.Code().Text(key.Masked), app.Text(" are rejected within seconds. This cannot be undone."))}
	if children := v.children.value; children.of == key.ID && len(children.keys) > 0 {
		parts = append(parts, keyNames("It has made other keys or tokens:", children.keys),
			field("fate", "They", selectInput("fate", &v.fate, []choice[core.KeyFate]{{core.KeepKeys, "go on working"}, {core.RevokeKeys, "are revoked as well"}}, nil), "", ""))
	} else if v.children.err != nil {
		parts = append(parts, actError(v.children.err))
	}
	return question("Revoke "+key.Label+"?", app.Div().Class("stack").Body(parts...), "Revoke", &v.revoke, func(ctx app.Context) {
		with := v.fate == core.RevokeKeys
		v.revoke.run(ctx, v.s, func(ctx context.Context, client *rest.Client) error {
			if with {
				return client.RevokeKeyAndChildren(ctx, kind, key.ID.String())
			}
			return client.RevokeKey(ctx, kind, key.ID.String())
		}, func(ctx app.Context) {
			leave(ctx)
			v.s.say(key.Label + " revoked.")
			v.fetch(ctx)
		})
	}, leave)
}
