package ui

import (
	"context"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// usageView shows what the organization has of what all organizations share, and what it
// may have.
type usageView struct {
	app.Compo
	Page

	usage load[core.Usage]
}

// OnMount implements [app.Mounter].
func (v *usageView) OnMount(ctx app.Context) {
	v.usage.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (core.Usage, error) { return client.Usage(ctx) })
}

// shareWords say what a share is of.
var shareWords = map[core.Share]string{
	core.ShareStreams: "Streams", core.ShareGroups: "Consumer groups", core.ShareKeys: "API keys and service tokens", core.ShareUsers: "Users", core.ShareSources: "Sources",
	core.ShareQuarantine: "Events in quarantine",
	core.ShareReplays:    "Replays that run", core.ShareEvaluations: "Schema checks, in 1/1000 of a core", core.ShareLasting: "Live tails, waiting polls and exports", core.ShareUploads: "Memory for uploads",
}

// Render implements [app.Composer].
func (v *usageView) Render() app.UI {
	return app.Div().Class("stack").Body(
		app.H1().TabIndex(-1).Text("Usage"),
		app.P().Class("quiet").Text("What your organization uses, and what it may use. Whoever operates the server can change the limits. "+
			"The last three are of the server that answered. Of connections and memory your organization may use as much as it leaves free for others."),
		v.usage.show(v.table),
	)
}

func (v *usageView) table(usage core.Usage) app.UI {
	columns := []column{{name: "Share"}, {name: "Used", number: true}, {name: "Allowed", number: true}, {name: "Used of allowed", minor: true}}
	var rows []app.UI
	for _, share := range core.AllShares {
		used, allowed := *usage.Used.At(share), *usage.Allowed.At(share)
		write := count[int64]
		if share == core.ShareUploads {
			write = func(n int64) string { return size(int(n)) }
		}
		rows = append(rows, row(columns, app.Text(shareWords[share]), app.Text(write(used)), app.Text(write(allowed)),
			app.Progress().Max(float64(max(allowed, 1))).Value(float64(used)).Aria("label", shareWords[share])))
	}
	return table("Usage of each share", columns, rows...)
}
