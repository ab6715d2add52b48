package ui

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// palette is a dialog that opens a page, a stream or a group by a part of its name.
type palette struct {
	app.Compo
	Page
	// Tab is the pattern of a page of a stream. The palette opens that page for another
	// stream then. Where Tab is empty, it opens any page.
	Tab   string
	Close func(app.Context)

	text    string
	at      int
	pause   delay
	streams load[streamsFound]
	names   load[paletteNames]
}

// streamsFound are the first streams whose names begin with a prefix.
type streamsFound struct {
	prefix string
	items  []core.Stream
}

// paletteNames are the first streams and groups, as many as the server lists at once.
// They are found by any part of their names. Of more streams, the others are found by
// the beginning of theirs.
type paletteNames struct {
	streams []core.Stream
	groups  []core.GroupOverview
}

// maxChoices is the number of places that are offered at once.
const maxChoices = 12

// OnMount implements [app.Mounter].
func (p *palette) OnMount(ctx app.Context) {
	p.ask(ctx)
	withGroups := p.Tab == "" && p.s.may(core.ActionReadGroups)
	if !p.s.may(core.ActionReadStreams) {
		return
	}
	p.names.fetch(ctx, p.s, func(ctx context.Context, client *rest.Client) (names paletteNames, err error) {
		page, err := client.StreamsPage(ctx, core.StreamQuery{Limit: core.MaxPageSize})
		if names.streams = page.Items; err != nil || !withGroups {
			return names, err
		}
		groups, err := client.AllGroups(ctx, "", core.MaxPageSize)
		names.groups = groups.Items
		return names, err
	})
}

// ask fetches the streams whose names begin with the text.
func (p *palette) ask(ctx app.Context) {
	if !p.s.may(core.ActionReadStreams) {
		return
	}
	prefix := p.text
	p.streams.fetch(ctx, p.s, func(ctx context.Context, client *rest.Client) (streamsFound, error) {
		page, err := client.StreamsPage(ctx, core.StreamQuery{Prefix: prefix, Limit: maxChoices})
		return streamsFound{prefix, page.Items}, err
	})
}

// choices are the places that match, the closest first.
func (p *palette) choices() (found []place) {
	add := func(one place) {
		if closeness(one.name, p.text) < unlike {
			found = append(found, one)
		}
	}
	for _, one := range places {
		if p.Tab == "" && p.s.may(one.action) {
			add(one)
		}
	}
	known := p.text == "" || p.streams.have() && p.streams.value.prefix == p.text
	seen := map[string]bool{}
	for _, stream := range slices.Concat(p.streams.value.items, p.names.value.streams) {
		if !seen[stream.Name] {
			add(p.place(stream.Name, stream.Name))
		}
		seen[stream.Name] = true
	}
	for _, group := range p.names.value.groups {
		add(place{path: groupPath(group), name: group.Name, icon: "consumer", more: group.StreamName})
	}
	slices.SortStableFunc(found, func(a, b place) int { return cmp.Compare(closeness(a.name, p.text), closeness(b.name, p.text)) })
	if found = found[:min(len(found), maxChoices)]; !known && !seen[p.text] && p.s.may(core.ActionReadStreams) { // the server has not answered yet
		found = append(found, p.place(p.text, "Stream "+p.text))
	}
	return found
}

// unlike is the closeness of names that do not match.
const unlike = 5

// closeness tells how well a name matches a text: the lower, the better.
func closeness(name, text string) int {
	folded, lower := strings.ToLower(name), strings.ToLower(text)
	switch {
	case text == "":
		return 0
	case folded == lower:
		return 1
	case strings.HasPrefix(name, text):
		return 2
	case strings.HasPrefix(folded, lower):
		return 3
	case strings.Contains(folded, lower):
		return 4
	}
	return unlike
}

func (p *palette) place(stream, name string) place {
	pattern := "/streams/{stream}"
	if p.Tab != "" {
		pattern = p.Tab
	}
	return place{path: address(pattern, stream), name: name, icon: "stream"}
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
	title, label := "Go to", "Page, stream or group"
	if p.Tab != "" {
		title, label = "Switch stream", "Filter by name"
	}
	return &dialog{Title: title, Close: p.Close, Body: []app.UI{
		app.Input().ID("palette").Type("text").Aria("label", label).Placeholder(label).Role("combobox").Aria("expanded", true).
			Aria("controls", "choices").Aria("activedescendant", active).AutoFocus(true).AutoComplete(false).Spellcheck(false).
			Value(p.text).OnInput(p.typed).OnKeyDown(p.key),
		app.Ul().ID("choices").Class("choices").Role("listbox").Aria("label", "Places").Body(options...),
		app.If(len(choices) == 0 && !p.streams.busy && !p.names.busy, func() app.UI { return app.P().Class("quiet").Role("status").Text("No matches.") }),
	}}
}

func (p *palette) typed(ctx app.Context, e app.Event) {
	setText(&p.text)(ctx, e)
	p.at = 0
	p.pause.run(ctx, p.ask)
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
