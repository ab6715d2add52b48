package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
)

// column is one of a table. Numbers stand at the right.
type column struct {
	name   string
	number bool
	// minor columns go away on narrow screens.
	minor bool
	// unsaid columns have a name for those only who cannot see what they are.
	unsaid bool
	// told columns are named in every card, where a table is cards.
	told bool
}

// table is a real one, with a caption for those who cannot see where it stands.
func table(caption string, columns []column, rows ...app.UI) app.UI {
	return boxed(caption, app.Table().Body(
		app.Caption().Class("hidden").Text(caption),
		app.THead().Body(app.Tr().Body(heads(columns, "")...)),
		app.TBody().Body(rows...),
	))
}

// cards is a table whose rows, made by [card], stand as cards on a phone, which
// has no room for its columns beside each other. What is not laid out as a table
// is none to some browsers, unless it says so.
func cards(caption string, columns []column, rows ...app.UI) app.UI {
	return app.Div().Class("cards").Body(boxed(caption, app.Table().Role("table").Body(
		app.Caption().Class("hidden").Text(caption),
		app.THead().Role("rowgroup").Body(app.Tr().Role("row").Body(heads(columns, "columnheader")...)),
		app.TBody().Role("rowgroup").Body(rows...),
	)))
}

// boxed lets a table scroll within the page, by the keys as well.
func boxed(caption string, table app.UI) app.UI {
	return app.Div().Class("table").TabIndex(0).Role("group").Aria("label", caption).Body(table)
}

func heads(columns []column, role string) []app.UI {
	heads := make([]app.UI, len(columns))
	for i, c := range columns {
		head := app.Th().Scope("col").Class(c.classes()...).Role(role)
		if heads[i] = head.Text(c.name); c.unsaid {
			heads[i] = head.Body(app.Span().Class("hidden").Text(c.name))
		}
	}
	return heads
}

func (c column) classes() (classes []string) {
	if c.number {
		classes = append(classes, "number")
	}
	if c.minor {
		classes = append(classes, "minor")
	}
	return classes
}

// row is a line of a table whose columns are these.
func row(columns []column, cells ...app.UI) app.HTMLTr {
	tds := make([]app.UI, len(cells))
	for i, cell := range cells {
		tds[i] = app.Td().Class(columns[i].classes()...).Body(cell)
	}
	return app.Tr().Body(tds...)
}

// card is row, of a table of cards.
func card(columns []column, cells ...app.UI) app.HTMLTr {
	tds := make([]app.UI, len(cells))
	for i, cell := range cells {
		td := app.Td().Class(columns[i].classes()...).Role("cell").Body(cell)
		if columns[i].told {
			td = td.DataSet("told", columns[i].name)
		}
		tds[i] = td
	}
	return app.Tr().Role("row").Body(tds...)
}

// pager leads through the pages of a list: shown is what the server said of the
// page that is shown, fetch fetches another.
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
		// By its cursor: a button that stays keeps its handler, and leads nowhere new.
		button("Next", "next", nil).OnClick(next, app.EventScope("Next", shown.NextCursor)).Disabled(!shown.HasMore),
	)
}

// pages are the cursors of the pages of a list up to the one that is shown.
type pages struct{ cursors []string }

// cursor is that of the page that is shown.
func (p *pages) cursor() string {
	if len(p.cursors) == 0 {
		return ""
	}
	return p.cursors[len(p.cursors)-1]
}

// next goes to the page that begins at cursor, unless it is on its way there: a
// second click comes while the page before is still shown.
func (p *pages) next(cursor string) {
	if cursor != p.cursor() {
		p.cursors = append(p.cursors, cursor)
	}
}

func (p *pages) prev() {
	if len(p.cursors) > 0 {
		p.cursors = p.cursors[:len(p.cursors)-1]
	}
}
