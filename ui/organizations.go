package ui

import (
	"context"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// several reports whether the user belongs to more than one organization.
func (s *session) several() bool { return len(s.me.Organizations) > 1 }

// whose notes the user whose access tokens the client is given.
func (s *session) whose(me rest.Me) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if me.User != nil {
		s.user = me.User.ID
	}
}

// switchTo goes on in another organization. The lock keeps all other requests from
// asking for a token meanwhile, which would be the other organization's.
func (s *session) switchTo(ctx context.Context, organization core.ID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	client := rest.NewClient(s.origin, "")
	if _, err := client.Switch(ctx, rest.SwitchRequest{Organization: organization.String()}); err != nil {
		return err
	}
	s.become(ctx, client)
	return nil
}

// become begins anew for whom the browser's session is now, in this tab or in another
// one: client presents a token of theirs. What was shown and kept for the user before
// goes, and nothing that still comes is shown.
func (s *session) become(ctx context.Context, client *rest.Client) {
	if s.over.Swap(true) {
		return
	}
	me, err := client.Me(ctx)
	s.shell.Dispatch(func(ctx app.Context) {
		forget(ctx)
		if err == nil {
			remember(ctx, me)
		}
		beginAnew()
	})
}

// beginAnew opens the dashboard once more, so that no page of before stays mounted.
func beginAnew() { app.Window().Get("location").Call("replace", "/") }

// organizationsPanel lists the organizations that the user may switch to.
func (v *accountView) organizationsPanel() app.UI {
	columns := []column{{name: "Organization"}, {name: "Role"}, {name: "Actions", number: true, unsaid: true}}
	rows := make([]app.UI, len(v.s.me.Organizations))
	for i, one := range v.s.me.Organizations {
		action := badge("ok", "current")
		if one.ID != v.s.me.Organization.ID {
			action = button("Switch", "", func(ctx app.Context, _ app.Event) { v.switchTo(ctx, one.ID) }).
				Aria("label", "Switch to "+one.Name).Disabled(v.s.offline || v.switching.busy)
		}
		rows[i] = row(columns, app.Span().Class("name").Body(named(one.Name)), app.Text(string(one.Role)), action)
	}
	return app.Section().Class("panel").Aria("label", "Your organizations").Body(
		app.H2().Text("Your organizations"), table("Your organizations", columns, rows...), actError(v.switching.err))
}

func (v *accountView) switchTo(ctx app.Context, organization core.ID) {
	v.switching.run(ctx, v.s, func(ctx context.Context, _ *rest.Client) error { return v.s.switchTo(ctx, organization) }, nil)
}
