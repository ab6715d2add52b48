package ui

import (
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// filterExamples are examples of filters, each with what it matches.
var filterExamples = [][2]string{
	{"type:order.paid", "events of this type; source: and subject: work the same way"},
	{`subject:"customer 42"`, "quotes for values with spaces or colons"},
	{"payload.amount:12.5", "a value in the payload"},
	{"payload.items.0.sku:S-1", "paths are keys, and list positions counted from 0"},
	{"refund", "plain words search the loaded events, page by page"},
}

// keyExamples are the keys of the event browser, each with what it does.
var keyExamples = [][2]string{
	{"/", "focus the filter"},
	{"j k", "next event, previous event"},
	{"Enter o", "open the event on its own page"},
	{"c", "copy the payload"},
	{"Esc", "close the event"},
	{"?", "show or hide this help"},
}

// filterHelp explains the filter bar and the keys.
func filterHelp() app.UI {
	list := func(title string, all [][2]string, mark func(string) app.UI) app.UI {
		var parts []app.UI
		for _, one := range all {
			parts = append(parts, app.Dt().Body(mark(one[0])), app.Dd().Text(one[1]))
		}
		return app.Div().Class("stack", "tight").Body(app.H2().Text(title), app.Dl().Class("facts").Body(parts...))
	}
	return app.Section().Class("panel").Aria("label", "Filter help and shortcuts").Body(app.Div().Class("columns").Body(
		list("Filter (all terms must match)", filterExamples, func(text string) app.UI { return app.Code().Text(text) }),
		list("Keyboard shortcuts", keyExamples, keys)))
}

func keys(text string) app.UI {
	var all []app.UI
	for key := range strings.FieldsSeq(text) {
		all = append(all, app.Kbd().Text(key))
	}
	return app.Span().Class("row").Body(all...)
}
