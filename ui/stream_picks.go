package ui

import (
	"context"
	"slices"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// picksShown is the number of streams that are offered at once. The others are found
// by the beginning of their names.
const picksShown = 50

// streamPicks lets a user choose some of the streams, however many there are.
type streamPicks struct {
	app.Compo
	Page
	// Chosen are the names of the chosen streams.
	Chosen *[]string
	// Wrong is the reason why the server refused the choice, or "".
	Wrong string

	prefix string
	pause  delay
	found  load[rest.List[core.Stream]]
}

// OnMount implements [app.Mounter].
func (p *streamPicks) OnMount(ctx app.Context) { p.fetch(ctx) }

func (p *streamPicks) fetch(ctx app.Context) {
	query := core.StreamQuery{Prefix: p.prefix, Limit: picksShown}
	p.found.fetch(ctx, p.s, func(ctx context.Context, client *rest.Client) (rest.List[core.Stream], error) {
		return client.StreamsPage(ctx, query)
	})
}

// Render implements [app.Composer].
func (p *streamPicks) Render() app.UI {
	return app.FieldSet().Class("field").Body(
		app.Legend().Text("Only these streams"),
		app.Input().Type("search").Aria("label", "Find a stream").Placeholder("Filter by name").Spellcheck(false).Value(inputValue(p.prefix)).
			OnInput(p.pause.after(&p.prefix, p.fetch)),
		app.Div().Class("picks").Body(p.boxes()...),
		app.Div().Class("hint").Text("Leave empty for all streams."),
		app.If(p.Wrong != "", func() app.UI { return app.Div().Class("wrong").Text(p.Wrong) }),
	)
}

// boxes are the boxes of the chosen streams, and of the streams that were found.
func (p *streamPicks) boxes() (boxes []app.UI) {
	names := slices.Clone(*p.Chosen)
	for i := range p.found.value.Items {
		if name := p.found.value.Items[i].Name; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, name := range names {
		boxes = append(boxes, app.Label().Class("row").Body(
			app.Input().Type("checkbox").Checked(slices.Contains(*p.Chosen, name)).OnChange(func(ctx app.Context, _ app.Event) {
				p.tick(name, ctx.JSSrc().Get("checked").Bool())
			}, app.EventScope(name)),
			app.Bdi().Text(name)))
	}
	return boxes
}

func (p *streamPicks) tick(name string, on bool) {
	others := slices.DeleteFunc(slices.Clone(*p.Chosen), func(other string) bool { return other == name })
	if on {
		others = append(others, name)
	}
	*p.Chosen = others
}
