package ui

import (
	"net/url"
	"slices"
	"strconv"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
)

// The parameters of an address that hold a page of a list: its number and its cursor.
const (
	paramPage   = "page"
	paramCursor = "cursor"
)

// pages are the cursors of the pages of a list, up to the page that is shown. The first
// page has none.
type pages struct {
	cursors []string
	// unknown is how many pages lie between the first page and the first of cursors. A
	// user who came by a link has not seen them, and nobody knows their cursors.
	unknown int
}

// cursor is the cursor of the page that is shown.
func (p *pages) cursor() string {
	if len(p.cursors) == 0 {
		return ""
	}
	return p.cursors[len(p.cursors)-1]
}

// number is the number of the page that is shown, from 1.
func (p *pages) number() int { return p.unknown + len(p.cursors) + 1 }

// next goes to the page at a cursor. It does nothing where it has gone there already:
// a second click may come while the page before is still shown.
func (p *pages) next(cursor string) {
	if cursor != p.cursor() {
		p.cursors = append(p.cursors, cursor)
	}
}

// prev goes back to the page before or, where nobody knows its cursor, to the first.
func (p *pages) prev() {
	if len(p.cursors) > 0 {
		p.cursors = p.cursors[:len(p.cursors)-1]
	}
	if len(p.cursors) == 0 {
		*p = pages{}
	}
}

// skips reports whether prev leads to the first page over pages that nobody knows.
func (p *pages) skips() bool { return p.unknown > 0 && len(p.cursors) == 1 }

// write puts the page that is shown into an address.
func (p *pages) write(values url.Values) {
	values.Del(paramPage)
	values.Del(paramCursor)
	if cursor := p.cursor(); cursor != "" {
		values.Set(paramPage, strconv.Itoa(p.number()))
		values.Set(paramCursor, cursor)
	}
}

// follow goes to the page that an address names, and reports whether it is another
// than the one that was shown.
func (p *pages) follow(values url.Values) bool {
	cursor := values.Get(paramCursor)
	if cursor == p.cursor() {
		return false
	}
	number, err := strconv.Atoi(values.Get(paramPage))
	at := slices.Index(p.cursors, cursor)
	switch {
	case cursor == "":
		*p = pages{}
	case at >= 0:
		p.cursors = p.cursors[:at+1]
	case number == p.number()+1:
		p.cursors = append(p.cursors, cursor)
	case err != nil || number < 2:
		*p = pages{cursors: []string{cursor}}
	default:
		*p = pages{cursors: []string{cursor}, unknown: number - 2}
	}
	return true
}

// pager has the buttons that lead through the pages of a list. shown is what the
// server said about the page that is shown, and fetch fetches the page at the cursor
// of p. The address names the page, so that it can be shared, and that the browser's
// own button leads back to the one before.
func pager(p *pages, shown rest.Pagination, fetch func(app.Context)) app.UI {
	if len(p.cursors) == 0 && !shown.HasMore {
		return app.Div()
	}
	turn := func(ctx app.Context) {
		app.Window().Call("scrollTo", 0, 0) // a page is read from its top
		values := ctx.Page().URL().Query()
		p.write(values)
		pushQuery(ctx, values.Encode())
		fetch(ctx)
	}
	next := func(ctx app.Context, _ app.Event) {
		p.next(shown.NextCursor)
		turn(ctx)
	}
	back := "Previous"
	if p.skips() {
		back = "First page"
	}
	return app.Nav().Class("pager").Aria("label", "Pages").Body(
		button(back, "prev", func(ctx app.Context, _ app.Event) {
			p.prev()
			turn(ctx)
		}).Disabled(len(p.cursors) == 0),
		app.Span().Class("quiet").Textf("Page %s", count(p.number())),
		// Scoped by the cursor: without another scope, a button keeps its first handler.
		button("Next", "next", nil).OnClick(next, app.EventScope("Next", shown.NextCursor)).Disabled(!shown.HasMore),
	)
}
