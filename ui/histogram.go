package ui

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// histogram shows how many events came when, around the events of the list.
type histogram struct {
	// span is the name of one of spans, or "" for all time.
	span string
	of   load[spread]
}

// spans are the times that a histogram can show, with their names in the address.
var spans = []struct {
	name, label string
	long        time.Duration
}{
	{"15m", "15 minutes", 15 * time.Minute},
	{"1h", "hour", time.Hour},
	{"1d", "day", 24 * time.Hour},
	{"7d", "7 days", 7 * 24 * time.Hour},
}

// fetch counts the events again.
func (h *histogram) fetch(ctx app.Context, v *eventsView) {
	stream, from, long := v.stream(), v.scope, h.long()
	if stream == "" || !v.s.may(core.ActionReadEvents) {
		return
	}
	h.of.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (spread, error) {
		return spreadOf(ctx, client, stream, from, long)
	})
}

// long is the chosen span, or 0 for all time.
func (h *histogram) long() time.Duration {
	for _, one := range spans {
		if one.name == h.span {
			return one.long
		}
	}
	return 0
}

// view draws the histogram and the choice of its span.
func (h *histogram) view(v *eventsView) app.UI {
	if !h.of.have() || len(h.of.value.Counts) == 0 {
		return app.Span()
	}
	shown := &h.of.value
	var total int64
	for _, n := range shown.Counts {
		total += n
	}
	words := plural(total, "event") + " · " + span(shown.step) + " per bar"
	if v.filter != "" {
		words += " · unfiltered"
	}
	return app.Section().Class("slim").Aria("label", "Events over time").Body(
		app.Div().Class("row").Body(
			app.Span().Class("quiet", "grow").Text(words),
			app.Label().Class("hidden").For("span").Text("Time range"),
			selectInput("span", &h.span, spanChoices(v.scope.kind), func(ctx app.Context, _ app.Event) {
				v.remember(ctx, true)
				h.fetch(ctx, v)
			})),
		h.chart(v, fmt.Sprintf("%s, %s to %s. The same numbers are in the table below.", words, shown.write(shown.From), shown.write(shown.To))),
		h.axis(),
		h.table(v),
	)
}

// spanChoices are the spans that can be chosen. Their labels say where they lie, which
// depends on the scope.
func spanChoices(kind scopeKind) []choice[string] {
	choices := make([]choice[string], 0, len(spans)+1)
	for _, one := range spans {
		label := "Last " + one.label
		switch kind {
		case scopeOldest:
			label = "First " + one.label
		case scopeOffset, scopeTime:
			label = strings.ToUpper(one.label[:1]) + one.label[1:] + " around"
		}
		choices = append(choices, choice[string]{one.name, label})
	}
	return append(choices, choice[string]{"", "All time"})
}

// chart draws the bars. A click on a bar, or above it, reads from its time on.
func (h *histogram) chart(v *eventsView, label string) app.UI {
	shown := &h.of.value
	hints := make([]string, len(shown.Counts))
	for i, n := range shown.Counts {
		hints[i] = shown.write(shown.edge(i)) + ": " + plural(n, "event")
	}
	drawing := drawHints(hints) + drawBars(shown.Counts)
	if !shown.begin.IsZero() {
		drawing += drawMark(float64(shown.begin.Sub(shown.From)) / float64(shown.To.Sub(shown.From)))
	}
	return barBox(label, drawing, shown.Counts).Class("pick").OnClick(func(ctx app.Context, e app.Event) {
		box := ctx.JSSrc().Call("getBoundingClientRect")
		bars := len(h.of.value.Counts)
		bar := int((e.Get("clientX").Float() - box.Get("left").Float()) / box.Get("width").Float() * float64(bars))
		h.choose(ctx, v, max(0, min(bar, bars-1)))
	})
}

// choose reads from the time on at which a bar begins.
func (h *histogram) choose(ctx app.Context, v *eventsView, bar int) {
	v.scope = scope{scopeTime, h.of.value.edge(bar).UTC().Format(time.RFC3339)}
	v.begin(ctx)
}

// axis labels some of the times below the chart.
func (h *histogram) axis() app.UI {
	shown := &h.of.value
	const parts = 4
	names := make([]app.UI, parts+1)
	for i := range names {
		name := app.Span().Text(shown.write(shown.From.Add(shown.To.Sub(shown.From) * time.Duration(i) / parts)))
		if i%2 == 1 {
			name = name.Class("minor")
		}
		names[i] = name
	}
	return app.Div().Class("axis").Aria("hidden", true).Body(names...)
}

// table has the chart's numbers for people who cannot see or click it.
func (h *histogram) table(v *eventsView) app.UI {
	shown := &h.of.value
	var names []app.UI
	var counts []int64
	for i, n := range shown.Counts {
		if n > 0 {
			name := shown.write(shown.edge(i))
			names = append(names, app.Button().Class("bare", "offset").Type("button").Aria("label", "Start from "+name).Text(name).
				OnClick(func(ctx app.Context, _ app.Event) { h.choose(ctx, v, i) }, app.EventScope(name)))
			counts = append(counts, n)
		}
	}
	return chartTable("Events by "+span(shown.step), names, counts)
}
