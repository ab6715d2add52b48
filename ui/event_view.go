package ui

import (
	"context"
	"fmt"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// eventView is one event on a page of its own.
type eventView struct {
	app.Compo
	Page

	event load[rest.List[core.Event]]
}

// OnMount implements [app.Mounter].
func (v *eventView) OnMount(ctx app.Context) {
	stream, from := v.Page.stream(), scope{scopeOffset, v.Params["offset"]}
	v.event.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (rest.List[core.Event], error) {
		var query core.EventQuery
		if err := from.apply(&query); err != nil {
			return rest.List[core.Event]{}, err
		}
		query.Limit = 1
		return client.EventsPage(ctx, stream, query)
	})
}

// Render implements [app.Composer].
func (v *eventView) Render() app.UI {
	return app.Div().Class("stack").Body(
		app.H1().TabIndex(-1).Body(app.Text("Event "+v.Params["offset"]+" of "), app.Bdi().Text(v.Page.stream())),
		v.event.show(func(page rest.List[core.Event]) app.UI {
			if len(page.Items) == 0 || fmt.Sprint(page.Items[0].Offset) != v.Params["offset"] {
				return emptyPanel("No event at this offset", "It was removed by retention or has not arrived yet.", "",
					linkButton("View events", "event", address("/streams/{stream}/events", v.Page.stream())))
			}
			return &inspector{Page: v.Page, Event: page.Items[0], Filter: func(ctx app.Context, name, value string) {
				ctx.Navigate(address("/streams/{stream}/events", v.Page.stream()) + "?q=" + queryEscape(withTerm("", name, value)))
			}}
		}),
	)
}
