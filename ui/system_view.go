package ui

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
)

// systemView shows the health, the version and the settings of the server.
type systemView struct {
	app.Compo
	Page

	health load[rest.Health]
	system load[rest.System]
}

// OnMount implements [app.Mounter].
func (v *systemView) OnMount(ctx app.Context) {
	v.fetch(ctx)
	every(ctx, refreshEvery, v.fetch)
	v.system.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (rest.System, error) { return client.System(ctx) })
}

func (v *systemView) fetch(ctx app.Context) {
	if v.health.busy || hidden() {
		return
	}
	v.health.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (rest.Health, error) { return client.Health(ctx) })
}

// Render implements [app.Composer].
func (v *systemView) Render() app.UI {
	return app.Div().Class("stack").Body(
		app.H1().TabIndex(-1).Text("System"),
		v.health.show(healthPanel),
		v.system.show(v.about),
	)
}

var healthKinds = map[string]string{rest.StatusOK: "ok", rest.StatusDegraded: "warn", rest.StatusUnavailable: "bad"}

func healthPanel(health rest.Health) app.UI {
	columns := []column{{name: "Component"}, {name: "Status"}, {name: "Details"}}
	var rows []app.UI
	for _, name := range slices.Sorted(maps.Keys(health.Checks)) {
		check := health.Checks[name]
		rows = append(rows, row(columns, app.Text(name), badge(healthKinds[check.Status], check.Status), app.Span().Class("quiet").Text(detailOf(check))))
	}
	return app.Section().Class("panel").Aria("label", "Health").Body(
		app.Div().Class("head").Body(app.H2().Text("Health"), badge(healthKinds[health.Status], health.Status)),
		table("Health", columns, rows...))
}

// detailOf says more about a check: what is wrong or, of work, when it was last done.
func detailOf(check rest.Check) string {
	if check.Message == "" && !check.LastRun.IsZero() {
		return "last done " + span(max(time.Since(check.LastRun), 0)) + " ago"
	}
	return check.Message
}

func storageText(system rest.System) string {
	if system.Shards > 1 {
		return system.Store + ", " + strconv.Itoa(system.Shards) + " shards"
	}
	return system.Store
}

func (v *systemView) about(system rest.System) app.UI {
	parts := []app.UI{app.Section().Class("panel").Aria("label", "Version").Body(
		app.H2().Text("Server"),
		app.Dl().Class("facts").Body(
			app.Dt().Text("Version"), app.Dd().Body(app.Code().Text(system.Version)),
			app.Dt().Text("Built with"), app.Dd().Text(system.Go),
			app.Dt().Text("Storage"), app.Dd().Text(storageText(system)),
			app.Dt().Text("Uptime"), app.Dd().Text(span(time.Since(system.StartedAt)))))}
	if len(system.Settings) > 0 {
		columns := []column{{name: "Setting"}, {name: "Value"}, {name: "Description", minor: true}}
		var rows []app.UI
		for _, setting := range system.Settings {
			rows = append(rows, row(columns, app.Code().Text(setting.Name), app.Code().Text(setting.Value), app.Span().Class("quiet").Text(setting.Usage)))
		}
		parts = append(parts, app.Section().Class("panel").Aria("label", "Configuration").Body(
			app.Div().Class("head").Body(app.H2().Text("Configuration"), app.Span().Class("quiet").Text("secrets are hidden")),
			table("Configuration", columns, rows...)))
	}
	return app.Div().Class("stack").Body(parts...)
}
