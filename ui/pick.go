package ui

import (
	"strings"
	"unicode"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// pickFunc adds a value to the filter. A nil one means that there is no filter.
type pickFunc func(ctx app.Context, name, value string)

// pickButton is the button that adds a value to the filter.
func pickButton(name, value string, pick pickFunc) app.UI {
	label := "Filter by " + term{name: name, value: value, named: true}.String()
	return app.Button().Class("by").Type("button").Aria("label", label).Title(label).Text("Filter").
		OnClick(func(ctx app.Context, _ app.Event) { pick(ctx, name, value) }, app.EventScope(label))
}

// longestPick bounds the values that have a button to filter by them.
const longestPick = 256

// pickable reports whether a value fits into the filter bar, which is one line.
func pickable(value string) bool {
	return len(value) <= longestPick && strings.IndexFunc(value, unicode.IsControl) < 0
}
