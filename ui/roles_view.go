package ui

import (
	"context"
	"slices"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// rolesView lists which role permits which actions.
type rolesView struct {
	app.Compo
	Page

	roles load[rest.Roles]
}

// OnMount implements [app.Mounter].
func (v *rolesView) OnMount(ctx app.Context) {
	v.roles.fetchKept(ctx, v.s, keptRoles, func(ctx context.Context, client *rest.Client) (rest.Roles, error) { return client.Roles(ctx) })
}

// actionWords say what a permission allows.
var actionWords = map[core.Action]string{
	core.ActionIngest: "send events", core.ActionReadEvents: "read events", core.ActionExportEvents: "export events",
	core.ActionReadStreams: "see streams", core.ActionWriteStreams: "create, change and delete streams",
	core.ActionWriteSchemas: "register schemas, and decide about events in quarantine",
	core.ActionConsume:      "poll and acknowledge events", core.ActionReadGroups: "see consumer groups", core.ActionWriteGroups: "create, change, reset and delete groups",
	core.ActionReadLetters: "see dead letters", core.ActionWriteLetters: "replay and discard dead letters",
	core.ActionReadProcessors: "see processors", core.ActionWriteProcessors: "create, change, pause and delete processors",
	core.ActionReadDeliveries: "see what processors delivered",
	core.ActionReadSources:    "see sources and what they refused", core.ActionWriteSources: "create, change and delete sources",
	core.ActionReadKeys: "see own keys and tokens", core.ActionWriteKeys: "create, rotate and revoke own keys and tokens", core.ActionManageKeys: "manage all keys and tokens",
	core.ActionReadUsers: "see users", core.ActionWriteUsers: "invite, change and remove users",
	core.ActionReadOrganization: "see the organization", core.ActionWriteOrganization: "rename the organization",
	core.ActionCreateOrganizations: "create organizations (first organization only)", core.ActionReadAudit: "read the audit trail",
}

// Render implements [app.Composer].
func (v *rolesView) Render() app.UI {
	return app.Div().Class("stack").Body(
		app.H1().TabIndex(-1).Text("Roles"),
		app.P().Class("quiet").Text("What each role can do. Users are admins, developers or viewers. Keys and tokens never invite or change users, and can also be limited to streams: then they do nothing outside of these."),
		v.roles.show(v.matrix),
	)
}

func (v *rolesView) matrix(roles rest.Roles) app.UI {
	columns := []column{{name: "Permission"}, {name: "Allows you to", minor: true}}
	for _, role := range roles.Items {
		columns = append(columns, column{name: string(role.Role)})
	}
	var rows []app.UI
	for _, action := range core.Actions {
		cells := []app.UI{app.Code().Text(string(action)), app.Span().Class("quiet").Text(actionWords[action])}
		for _, role := range roles.Items {
			if slices.Contains(role.Permissions, action) {
				cells = append(cells, app.Span().Class("badge", "ok").Body(icon("ok"), app.Span().Class("hidden").Text("yes")))
			} else {
				cells = append(cells, app.Span().Class("quiet").Text("–"))
			}
		}
		rows = append(rows, row(columns, cells...))
	}
	return table("Permissions by role", columns, rows...)
}
