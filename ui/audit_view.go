package ui

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// auditView is the audit trail: who did what, when and to what.
type auditView struct {
	app.Compo
	Page

	list   load[rest.List[core.Event]]
	pages  pages
	filter trailFilter
	wrong  error
	open   string
	export act
}

// OnMount implements [app.Mounter].
func (v *auditView) OnMount(ctx app.Context) { v.read(ctx) }

// OnNav implements [app.Navigator].
func (v *auditView) OnNav(ctx app.Context) {
	if !v.here(ctx) {
		return
	}
	values, shown := ctx.Page().URL().Query(), v.address()
	open := values.Get(paramOpen)
	values.Del(paramOpen)
	shown.Del(paramOpen)
	if v.open = open; values.Encode() != shown.Encode() {
		v.read(ctx)
	}
}

func (v *auditView) read(ctx app.Context) {
	values := ctx.Page().URL().Query()
	for name, field := range v.filter.parameters() {
		*field = values.Get(name)
	}
	v.open = values.Get(paramOpen)
	v.pages.follow(values)
	v.fetch(ctx)
}

func (v *auditView) address() url.Values {
	values := url.Values{}
	for name, field := range v.filter.parameters() {
		if *field != "" {
			values.Set(name, *field)
		}
	}
	if v.open != "" {
		values.Set(paramOpen, v.open)
	}
	v.pages.write(values)
	return values
}

// paramOpen is the parameter of an address that holds the record whose details are
// shown.
const paramOpen = "open"

// show lists the first page of the records that the filter matches.
func (v *auditView) show(ctx app.Context) {
	v.pages, v.open = pages{}, ""
	pushQuery(ctx, v.address().Encode())
	v.fetch(ctx)
}

func (v *auditView) query() (query core.EventQuery, err error) {
	query, err = v.filter.query()
	query.Descending, query.Limit, query.Cursor = true, 50, v.pages.cursor()
	return query, err
}

func (v *auditView) fetch(ctx app.Context) {
	for id, value := range map[string]string{"trail-from": v.filter.from, "trail-to": v.filter.to} {
		if value == "" {
			emptyInput(id)
		}
	}
	query, err := v.query()
	if v.wrong = err; err != nil {
		return
	}
	v.list.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (rest.List[core.Event], error) {
		return client.AuditPage(ctx, query)
	})
}

// Render implements [app.Composer].
func (v *auditView) Render() app.UI {
	return app.Div().Class("stack").Body(
		app.Div().Class("head").Body(app.H1().TabIndex(-1).Text("Audit trail"),
			button("NDJSON", "export", v.download).Aria("label", "Export as NDJSON").Disabled(v.export.busy || v.s.offline)),
		v.controls(),
		actError(v.wrong),
		actError(v.export.err),
		app.If(v.wrong == nil, func() app.UI { return v.list.show(v.table) }), // what was read before answers another question
	)
}

func (v *auditView) controls() app.UI {
	choices := []choice[string]{{"", "All actions"}}
	for _, action := range core.AuditActions {
		choices = append(choices, choice[string]{string(action), string(action)})
	}
	text := func(id, label string, value *string) app.UI {
		return app.Input().ID(id).Type("search").Class("grow").Aria("label", label).Placeholder(label).Spellcheck(false).
			Value(inputValue(*value)).OnInput(setText(value))
	}
	moment := func(id, label string, value *string) app.UI {
		return app.Label().Class("row").Body(app.Span().Class("quiet").Text(label),
			app.Input().ID(id).Type("datetime-local").Value(*value).OnInput(setText(value)))
	}
	return app.Form().Class("controls").Role("search").Aria("label", "Audit trail").Body(
		app.Label().Class("hidden").For("action").Text("Action"),
		selectInput("action", &v.filter.action, choices, func(ctx app.Context, _ app.Event) { v.show(ctx) }),
		text("who", "Actor: email or key label", &v.filter.who), text("target", "Target ID", &v.filter.target),
		app.Div().Class("row").Body(moment("trail-from", "From", &v.filter.from), moment("trail-to", "To", &v.filter.to),
			app.Button().Class("button").Type("submit").Body(icon("search"), app.Span().Text("Apply"))),
	).OnSubmit(func(ctx app.Context, e app.Event) {
		e.PreventDefault()
		v.show(ctx)
	})
}

func (v *auditView) table(page rest.List[core.Event]) app.UI {
	if len(page.Items) == 0 {
		return emptyPanel("Nothing matches", "No audit entries match this filter.", "", button("Clear", "close", func(ctx app.Context, _ app.Event) {
			v.filter = trailFilter{}
			v.show(ctx)
		}))
	}
	columns := []column{{name: "Time"}, {name: "Action"}, {name: "Actor"}, {name: "Target", minor: true}, {name: "IP address", minor: true}, {name: "Details", unsaid: true}}
	var rows []app.UI
	for i := range page.Items {
		event := &page.Items[i]
		var entry core.AuditEntry
		_ = json.Unmarshal(event.Payload, &entry) // a record that cannot be read still has its time and its action
		id := event.ID.String()
		rows = append(rows, card(columns, timeText(event.ReceivedAt), badge(auditKind(event.Type), event.Type),
			app.Span().Body(v.narrowing("Filter by actor "+entry.Actor.Label, entry.Actor.Label, &v.filter.who), app.Span().Class("quiet").Text(" "+string(entry.Actor.Role))),
			app.Span().Class("quiet").Body(app.Text(entry.Target.Kind+" "), v.narrowing("Filter by target "+entry.Target.ID, entry.Target.ID, &v.filter.target)),
			app.Code().Text(entry.Address),
			iconButton("Show details", "more", nil).Aria("expanded", v.open == id).
				OnClick(func(ctx app.Context, _ app.Event) { v.toggle(ctx, id) }, app.EventScope(id))))
		if v.open == id {
			rows = append(rows, app.Tr().Role("row").Body(app.Td().Role("cell").ColSpan(len(columns)).Body(&jsonBox{Name: "record", Text: string(event.Payload)})))
		}
	}
	return app.Div().Class("stack").Body(cards("Audit trail", columns, rows...),
		pager(&v.pages, page.Pagination, v.fetch))
}

// toggle shows the details of a record, or hides them.
func (v *auditView) toggle(ctx app.Context, id string) {
	values := ctx.Page().URL().Query()
	if values.Set(paramOpen, id); v.open == id {
		values.Del(paramOpen)
	}
	v.open = values.Get(paramOpen)
	pushQuery(ctx, values.Encode())
}

// narrowing is a value in the list. A click on it filters the trail by it.
func (v *auditView) narrowing(hint, value string, field *string) app.UI {
	return app.Button().Class("bare", "offset").Type("button").Title(hint).Body(named(shortID(value))).OnClick(func(ctx app.Context, _ app.Event) {
		*field = value
		v.show(ctx)
	}, app.EventScope(hint, value))
}

// shortID shortens an id to its end, by which ids differ. Any other text stays as it
// is.
func shortID(text string) string {
	if _, err := core.ParseID(text); err != nil {
		return text
	}
	return "…" + text[len(text)-12:]
}

// auditKind is the kind of badge of an action: refusals and removals stand out.
func auditKind(action string) string {
	switch {
	case strings.HasSuffix(action, "failed"), strings.HasSuffix(action, "refused"), strings.HasSuffix(action, "reused"):
		return "bad"
	case strings.HasSuffix(action, "deleted"), strings.HasSuffix(action, "removed"), strings.HasSuffix(action, "revoked"), strings.HasSuffix(action, "reset"), strings.HasSuffix(action, "discarded"):
		return "warn"
	}
	return "info"
}

// download saves all records that the filter matches to a file.
func (v *auditView) download(ctx app.Context, _ app.Event) {
	query, err := v.query()
	if v.wrong = err; err != nil {
		return
	}
	query.Cursor, query.Limit = "", core.MaxPageSize
	var text strings.Builder
	v.export.run(ctx, v.s, func(ctx context.Context, client *rest.Client) error {
		for {
			page, err := client.AuditPage(ctx, query)
			if err != nil {
				return err
			}
			for _, event := range page.Items {
				line, err := json.Marshal(event)
				if err != nil {
					return err
				}
				text.Write(append(line, '\n'))
			}
			if !page.Pagination.HasMore || text.Len() > maxExport {
				return nil
			}
			query.Cursor = page.Pagination.NextCursor
		}
	}, func(app.Context) { download("audit.ndjson", "application/x-ndjson", text.String()) })
}
