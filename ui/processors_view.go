package ui

import (
	"context"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// processorsView lists the processors of all streams or, on the page of a stream, of
// that one.
type processorsView struct {
	app.Compo
	Page

	list  load[rest.List[core.ProcessorOverview]]
	pages pages
}

// OnMount implements [app.Mounter].
func (v *processorsView) OnMount(ctx app.Context) {
	v.pages.follow(ctx.Page().URL().Query())
	v.fetch(ctx)
	every(ctx, refreshEvery, func(ctx app.Context) {
		if !v.list.busy && !hidden() {
			v.fetch(ctx)
		}
	})
}

// OnNav implements [app.Navigator].
func (v *processorsView) OnNav(ctx app.Context) {
	if v.here(ctx) && v.pages.follow(ctx.Page().URL().Query()) {
		v.fetch(ctx)
	}
}

func (v *processorsView) fetch(ctx app.Context) {
	stream, cursor := v.stream(), v.pages.cursor()
	kept := keptProcessors.of(stream + " " + cursor)
	v.list.fetchKept(ctx, v.s, kept, func(ctx context.Context, client *rest.Client) (page rest.List[core.ProcessorOverview], err error) {
		if stream == "" {
			return client.AllProcessors(ctx, cursor, 0)
		}
		page.Items, err = client.Processors(ctx, stream)
		return page, err
	})
}

// Render implements [app.Composer].
func (v *processorsView) Render() app.UI {
	head := app.UI(app.Div().Class("head").Body(app.H1().TabIndex(-1).Text("Processors")))
	if v.stream() != "" {
		head = streamHead(v.Page, v.newButton())
	}
	return app.Div().Class("stack").Body(head, v.list.show(func(page rest.List[core.ProcessorOverview]) app.UI {
		if len(page.Items) == 0 {
			return v.empty()
		}
		return app.Div().Class("stack").Body(processorTable(page.Items, v.stream() == ""), pager(&v.pages, page.Pagination, v.fetch))
	}))
}

func (v *processorsView) newButton() app.UI {
	return app.If(v.s.writable(core.ActionWriteProcessors), func() app.UI {
		return linkButton("New processor", "plus", address("/streams/{stream}/processors/new", v.stream())).Class("main")
	})
}

func (v *processorsView) empty() app.UI {
	const why = "A processor filters the events of a stream, transforms them and sends them on: to a webhook, another stream, Kafka or object storage. Failed deliveries are retried. "
	if v.stream() == "" {
		return emptyPanel("No processors yet", why+"Create one on the page of a stream.", "", linkButton("Streams", "stream", "/streams"))
	}
	return emptyWith("No processors yet", why+"Create one here or from a shell:",
		commandBox(v.s, postCommand(v.s.origin+rest.ProcessorsPath(v.stream()), `{"name":"try","destination":{"type":"log"}}`)))
}

// processorTable lists processors, with what they did in the last day.
func processorTable(all []core.ProcessorOverview, withStream bool) app.UI {
	columns := []column{
		{name: "Processor"},
		{name: "Stream", minor: true},
		{name: "Destination", minor: true},
		{name: "State"},
		{name: "Lag", number: true, told: true},
		{name: "Success, 24 h", number: true, told: true},
		{name: "Mean latency", number: true, minor: true},
		{name: "Last error", minor: true},
	}
	if !withStream {
		columns = append(columns[:1:1], columns[2:]...)
	}
	rows := make([]app.UI, len(all))
	for i := range all {
		p := &all[i]
		problem := p.LastError
		if p.State == core.ProcessorDisabled {
			problem = p.Reason
		}
		cells := []app.UI{
			app.A().Class("name").Href(address(processorPath, p.StreamName, p.Name)).Body(named(p.Name)),
			named(p.StreamName), named(destinationText(p.Destination)), processorBadge(p.Processor), knownLag(p.Unavailable, p.Status),
			app.Text(successText(p.LastDay)), app.Text(meanText(p.LastDay)), app.Span().Class("reason").Body(named(problem)),
		}
		if !withStream {
			cells = append(cells[:1:1], cells[2:]...)
		}
		rows[i] = card(columns, cells...)
	}
	return cards("Processors", columns, rows...)
}
