package ui

import (
	"context"
	"io"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
)

// maxExport bounds what is exported by the browser, which holds all of it; the
// API has no such bound.
const maxExport = 32 << 20

// exportButton gives what the filter matches to the user as a file.
type exportButton struct {
	app.Compo
	Page
	// Format is csv or ndjson.
	Format string
	// View is the browser whose filter applies.
	View *eventsView

	act act
	cut bool
	// words: the filter had some, which the server does not look for.
	words bool
}

// CompoID implements [app.DismountEnforcer].
func (b *exportButton) CompoID() string { return b.Format }

// Render implements [app.Composer].
func (b *exportButton) Render() app.UI {
	label := map[string]string{"csv": "CSV", "ndjson": "NDJSON"}[b.Format]
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
		contentType := map[string]string{"csv": "text/csv", "ndjson": "application/x-ndjson"}[b.Format]
		download(stream+"."+b.Format, contentType, string(text))
	})
}

func exportButtons(v *eventsView) app.UI {
	return app.Div().Class("row").Body(&exportButton{Page: v.Page, Format: "csv", View: v}, &exportButton{Page: v.Page, Format: "ndjson", View: v})
}
