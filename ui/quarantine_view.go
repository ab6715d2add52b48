package ui

import (
	"context"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// quarantineView lists the events of a stream that did not fit their schema.
type quarantineView struct {
	app.Compo
	Page

	list  load[rest.List[core.Quarantined]]
	pages pages
}

// OnMount implements [app.Mounter].
func (v *quarantineView) OnMount(ctx app.Context) {
	v.pages.follow(ctx.Page().URL().Query())
	v.fetch(ctx)
}

// OnNav implements [app.Navigator].
func (v *quarantineView) OnNav(ctx app.Context) {
	if v.here(ctx) && v.pages.follow(ctx.Page().URL().Query()) {
		v.fetch(ctx)
	}
}

func (v *quarantineView) fetch(ctx app.Context) {
	name, query := v.Page.stream(), core.QuarantineQuery{Cursor: v.pages.cursor(), Limit: 50}
	v.list.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (rest.List[core.Quarantined], error) {
		return client.QuarantinePage(ctx, name, query)
	})
	v.list.retryBy(v.fetch)
}

// Render implements [app.Composer].
func (v *quarantineView) Render() app.UI {
	return app.Div().Class("stack").Body(streamHead(v.Page), v.list.show(v.table))
}

func (v *quarantineView) table(page rest.List[core.Quarantined]) app.UI {
	if len(page.Items) == 0 {
		return emptyPanel("Nothing in quarantine", "Where the stream's schema page says so, events that do not fit are kept here until somebody mends or discards them.", "",
			linkButton("Schema", "", address("/streams/{stream}/schema", v.Page.stream())))
	}
	columns := []column{{name: "Event"}, {name: "Reason"}, {name: "Source", minor: true}, {name: "Received", minor: true}}
	rows := make([]app.UI, len(page.Items))
	for i := range page.Items {
		one := &page.Items[i]
		rows[i] = card(columns,
			app.A().Class("name").Href(address("/streams/{stream}/quarantine/{id}", v.Page.stream(), one.ID.String())).Body(named(one.Event.Type), app.Text(" v"+count(int64(one.Event.Version)))),
			app.Div().Class("reason").Body(detailLines(one.Reasons[:min(len(one.Reasons), 2)])...), named(one.Event.Source), timeText(one.Event.ReceivedAt))
	}
	return app.Div().Class("stack").Body(cards("Quarantine", columns, rows...), pager(&v.pages, page.Pagination, v.fetch))
}
