package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
)

// pages are the cursors of the pages of a list, up to the page that is shown. The first
// page has none.
type pages struct{ cursors []string }

// cursor is the cursor of the page that is shown.
func (p *pages) cursor() string {
	if len(p.cursors) == 0 {
		return ""
	}
	return p.cursors[len(p.cursors)-1]
}

// next goes to the page at a cursor. It does nothing where it has gone there already:
// a second click may come while the page before is still shown.
func (p *pages) next(cursor string) {
	if cursor != p.cursor() {
		p.cursors = append(p.cursors, cursor)
	}
}

// prev goes back to the page before.
func (p *pages) prev() {
	if len(p.cursors) > 0 {
		p.cursors = p.cursors[:len(p.cursors)-1]
	}
}

// pager has the buttons that lead through the pages of a list. shown is what the
// server said about the page that is shown, and fetch fetches the page at the cursor
// of p.
func pager(p *pages, shown rest.Pagination, fetch func(app.Context)) app.UI {
	if len(p.cursors) == 0 && !shown.HasMore {
		return app.Div()
	}
	turn := func(ctx app.Context) {
		app.Window().Call("scrollTo", 0, 0) // a page is read from its top
		fetch(ctx)
	}
	next := func(ctx app.Context, _ app.Event) {
		p.next(shown.NextCursor)
		turn(ctx)
	}
	return app.Nav().Class("pager").Aria("label", "Pages").Body(
		button("Previous", "prev", func(ctx app.Context, _ app.Event) {
			p.prev()
			turn(ctx)
		}).Disabled(len(p.cursors) == 0),
		app.Span().Class("quiet").Textf("Page %d", len(p.cursors)+1),
		// Scoped by the cursor: without another scope, a button keeps its first handler.
		button("Next", "next", nil).OnClick(next, app.EventScope("Next", shown.NextCursor)).Disabled(!shown.HasMore),
	)
}
