package ui

import (
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// filterExamples explain the bar.
var filterExamples = [][2]string{
	{"type:order.paid", "events of this type; source: and subject: are the same"},
	{`subject:"customer 42"`, "quotes keep together what has spaces or colons"},
	{"payload.amount:12.5", "the value at a place in the payload"},
	{"payload.items.0.sku:S-1", "a place is keys, and positions in lists from 0"},
	{"refund", "a word is looked for in what was read, page by page"},
}

// keyExamples are the keys of the event browser.
var keyExamples = [][2]string{
	{"/", "to the filter"},
	{"j k", "the next event, the one before"},
	{"Enter o", "the event on a page of its own"},
	{"c", "copy the payload"},
	{"Esc", "close the event"},
	{"?", "this help"},
}

// filterHelp explains the bar and the keys.
func filterHelp() app.UI {
	list := func(title string, all [][2]string, mark func(string) app.UI) app.UI {
		var parts []app.UI
		for _, one := range all {
			parts = append(parts, app.Dt().Body(mark(one[0])), app.Dd().Text(one[1]))
		}
		return app.Div().Class("stack", "tight").Body(app.H2().Text(title), app.Dl().Class("facts").Body(parts...))
	}
	return app.Section().Class("panel").Aria("label", "How to filter, and keys").Body(app.Div().Class("columns").Body(
		list("Filter: all of it must fit", filterExamples, func(text string) app.UI { return app.Code().Text(text) }),
		list("Keys", keyExamples, keys)))
}

func keys(text string) app.UI {
	var all []app.UI
	for key := range strings.FieldsSeq(text) {
		all = append(all, app.Kbd().Text(key))
	}
	return app.Span().Class("row").Body(all...)
}
