package ui

import (
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// timeText shows a time relative to now or in full, as the user has chosen. A hint
// shows both. It is the only way in which a page shows a relative time: see tick.
func timeText(t time.Time) app.UI {
	near := ago(t, time.Now())
	return app.Time().Title(timeHint(t, near)).DateTime(t.UTC().Format(time.RFC3339Nano)).Body(
		app.Span().Class("near").Text(near), app.Span().Class("exact").Text(exact(t)))
}

// optionalTime is timeText for a time that may be nil. It shows a text then.
func optionalTime(t *time.Time, otherwise string) app.UI {
	if t == nil {
		return app.Span().Class("quiet").Text(otherwise)
	}
	return timeText(*t)
}

func timeHint(t time.Time, near string) string { return exact(t) + t.Local().Format(" MST, ") + near }

// tick brings every relative time on the page up to date. It changes the texts alone: to
// draw a list of a hundred events anew every second would cost more than all else.
func tick() {
	document := app.Window().Get("document")
	if document.Get("hidden").Bool() {
		return
	}
	shown, now := document.Call("querySelectorAll", "time"), time.Now()
	for i := range shown.Get("length").Int() {
		element := shown.Index(i)
		at, err := time.Parse(time.RFC3339Nano, element.Get("dateTime").String())
		if err != nil { // not one of timeText
			continue
		}
		text, near := element.Get("firstElementChild").Get("firstChild"), ago(at, now)
		if !text.Truthy() || text.Get("nodeValue").String() == near {
			continue
		}
		text.Set("nodeValue", near)
		element.Set("title", timeHint(at, near))
	}
}
