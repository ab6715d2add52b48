package ui

import (
	"context"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// groupReset sets a group elsewhere, after it has shown what that means.
type groupReset struct {
	open    bool
	start   start
	typed   string
	preview load[core.Offset]
	act     act
}

// ask is the dialog.
func (r *groupReset) ask(v *consumerView) app.UI {
	group, wrong := v.group.value, fieldErrors{err: r.act.err}
	parts := []app.UI{
		field("to", "Where to", selectInput("to", &r.start.kind, []choice[startKind]{
			{startOldest, "the oldest event that is kept"}, {startEnd, "the end: skip what is there"}, {startOffset, "an offset"}, {startTime, "a time"},
		}, func(ctx app.Context, _ app.Event) { r.look(ctx, v) }), "", ""),
	}
	switch r.start.kind {
	case startOffset:
		parts = append(parts, field("reset-offset", "Offset", textInput("reset-offset", &r.start.offset).Attr("inputmode", "numeric"), "The next event to be handed out.", wrong.of("to")))
	case startTime:
		parts = append(parts, field("reset-at", "Time", app.Input().ID("reset-at").Type("datetime-local").Value(r.start.at).OnInput(setText(&r.start.at)), "The first event received then or later.", wrong.of("to")))
	}
	parts = append(parts,
		app.Div().Class("row").Body(button("Show what that means", "search", func(ctx app.Context, _ app.Event) { r.look(ctx, v) })),
		r.meaning(group),
		field("reset-typed", "Type the group's name to confirm", textInput("reset-typed", &r.typed), "", ""),
		wrong.rest(),
		app.Button().Class("button", "danger").Type("submit").Disabled(r.typed != group.Name || r.act.busy).Text("Set the group there"))
	return &dialog{Title: "Set " + group.Name + " elsewhere", Close: func(app.Context) { r.open = false }, Body: []app.UI{
		app.P().Text("Leases and what waits to be tried again end. Consumers get the events from there on, also those they had before."),
		form(func(ctx app.Context) { r.send(ctx, v) }, parts...),
	}}
}

// look finds out at which offset the group would be.
func (r *groupReset) look(ctx app.Context, v *consumerView) {
	to, err := r.start.read()
	if r.act.err = err; err != nil {
		if r.start.offset == "" && r.start.at == "" {
			r.act.err = nil // nothing was typed yet
		}
		return
	}
	stream := v.stream()
	r.preview.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (core.Offset, error) {
		stats, err := client.StreamStats(ctx, stream)
		switch {
		case err != nil || to.End:
			return stats.NextOffset, err
		case to.Offset != nil:
			return min(max(*to.Offset, stats.FirstOffset), stats.NextOffset), nil
		case to.Time.IsZero():
			return stats.FirstOffset, nil
		}
		page, err := client.EventsPage(ctx, stream, core.EventQuery{From: to.Time, Limit: 1})
		if err != nil || len(page.Items) == 0 {
			return stats.NextOffset, err
		}
		return page.Items[0].Offset, nil
	})
}

// meaning compares before and after.
func (r *groupReset) meaning(group rest.GroupWithStatus) app.UI {
	if !r.preview.have() {
		return app.Span()
	}
	next, before := r.preview.value, group.Status.CommittedOffset+1
	lag := int64(group.Status.EndOffset - next)
	columns := []column{{name: "What", unsaid: true}, {name: "Now", number: true}, {name: "Then", number: true}}
	words := "No event is skipped or read again."
	switch {
	case next > before:
		words = plural(int64(next-before), "event") + " will be skipped."
	case next < before:
		words = plural(int64(before-next), "event") + " will be read again."
	}
	return app.Div().Class("stack", "tight").Body(
		table("What the change means", columns,
			row(columns, app.Text("Next offset"), app.Text(count(int64(before))), app.Text(count(int64(next)))),
			row(columns, app.Text("Lag"), app.Text(count(group.Status.Lag)), app.Text(count(lag)))),
		note("warn", words))
}

func (r *groupReset) send(ctx app.Context, v *consumerView) {
	to, err := r.start.read()
	if r.act.err = err; err != nil || r.typed != v.group.value.Name {
		return
	}
	stream, group := v.stream(), v.group.value.ID.String()
	r.act.run(ctx, v.s, func(ctx context.Context, client *rest.Client) error {
		_, err := client.ResetGroup(ctx, stream, group, to)
		return err
	}, func(ctx app.Context) {
		*r = groupReset{start: start{kind: startOldest}}
		v.fetch(ctx)
	})
}
