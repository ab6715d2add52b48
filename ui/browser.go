package ui

import (
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

func documentElement() app.Value { return app.Window().Get("document").Get("documentElement") }

// focus moves the focus to the first element that a selector finds.
func focus(selector string) {
	if element := app.Window().Get("document").Call("querySelector", selector); element.Truthy() {
		element.Call("focus")
	}
}

// onKey calls f for every key that is pressed, until the returned function is
// called.
func onKey(f func(e app.Value)) (stop func()) { return listen(app.Window(), "keydown", f) }

// onSight calls f whenever the page comes into sight or goes out of it, until the
// returned function is called.
func onSight(f func(seen bool)) (stop func()) {
	return listen(app.Window().Get("document"), "visibilitychange", func(app.Value) { f(!hidden()) })
}

func listen(to app.Value, event string, f func(e app.Value)) (stop func()) {
	handler := app.FuncOf(func(_ app.Value, args []app.Value) any {
		f(args[0])
		return nil
	})
	to.Call("addEventListener", event, handler)
	return func() {
		to.Call("removeEventListener", event, handler)
		handler.Release()
	}
}

// typing reports whether a key is meant for a field or for the browser itself.
func typing(e app.Value) bool {
	return isField(e.Get("target")) || e.Get("ctrlKey").Bool() || e.Get("metaKey").Bool() || e.Get("altKey").Bool()
}

// isField reports whether people type or choose something in an element.
func isField(element app.Value) bool {
	if !element.Truthy() {
		return false
	}
	switch element.Get("tagName").String() {
	case "INPUT", "TEXTAREA", "SELECT":
		return true
	}
	return false
}

// breathe lets the browser draw and handle input. The page has one thread, and Go
// keeps it until every goroutine waits.
func breathe() { time.Sleep(time.Millisecond) }

// hidden reports whether the page is in the background, where it asks the server for
// nothing.
func hidden() bool { return app.Window().Get("document").Get("hidden").Bool() }

// fragment is the part of the address behind the #. Browsers send it to no server.
func fragment() string {
	hash := app.Window().Get("location").Get("hash").String()
	if hash == "" {
		return ""
	}
	return hash[1:]
}

// dropFragment removes the fragment from the address and from the history.
func dropFragment() {
	location := app.Window().Get("location")
	app.Window().Get("history").Call("replaceState", nil, "", location.Get("pathname").String()+location.Get("search").String())
}

// pushQuery goes to the same address with other parameters. The browser's own button
// leads back to those from before.
func pushQuery(ctx app.Context, query string) {
	location := app.Window().Get("location")
	if location.Get("search").String() == withMark(query) {
		return
	}
	ctx.Navigate(location.Get("pathname").String() + withMark(query))
	setQuery(query) // where the framework has not moved, because it believed to be there
}

// withMark puts a question mark before the parameters of an address, where there are
// some.
func withMark(query string) string {
	if query == "" {
		return ""
	}
	return "?" + query
}

// setQuery changes the parameters of the address without a navigation: the browser's
// own button does not lead back to those from before.
func setQuery(query string) {
	address := app.Window().Get("location").Get("pathname").String() + withMark(query)
	app.Window().Get("history").Call("replaceState", nil, "", address)
}

// download saves a text to a file of the user's.
func download(name, contentType, text string) {
	document := app.Window().Get("document")
	link := document.Call("createElement", "a")
	link.Set("href", "data:"+contentType+";charset=utf-8,"+app.Window().Call("encodeURIComponent", text).String())
	link.Set("download", name)
	link.Call("click")
}
