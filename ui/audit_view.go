package ui

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// auditView is who did what.
type auditView struct {
	app.Compo
	Page

	list   load[rest.List[core.Event]]
	pages  pages
	action string
	open   string
	export act
}

// OnMount implements [app.Mounter].
func (v *auditView) OnMount(ctx app.Context) { v.fetch(ctx) }

func (v *auditView) query() core.EventQuery {
	return core.EventQuery{Descending: true, Limit: 50, Cursor: v.pages.cursor(), Filter: core.Filter{Type: v.action}}
}

func (v *auditView) fetch(ctx app.Context) {
	query := v.query()
	v.list.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (rest.List[core.Event], error) {
		return client.AuditPage(ctx, query)
	})
}

// Render implements [app.Composer].
func (v *auditView) Render() app.UI {
	choices := [][2]string{{"", "Everything"}}
	for _, action := range core.AuditActions {
		choices = append(choices, [2]string{string(action), string(action)})
	}
	return app.Div().Class("stack").Body(
		app.Div().Class("head").Body(app.H1().TabIndex(-1).Text("Audit trail"),
			button("NDJSON", "export", v.download).Aria("label", "Export as NDJSON").Disabled(v.export.busy || v.s.offline)),
		app.Div().Class("controls").Body(
			app.Label().Class("hidden").For("action").Text("What happened"),
			selectInput("action", &v.action, choices, func(ctx app.Context, _ app.Event) {
				v.pages = pages{}
				v.fetch(ctx)
			})),
		actError(v.export.err),
		v.list.show(v.table),
	)
}

func (v *auditView) table(page rest.List[core.Event]) app.UI {
	if len(page.Items) == 0 {
		return emptyPanel("Nothing matches", "Nothing of this kind was recorded.", "")
	}
	columns := []column{{name: "When"}, {name: "What"}, {name: "Who"}, {name: "To what", minor: true}, {name: "From", minor: true}, {name: "Record", unsaid: true}}
	var rows []app.UI
	for i := range page.Items {
		event := &page.Items[i]
		var entry core.AuditEntry
		_ = json.Unmarshal(event.Payload, &entry) // the rest of the line says what it can
		id := event.ID.String()
		rows = append(rows, row(columns, timeText(event.ReceivedAt), badge(auditKind(event.Type), event.Type),
			app.Span().Body(app.Bdi().Text(entry.Actor.Label), app.Span().Class("quiet").Text(" "+string(entry.Actor.Role))),
			app.Span().Class("quiet").Body(app.Bdi().Text(strings.TrimSpace(entry.Target.Kind+" "+entry.Target.ID))),
			app.Code().Text(entry.Address),
			iconButton("Show the record", "more", nil).Aria("expanded", v.open == id).OnClick(func(app.Context, app.Event) {
				if v.open == id {
					v.open = ""
				} else {
					v.open = id
				}
			}, app.EventScope(id))))
		if v.open == id {
			rows = append(rows, app.Tr().Body(app.Td().ColSpan(len(columns)).Body(&jsonBox{Name: "record", Text: string(event.Payload)})))
		}
	}
	return app.Div().Class("stack").Body(table("Audit trail", columns, rows...),
		pager(len(v.pages.cursors), page.Pagination.HasMore,
			func(ctx app.Context, _ app.Event) { v.pages.prev(); v.fetch(ctx) },
			func(ctx app.Context, _ app.Event) { v.pages.next(page.Pagination.NextCursor); v.fetch(ctx) }))
}

// auditKind tells what went well from what was refused or taken away.
func auditKind(action string) string {
	switch {
	case strings.HasSuffix(action, "failed"), strings.HasSuffix(action, "refused"), strings.HasSuffix(action, "reused"):
		return "bad"
	case strings.HasSuffix(action, "deleted"), strings.HasSuffix(action, "removed"), strings.HasSuffix(action, "revoked"), strings.HasSuffix(action, "reset"), strings.HasSuffix(action, "discarded"):
		return "warn"
	}
	return "info"
}

// download gives all records that the filter matches to the user as a file.
func (v *auditView) download(ctx app.Context, _ app.Event) {
	query := v.query()
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
