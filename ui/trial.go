package ui

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// trial tries a filter and a transform while they are written: on the last events of a
// stream, or on a sample.
type trial struct {
	filter, transform, sample string
	shown                     load[rest.List[core.Trial]]
	pause                     delay
}

// triedEvents is how many events of the stream are tried.
const triedEvents = 5

// look asks the server what the filter and the transform make of the events.
func (t *trial) look(ctx app.Context, v *processorEditView) {
	stream, spec := v.stream(), core.TrialSpec{Filter: t.filter, Transform: t.transform, Last: triedEvents}
	if t.sample != "" {
		spec.Event = json.RawMessage(t.sample)
	}
	t.shown.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (page rest.List[core.Trial], err error) {
		if len(spec.Event) > 0 && !json.Valid(spec.Event) {
			return page, core.Invalid("event", "is not valid JSON")
		}
		page.Items, err = client.TryProcessor(ctx, stream, spec)
		return page, err
	})
}

// panel has the fields of the filter and the transform, and what comes of them.
func (t *trial) panel(v *processorEditView) app.UI {
	wrong := fieldErrors{err: t.shown.err}
	if t.shown.err == nil { // what the server said when it was to be saved
		wrong.err = v.act.err
	}
	look := func(ctx app.Context) { t.look(ctx, v) }
	area := func(id, label, hint string, text *string, rows int) app.UI {
		why := wrong.of(id)
		return app.Div().Class("stack", "tight").Body(
			field(id, label, textArea(id, text, rows).OnInput(t.pause.after(text, look), app.EventScope(id)), hint, why), marked(*text, why))
	}
	parts := []app.UI{
		app.H2().Text("Filter and transform"),
		app.Div().Class("columns").Body(
			area("filter", "Filter (CEL)", "Such as type == 'order.paid' && payload.amount > 100. Empty: every event passes.", &t.filter, 5),
			area("transform", "Transform (jq)", "Such as .payload |= {id: .order_id}. Empty: events are sent as they are.", &t.transform, 5)),
		app.Details().Class("fold").Body(app.Summary().Text("Try a sample event"),
			area("event", "Sample event", `Such as {"event_type":"order.paid","payload":{"amount":120}}. Empty: the last events of the stream.`, &t.sample, 3)),
	}
	return app.Section().Class("panel").Aria("label", "Filter and transform").Body(append(parts, t.preview(&wrong))...)
}

// preview shows what becomes of the events.
func (t *trial) preview(wrong *fieldErrors) app.UI {
	switch {
	case t.shown.err != nil && len(detailsOf(t.shown.err)) > 0:
		return app.Div().Class("stack", "tight").Body(wrong.rest(), app.P().Class("quiet").Text("The preview comes back once this can be read."))
	case t.shown.err != nil:
		return errorPanel(t.shown.err, t.shown.again)
	case !t.shown.have():
		return skeleton()
	}
	all := t.shown.value.Items
	if len(all) == 0 {
		return app.P().Class("quiet").Text("The stream has no events yet. Try a sample event above.")
	}
	passed := 0
	rows := make([]app.UI, len(all))
	for i := range all {
		if all[i].Passed {
			passed++
		}
		rows[i] = t.row(&all[i], i == 0)
	}
	return app.Div().Class("stack", "tight").Body(append([]app.UI{
		app.H3().Text("Preview"),
		app.P().Class("quiet").Role("status").Text(fmt.Sprintf("%d of %s would be delivered.", passed, plural(len(all), "event"))),
	}, rows...)...)
}

// row shows one event beside what is made of it.
func (t *trial) row(one *core.Trial, open bool) app.UI {
	verdict := badge("wait", "filtered out")
	var result app.UI = app.P().Class("quiet").Text("The filter does not let it pass, so it is not delivered.")
	switch {
	case len(one.Errors) > 0:
		verdict = badge("bad", "error")
		text := t.transform
		if one.Errors[0].Field == "filter" {
			text = t.filter
		}
		result = app.Div().Class("stack", "tight").Body(
			app.Div().Class("note", "bad").Body(icon("bad"), app.Div().Body(detailLines(one.Errors)...)), marked(text, one.Errors[0].Reason))
	case one.Result != nil:
		verdict = badge("ok", "passes")
		result = &jsonBox{Name: "result", Text: producedText(one.Result)}
	}
	return app.Details().Class("fold").Open(open || len(one.Errors) > 0).Body(
		app.Summary().Body(verdict, app.Text(" "), app.Bdi().Text(one.Event.Type), app.Text(" #"+count(int64(one.Event.Offset)))),
		app.Div().Class("columns").Body(&jsonBox{Name: "original", Text: producedText(&one.Event)}, result))
}

// producedText is the part of an event that its producer has said.
func producedText(event *core.Event) string {
	text, err := json.Marshal(again(*event))
	if err != nil {
		return string(event.Payload)
	}
	return indented(text)
}

// placeOf reads the line and the column with which a reason begins, both from 1.
func placeOf(reason string) (line, column int, ok bool) {
	place, _, _ := strings.Cut(reason, ":")
	place, found := strings.CutPrefix(place, "line ")
	before, after, both := strings.Cut(place, ", column ")
	line, err := strconv.Atoi(before)
	column, also := strconv.Atoi(after)
	return line, column, found && both && err == nil && also == nil
}

// shownBefore is how much of a line is shown before the place of an error.
const shownBefore = 40

// marked shows the line of a program that an error is in, with a mark below the place.
func marked(text, reason string) app.UI {
	line, column, ok := placeOf(reason)
	lines := strings.Split(text, "\n")
	if !ok || line < 1 || line > len(lines) || column < 1 {
		return app.Span()
	}
	runes := []rune(strings.ReplaceAll(lines[line-1], "\t", " "))
	at := min(column-1, len(runes))
	from := max(at-shownBefore, 0)
	cut := string(runes[from:min(len(runes), at+shownBefore)])
	return app.Pre().Class("marked").Aria("hidden", true).Body( // the reason says the place in words
		app.Text(cut+"\n"+strings.Repeat(" ", at-from)), app.Strong().Text("^"))
}
