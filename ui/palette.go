package ui

import (
	"context"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// palette goes to any page or stream by a few letters of its name.
type palette struct {
	app.Compo
	Page
	Close func(app.Context)

	text    string
	at      int
	streams load[[]core.Stream]
}

// OnMount implements [app.Mounter].
func (p *palette) OnMount(ctx app.Context) {
	if p.s.may(core.ActionReadStreams) {
		p.streams.fetch(ctx, p.s, func(ctx context.Context, client *rest.Client) ([]core.Stream, error) {
			page, err := client.StreamsPage(ctx, "", 1000)
			return page.Items, err
		})
	}
}

// choices are the places that match.
func (p *palette) choices() (found []place) {
	add := func(one place) {
		if len(found) < 12 && strings.Contains(strings.ToLower(one.name), strings.ToLower(p.text)) {
			found = append(found, one)
		}
	}
	for _, one := range places {
		if p.s.may(one.action) {
			add(one)
		}
	}
	known := false
	for _, stream := range p.streams.value {
		known = known || stream.Name == p.text
		add(place{path: address("/streams/{stream}", stream.Name), name: stream.Name, icon: "stream"})
	}
	if p.text != "" && !known && p.s.may(core.ActionReadStreams) { // only the first thousand are at hand
		found = append(found, place{path: address("/streams/{stream}", p.text), name: "Stream " + p.text, icon: "stream"})
	}
	return found
}

// Render implements [app.Composer].
func (p *palette) Render() app.UI {
	choices := p.choices()
	p.at = max(0, min(p.at, len(choices)-1))
	options := make([]app.UI, len(choices))
	for i, one := range choices {
		options[i] = app.Li().ID("choice-"+one.path).Role("option").Aria("selected", i == p.at).
			OnClick(func(ctx app.Context, _ app.Event) { p.open(ctx, one) }, app.EventScope(one.path)).
			Body(icon(one.icon), app.Span().Text(one.name))
	}
	active := ""
	if len(choices) > 0 {
		active = "choice-" + choices[p.at].path
	}
	return &dialog{Title: "Go to", Close: p.Close, Body: []app.UI{
		app.Input().ID("palette").Type("text").Aria("label", "Page or stream").Role("combobox").Aria("expanded", true).
			Aria("controls", "choices").Aria("activedescendant", active).AutoFocus(true).AutoComplete(false).
			Value(p.text).OnInput(func(ctx app.Context, e app.Event) { setText(&p.text)(ctx, e); p.at = 0 }).OnKeyDown(p.key),
		app.Ul().ID("choices").Class("choices").Role("listbox").Aria("label", "Pages and streams").Body(options...),
	}}
}

func (p *palette) key(ctx app.Context, e app.Event) {
	choices := p.choices()
	switch e.Get("key").String() {
	case "ArrowDown":
		p.at++
	case "ArrowUp":
		p.at--
	case "Enter":
		if len(choices) > 0 {
			p.open(ctx, choices[p.at])
		}
	default:
		return
	}
	e.PreventDefault()
}

func (p *palette) open(ctx app.Context, one place) {
	p.Close(ctx)
	ctx.Navigate(one.path)
}
