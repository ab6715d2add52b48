package ui

import (
	"strings"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
)

// What the browser keeps between visits.
const (
	meKey    = "eventflow me"
	themeKey = "eventflow theme"
	timesKey = "eventflow times"
)

// remember keeps who was signed in, for a start without a server. No credential
// is in it.
func remember(ctx app.Context, me rest.Me) { _ = ctx.LocalStorage().Set(meKey, me) }

func recall(ctx app.Context, me *rest.Me) bool {
	return ctx.LocalStorage().Get(meKey, me) == nil && me.User != nil
}

// email is the address of who is signed in.
func (s *session) email() string {
	if s.me.User == nil {
		return ""
	}
	return s.me.User.Email
}

// applyChoices shows the theme and the kind of times that were chosen.
func applyChoices(ctx app.Context) {
	for key, attribute := range map[string]string{themeKey: "data-theme", timesKey: "data-times"} {
		var choice string
		if ctx.LocalStorage().Get(key, &choice) == nil && choice != "" {
			documentElement().Call("setAttribute", attribute, choice)
		}
	}
}

// switchTimes shows times exactly, or relative to now again.
func switchTimes(ctx app.Context) {
	times := "exact"
	if was := documentElement().Call("getAttribute", "data-times"); was.Truthy() && was.String() == times {
		times = "near"
	}
	documentElement().Call("setAttribute", "data-times", times)
	_ = ctx.LocalStorage().Set(timesKey, times) // a full storage forgets the choice
}

func switchTheme(ctx app.Context) {
	theme := "dark"
	if isDark() {
		theme = "light"
	}
	documentElement().Call("setAttribute", "data-theme", theme)
	_ = ctx.LocalStorage().Set(themeKey, theme) // a full storage forgets the choice
}

func isDark() bool {
	if theme := documentElement().Call("getAttribute", "data-theme"); theme.Truthy() {
		return theme.String() == "dark"
	}
	return app.Window().Call("matchMedia", "(prefers-color-scheme: dark)").Get("matches").Bool()
}

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

// onSight calls f when the page is seen again, or no longer, until the returned
// function is called.
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

// typing reports whether a key goes into a field of a form.
func typing(e app.Value) bool {
	return isField(e.Get("target")) || e.Get("ctrlKey").Bool() || e.Get("metaKey").Bool() || e.Get("altKey").Bool()
}

// isField reports whether an element is one that people fill.
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

// breathe lets the browser do what waits for the page: it has one thread, on
// which nothing else happens until all that runs waits.
func breathe() { time.Sleep(time.Millisecond) }

// hidden reports whether nobody looks: a page in the background asks for
// nothing.
func hidden() bool { return app.Window().Get("document").Get("hidden").Bool() }

// fragment is the part of the address after a #, which no server sees.
func fragment() string {
	hash := app.Window().Get("location").Get("hash").String()
	if hash == "" {
		return ""
	}
	return hash[1:]
}

// dropFragment takes it out of the address and the history.
func dropFragment() {
	location := app.Window().Get("location")
	app.Window().Get("history").Call("replaceState", nil, "", location.Get("pathname").String()+location.Get("search").String())
}

// setQuery changes the parameters of the address without a navigation.
func setQuery(query string) {
	address := app.Window().Get("location").Get("pathname").String()
	if query != "" {
		address += "?" + query
	}
	app.Window().Get("history").Call("replaceState", nil, "", address)
}

// download gives a text to the user as a file.
func download(name, contentType, text string) {
	document := app.Window().Get("document")
	link := document.Call("createElement", "a")
	link.Set("href", "data:"+contentType+";charset=utf-8,"+app.Window().Call("encodeURIComponent", text).String())
	link.Set("download", name)
	link.Call("click")
}

// browserName says which program an agent's name is of, and where it runs, as far
// as it can be told; browsers claim to be others, so the more special come first.
func browserName(agent string) string {
	name := ""
	for _, known := range [][2]string{{"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}} {
		if strings.Contains(agent, known[0]) {
			name = known[1]
			break
		}
	}
	if name == "" {
		return agent
	}
	for _, known := range [][2]string{{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"}, {"Mac OS", "macOS"}, {"Linux", "Linux"}} {
		if strings.Contains(agent, known[0]) {
			return name + " on " + known[1]
		}
	}
	return name
}
