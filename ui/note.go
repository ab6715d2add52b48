package ui

import (
	"strconv"
	"strings"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/core"
)

// note is a remark. Its kind is ok, warn, bad or info.
func note(kind, text string) app.UI {
	return app.Div().Class("note", kind).Body(icon(kind), app.Span().Text(text))
}

// missingNote says what a page lacks while shards are away.
func missingNote(missing *core.Missing) app.UI {
	shards := make([]string, len(missing.Shards))
	for i, shard := range missing.Shards {
		shards[i] = strconv.Itoa(shard)
	}
	names := make([]string, 0, len(missing.Streams)+1)
	for _, stream := range missing.Streams {
		names = append(names, stream.Name)
	}
	if missing.More {
		names = append(names, "others")
	}
	return app.Div().Class("note", "bad").Role("status").Body(icon("bad"), app.Span().Body(
		app.Text("The store does not answer for shard "+strings.Join(shards, ", ")+". Missing here: "), app.Bdi().Text(strings.Join(names, ", ")), app.Text(".")))
}

// timeBadge is a badge that says when something ends or begins.
func timeBadge(kind, text string, at time.Time) app.UI {
	return app.Span().Class("badge", kind).Body(icon(kind), app.Text(text+" "), timeText(at))
}

// badge shows a state in a word, with the colour and the icon of its kind: ok, warn,
// bad, wait or info.
func badge(kind, text string) app.UI {
	return app.Span().Class("badge", kind).Body(icon(kind), app.Text(text))
}
