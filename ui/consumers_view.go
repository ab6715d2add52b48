package ui

import (
	"context"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// consumersView lists the consumer groups of all streams.
type consumersView struct {
	app.Compo
	Page

	list   load[rest.List[core.GroupOverview]]
	pages  pages
	trends trends
}

// OnMount implements [app.Mounter].
func (v *consumersView) OnMount(ctx app.Context) {
	v.pages.follow(ctx.Page().URL().Query())
	v.fetch(ctx)
	every(ctx, refreshEvery, v.refresh)
}

// OnNav implements [app.Navigator].
func (v *consumersView) OnNav(ctx app.Context) {
	if v.here(ctx) && v.pages.follow(ctx.Page().URL().Query()) {
		v.fetch(ctx)
	}
}

// refresh fetches the page again, unless it is in the background.
func (v *consumersView) refresh(ctx app.Context) {
	if !v.list.busy && !hidden() {
		v.fetch(ctx)
	}
}

func (v *consumersView) fetch(ctx app.Context) {
	cursor := v.pages.cursor()
	v.list.fetchKept(ctx, v.s, keptGroups.of(cursor), func(ctx context.Context, client *rest.Client) (rest.List[core.GroupOverview], error) {
		page, err := client.AllGroups(ctx, cursor, 0)
		for _, group := range page.Items {
			if !group.Unavailable {
				v.trends.note(group.ID, group.Status.Lag)
			}
		}
		return page, err
	})
}

// Render implements [app.Composer].
func (v *consumersView) Render() app.UI {
	return app.Div().Class("stack").Body(
		app.Div().Class("head").Body(app.H1().TabIndex(-1).Text("Consumers")),
		v.list.show(func(page rest.List[core.GroupOverview]) app.UI {
			if len(page.Items) == 0 {
				return emptyPanel("No consumer groups yet", "A consumer group receives every event of a stream at least once and keeps track of its position. Create one on the page of a stream.", "",
					linkButton("Streams", "stream", "/streams"))
			}
			return app.Div().Class("stack").Body(
				groupTable(page.Items, &v.trends, true),
				pager(&v.pages, page.Pagination, v.fetch))
		}))
}
