package ui

import "github.com/maxence-charriere/go-app/v10/pkg/app"

// rowControls finds, in a row of a list, what works the row: the first of them has the
// focus where the row is the current one.
const rowControls = "a[href], button"

// walkRows goes on to the next row by j, and to the row before by k, in whatever lists
// the page has. The event browser has keys of its own: see press.
func walkRows(e app.Value) {
	step := map[string]int{"j": 1, "k": -1}[e.Get("key").String()]
	if step == 0 || typing(e) || asking() {
		return
	}
	document := app.Window().Get("document")
	if document.Call("querySelector", "tr.pick").Truthy() {
		return
	}
	controls := rowsToWalk(document)
	at := -1
	if current := document.Get("activeElement").Call("closest", "tr"); current.Truthy() {
		for i, control := range controls {
			if current.Call("contains", control).Bool() {
				at = i
			}
		}
	}
	if at += step; at < 0 || at >= len(controls) {
		return
	}
	controls[at].Call("focus")
	controls[at].Call("scrollIntoView", map[string]any{"block": "nearest"})
}

// rowsToWalk returns what works each row of the page's lists, from the top.
func rowsToWalk(document app.Value) (controls []app.Value) {
	rows := document.Call("querySelectorAll", "main tbody tr")
	for i := range rows.Get("length").Int() {
		row := rows.Index(i)
		folded := row.Call("closest", "details:not([open])").Truthy()
		if control := row.Call("querySelector", rowControls); control.Truthy() && !folded {
			controls = append(controls, control)
		}
	}
	return controls
}
