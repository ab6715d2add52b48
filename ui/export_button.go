package ui

import (
	"context"
	"io"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
)

// maxExport bounds an export of the dashboard, which the browser holds in memory.
// The API has no such bound.
const maxExport = 32 << 20

// exportButton saves the events that the filter matches to a file.
type exportButton struct {
	app.Compo
	Page
	// Format is [rest.FormatCSV] or [rest.FormatNDJSON].
	Format string
	// View is the event browser whose scope and filter apply.
	View *eventsView

	act act
	// cut says that the export was longer than maxExport.
	cut bool
	// words says that the filter had free words, which the server does not search for.
	words bool
}

// CompoID implements [app.DismountEnforcer].
func (b *exportButton) CompoID() string { return b.Format }

// Render implements [app.Composer].
func (b *exportButton) Render() app.UI {
	label := map[string]string{rest.FormatCSV: "CSV", rest.FormatNDJSON: "NDJSON"}[b.Format]
	parts := []app.UI{button(label, "export", b.run).Disabled(b.act.busy || b.s.offline).Aria("label", "Export as "+label), actError(b.act.err)}
	if b.cut {
		parts = append(parts, note("warn", "Cut off at "+size(maxExport)+". Use the API for a full export."))
	}
	if b.words {
		parts = append(parts, note("info", "Exports ignore free-text words."))
	}
	return app.Div().Class("row").Body(parts...)
}

func (b *exportButton) run(ctx app.Context, _ app.Event) {
	narrow, err := parseFilter(b.View.filter)
	if err == nil {
		err = b.View.scope.apply(&narrow.query)
	}
	if b.act.err = err; err != nil {
		return
	}
	b.words = len(narrow.free) > 0
	stream := b.stream()
	var text []byte
	b.act.run(ctx, b.s, func(ctx context.Context, client *rest.Client) error {
		body, err := client.Export(ctx, stream, narrow.query, b.Format)
		if err != nil {
			return err
		}
		defer body.Close()
		text, err = io.ReadAll(io.LimitReader(body, maxExport+1))
		return err
	}, func(app.Context) {
		b.cut = len(text) > maxExport
		contentType := map[string]string{rest.FormatCSV: "text/csv", rest.FormatNDJSON: "application/x-ndjson"}[b.Format]
		download(stream+"."+b.Format, contentType, string(text))
	})
}

func exportButtons(v *eventsView) app.UI {
	return app.Div().Class("row").Body(
		&exportButton{Page: v.Page, Format: rest.FormatCSV, View: v},
		&exportButton{Page: v.Page, Format: rest.FormatNDJSON, View: v})
}
