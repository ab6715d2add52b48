package ui

import (
	"fmt"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// press handles a key of the event browser: j and k go through the list, c copies
// the payload, Enter and o open the event's own page, Escape closes the inspector,
// / focuses the filter and ? shows the help. See keyExamples.
func (v *eventsView) press(ctx app.Context, e app.Value) {
	if typing(e) || asking() {
		return
	}
	key := e.Get("key").String()
	switch key {
	case "/":
		focus("#filter")
	case "Enter":
		if onControl(e) || v.selected == "" {
			return
		}
	case "j", "k", "o", "c", "?", "Escape":
		ctx.Dispatch(func(ctx app.Context) { v.key(ctx, key) })
		return
	default:
		return
	}
	e.Call("preventDefault")
	if key == "Enter" {
		ctx.Dispatch(func(ctx app.Context) { v.key(ctx, "o") })
	}
}

// key selects another event, or does something with the selected one.
func (v *eventsView) key(ctx app.Context, key string) {
	events := v.events()
	at, open := -1, v.selected != ""
	for i := range events {
		if id := events[i].ID.String(); id == v.selected || !open && id == v.left {
			at = i
		}
	}
	switch {
	case key == "j" && at+1 < len(events):
		v.choose(ctx, events[at+1].ID.String(), open)
		ctx.Defer(showChosen)
	case key == "k" && at > 0:
		v.choose(ctx, events[at-1].ID.String(), open)
		ctx.Defer(showChosen)
	case key == "c" && open && at >= 0:
		copyText(string(events[at].Payload))
	case key == "o" && open && at >= 0:
		stream := v.stream()
		if stream == "" {
			stream = events[at].Stream.String()
		}
		ctx.Navigate(address("/streams/{stream}/events/{offset}", stream, fmt.Sprint(events[at].Offset)))
	case key == "?":
		v.help = !v.help
	case key == "Escape":
		v.close(ctx)
	}
}

// close closes the inspector. The focus goes to the row of its event.
func (v *eventsView) close(ctx app.Context) {
	focus(".chosen button")
	if v.selected != "" {
		v.left = v.selected
	}
	v.choose(ctx, "", false)
}

// showChosen scrolls the selected row into view and focuses it, so that Tab goes on
// from there. A focus within the inspector stays.
func showChosen(app.Context) {
	document := app.Window().Get("document")
	row := document.Call("querySelector", "tr.chosen")
	if !row.Truthy() {
		return
	}
	row.Call("scrollIntoView", map[string]any{"block": "nearest"})
	if !document.Call("querySelector", ".inspector:focus-within").Truthy() {
		row.Call("querySelector", "button").Call("focus", map[string]any{"preventScroll": true})
	}
}

// asking reports whether a dialog is open, which all keys are meant for.
func asking() bool {
	return app.Window().Get("document").Call("querySelector", "dialog[open]").Truthy()
}

// onControl reports whether Enter works the focused element, such as a link. The
// selected row does not count.
func onControl(e app.Value) bool {
	target := e.Get("target")
	return target.Call("closest", "a, button, summary").Truthy() && !target.Call("closest", "tr.chosen").Truthy()
}
