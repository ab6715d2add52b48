package ui

import "github.com/maxence-charriere/go-app/v10/pkg/app"

// column is one of a table. Numbers stand at the right.
type column struct {
	name   string
	number bool
	// minor columns go away on narrow screens.
	minor bool
	// unsaid columns have a name for those only who cannot see what they are.
	unsaid bool
}

// table is a real one, with a caption for those who cannot see where it stands.
func table(caption string, columns []column, rows ...app.UI) app.UI {
	heads := make([]app.UI, len(columns))
	for i, c := range columns {
		heads[i] = app.Th().Scope("col").Class(c.classes()...).Text(c.name)
		if c.unsaid {
			heads[i] = app.Th().Scope("col").Class(c.classes()...).Body(app.Span().Class("hidden").Text(c.name))
		}
	}
	return app.Div().Class("table").TabIndex(0).Role("group").Aria("label", caption).Body(app.Table().Body(
		app.Caption().Class("hidden").Text(caption),
		app.THead().Body(app.Tr().Body(heads...)),
		app.TBody().Body(rows...),
	))
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

// pager leads through the pages of a list: back is how many pages there are
// before this one.
func pager(back int, more bool, prev, next app.EventHandler) app.UI {
	if back == 0 && !more {
		return app.Div()
	}
	return app.Nav().Class("pager").Aria("label", "Pages").Body(
		button("Previous", "prev", prev).Disabled(back == 0),
		app.Span().Class("quiet").Textf("Page %d", back+1),
		button("Next", "next", next).Disabled(!more),
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

func (p *pages) next(cursor string) { p.cursors = append(p.cursors, cursor) }

func (p *pages) prev() {
	if len(p.cursors) > 0 {
		p.cursors = p.cursors[:len(p.cursors)-1]
	}
}
