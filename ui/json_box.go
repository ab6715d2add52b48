package ui

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// JSON of at most maxFolded bytes and maxNodes values is drawn as a tree. Any other is
// a text, of which maxShown bytes are shown at first.
const (
	maxFolded = 32 << 10
	maxNodes  = 1500
	maxShown  = 64 << 10
)

// jsonBox shows JSON to be read, folded and copied.
type jsonBox struct {
	app.Compo
	// Name says what the JSON is, for people who cannot see where it stands.
	Name string
	Text string
	// Pick filters by a value of the payload. It may be nil.
	Pick pickFunc

	whole, copied bool
}

// Render implements [app.Composer].
func (b *jsonBox) Render() app.UI {
	head := []app.UI{app.Span().Class("quiet").Text(size(len(b.Text))), app.Span().Class("grow")}
	if len(b.Text) > maxShown && !b.whole {
		head = append(head, button("Show all", "", func(app.Context, app.Event) { b.whole = true }))
	}
	label, name := "Copy "+b.Name, "copy"
	if b.copied {
		label, name = "Copied", "ok"
	}
	head = append(head, iconButton(label, name, b.copy))
	return app.Div().Class("json").Body(app.Div().Class("json-head").Body(head...), b.content())
}

func (b *jsonBox) copy(ctx app.Context, _ app.Event) {
	copyText(b.Text)
	b.copied = true
	time.AfterFunc(2*time.Second, func() { ctx.Dispatch(func(app.Context) { b.copied = false }) })
}

func (b *jsonBox) content() app.UI {
	if len(b.Text) <= maxFolded {
		if tree, ok := jsonTree(b.Text, b.Pick); ok {
			return app.Div().Class("tree").TabIndex(0).Role("group").Aria("label", b.Name).Body(tree)
		}
	}
	text := b.Text
	if len(text) > maxShown && !b.whole {
		text = strings.ToValidUTF8(text[:maxShown], "") + "…"
	}
	return app.Pre().TabIndex(0).Aria("label", b.Name).Role("group").Body(app.Code().Text(text))
}

// indented returns JSON on lines that people can read. What is too large for that, or
// no JSON, stays as it is.
func indented(text json.RawMessage) string {
	if len(text) == 0 {
		return ""
	}
	var pretty bytes.Buffer
	if len(text) > maxFolded || json.Indent(&pretty, text, "", "  ") != nil || pretty.Len() > maxShown {
		return string(text)
	}
	return pretty.String()
}
