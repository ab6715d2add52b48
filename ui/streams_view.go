package ui

import (
	"context"
	"net/url"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// streamsView lists the streams.
type streamsView struct {
	app.Compo
	Page

	list  load[rest.List[core.StreamOverview]]
	pages pages
	rates rates
	// prefix is the beginning of the names of the streams that are listed.
	prefix string
	pause  delay
}

// OnMount implements [app.Mounter].
func (v *streamsView) OnMount(ctx app.Context) {
	v.prefix = prefixOf(ctx)
	v.pages.follow(ctx.Page().URL().Query())
	v.fetch(ctx)
	every(ctx, refreshEvery, func(ctx app.Context) {
		if !v.list.busy && !hidden() {
			v.fetch(ctx)
		}
	})
}

// OnNav implements [app.Navigator].
func (v *streamsView) OnNav(ctx app.Context) {
	if !v.here(ctx) {
		return
	}
	prefix := prefixOf(ctx)
	if turned := v.pages.follow(ctx.Page().URL().Query()); turned || prefix != v.prefix {
		v.prefix = prefix
		v.fetch(ctx)
	}
}

func prefixOf(ctx app.Context) string { return ctx.Page().URL().Query().Get("prefix") }

// begin lists the first page.
func (v *streamsView) begin(ctx app.Context) {
	query := url.Values{}
	if v.prefix != "" {
		query.Set("prefix", v.prefix)
	}
	if was := prefixOf(ctx); was == "" || v.prefix == "" {
		pushQuery(ctx, query.Encode())
	} else { // typing on is no step of its own
		setQuery(query.Encode())
	}
	v.pages = pages{}
	v.fetch(ctx)
}

func (v *streamsView) fetch(ctx app.Context) {
	query := core.StreamQuery{Prefix: v.prefix, Cursor: v.pages.cursor()}
	get := func(ctx context.Context, client *rest.Client) (rest.List[core.StreamOverview], error) {
		page, err := client.StreamOverviews(ctx, query)
		for _, stream := range page.Items {
			if stream.Unavailable {
				continue
			}
			v.rates.note(stream.ID, int64(stream.Stats.NextOffset), time.Now())
		}
		return page, err
	}
	if query.Prefix != "" {
		v.list.fetch(ctx, v.s, get)
		return
	}
	v.list.fetchKept(ctx, v.s, keptStreams.of(query.Cursor), get)
}

// Render implements [app.Composer].
func (v *streamsView) Render() app.UI {
	return app.Div().Class("stack").Body(
		app.Div().Class("head").Body(
			app.H1().TabIndex(-1).Text("Streams"),
			app.If(v.s.writable(core.ActionWriteStreams), func() app.UI { return linkButton("New stream", "plus", "/streams/new").Class("main") }),
		),
		v.search(),
		v.list.show(v.table),
	)
}

// search filters the list while the user types.
func (v *streamsView) search() app.UI {
	return app.Form().Class("controls").Role("search").Aria("label", "Streams").Body(
		app.Label().Class("row").For("prefix").Text("Filter by name"),
		app.Input().ID("prefix").Type("search").AutoComplete(false).Spellcheck(false).MaxLength(core.MaxStreamNameLength).Value(inputValue(v.prefix)).
			OnInput(v.pause.after(&v.prefix, v.begin)),
	).OnSubmit(func(ctx app.Context, e app.Event) {
		e.PreventDefault()
		v.begin(ctx)
	})
}

func (v *streamsView) table(page rest.List[core.StreamOverview]) app.UI {
	if len(page.Items) == 0 && v.prefix != "" {
		return emptyPanel("Nothing matches", "No stream name starts with “"+v.prefix+"”. Upper and lower case matter.", "",
			button("Clear", "close", func(ctx app.Context, _ app.Event) { v.prefix = ""; v.begin(ctx) }))
	}
	if len(page.Items) == 0 {
		return emptyWith("No streams yet", "A stream is an append-only sequence of events, such as orders or page views. Create one here or from a shell:",
			commandBox(v.s, postCommand(v.s.origin+rest.StreamsPath, `{"name":"orders"}`)))
	}
	columns := []column{
		{name: "Stream"},
		{name: "Rate", number: true, told: true},
		{name: "Trend", minor: true, unsaid: true},
		{name: "Events", number: true, told: true},
		{name: "Last event", minor: true},
		{name: "Groups", number: true, minor: true},
		{name: "Highest lag", number: true, told: true},
		{name: "Schema", minor: true},
	}
	rows := make([]app.UI, len(page.Items))
	for i, stream := range page.Items {
		schema := app.UI(app.Span().Class("quiet").Text("none"))
		if len(stream.Schema) > 0 || stream.SchemaVersions > 0 {
			schema = enforced(stream.Enforcement)
		}
		name := app.A().Class("name", "short").Title(stream.Name).Href(address("/streams/{stream}", stream.Name)).Body(named(stream.Name))
		if stream.Unavailable { // and its numbers are not known
			rows[i] = card(columns, name, badge("bad", "unavailable"), app.Text(""), app.Text("–"), app.Text("–"), app.Text("–"), app.Text("–"), schema)
			continue
		}
		rows[i] = card(columns, name,
			app.Text(v.rates.text(stream.ID)), sparkline(v.rates.line(stream.ID)),
			app.Text(count(stream.Stats.Events)), optionalTime(stream.Stats.LastReceivedAt, "never"),
			app.Text(count(stream.Groups)), lagText(stream.Lag), schema)
	}
	return app.Div().Class("stack").Body(
		cards("Streams", columns, rows...),
		pager(&v.pages, page.Pagination, v.fetch),
	)
}

// enforced says what becomes of events that do not fit.
func enforced(how core.Enforcement) app.UI {
	switch how {
	case core.EnforceQuarantine:
		return badge("info", "quarantine")
	case core.EnforceReport:
		return badge("info", "report")
	case core.EnforceReject:
	}
	return badge("ok", "enforced")
}
