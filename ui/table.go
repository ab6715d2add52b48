package ui

import (
	"strings"
	"unicode/utf8"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// column is a column of a table.
type column struct {
	name string
	// number columns are aligned to the right.
	number bool
	// minor columns are hidden on narrow screens.
	minor bool
	// unsaid columns show no name, because people see what they are. The name is read
	// out to people who cannot.
	unsaid bool
	// told columns have their name in every card, where the rows stand as cards.
	told bool
}

// table is a table, with a caption for people who cannot see where it stands.
func table(caption string, columns []column, rows ...app.UI) app.UI {
	return boxed(caption, app.Table().Body(
		app.Caption().Class("hidden").Text(caption),
		app.THead().Body(app.Tr().Body(heads(columns, "")...)),
		app.TBody().Body(rows...),
	))
}

// cards is a table whose rows, made by [card], stand as cards on a phone. Some
// browsers take a table with another layout for no table, so every part of it names
// its role.
func cards(caption string, columns []column, rows ...app.UI) app.UI {
	return app.Div().Class("cards").Body(boxed(caption, app.Table().Role("table").Body(
		app.Caption().Class("hidden").Text(caption),
		app.THead().Role("rowgroup").Body(app.Tr().Role("row").Body(heads(columns, "columnheader")...)),
		app.TBody().Role("rowgroup").Body(rows...),
	)))
}

// longestWord is the length of words that a table does not break in the middle.
const longestWord = 24

// named shows a name that people have given. It does not break in the middle of a word,
// unless the word is longer than any column.
func named(text string) app.HTMLBdi {
	if hasLongWord(text) {
		return app.Bdi().Class("long").Text(text)
	}
	return app.Bdi().Text(text)
}

// code is named for what programs read.
func code(text string) app.HTMLCode {
	if hasLongWord(text) {
		return app.Code().Class("long").Text(text)
	}
	return app.Code().Text(text)
}

func hasLongWord(text string) bool {
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ' ' || r == '-' }) {
		if utf8.RuneCountInString(word) > longestWord {
			return true
		}
	}
	return false
}

// boxed puts a table into a box in which it can be scrolled, with the keyboard as
// well.
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

// row is a row of a table with these columns.
func row(columns []column, cells ...app.UI) app.HTMLTr {
	tds := make([]app.UI, len(cells))
	for i, cell := range cells {
		tds[i] = app.Td().Class(columns[i].classes()...).Body(cell)
	}
	return app.Tr().Body(tds...)
}

// card is a row of a table of cards.
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
