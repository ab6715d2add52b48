package ui

import (
	"context"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// groupReset is the dialog that moves a group to another offset. It shows what the
// move means while its user chooses, and moves nothing before that is shown.
type groupReset struct {
	open bool
	// page is where the dialog is, and group what is reset.
	page  Page
	group core.Group
	start start
	// typed is the group's name, by which the user confirms.
	typed string
	// preview may be of another start than the one that is chosen by now: see ready.
	preview load[resetPreview]
	pause   delay
	act     act
}

// resetPreview is what a reset would do.
type resetPreview struct {
	// of is the start that the preview was made for.
	of start
	// next is the offset that the group would read next. first is the stream's first
	// offset, and end the one behind its last. All three are of one look at the
	// stream, with first ≤ next ≤ end.
	next, first, end core.Offset
}

// lag is how many events the group would have to read.
func (p resetPreview) lag() int64 { return int64(p.end - p.next) }

// begin opens the dialog.
func (r *groupReset) begin(ctx app.Context, page Page, group core.Group) {
	*r = groupReset{open: true, page: page, group: group, start: start{kind: startOldest}}
	r.look(ctx)
}

// ready reports whether there is a preview of what is chosen now.
func (r *groupReset) ready() bool {
	return r.preview.have() && r.preview.err == nil && r.preview.value.of == r.start
}

// wrong is the reason why what was typed cannot be read, or "". An empty field is not
// wrong yet.
func (r *groupReset) wrong() string {
	if r.start.empty() {
		return ""
	}
	_, err := r.start.read()
	wrong := fieldErrors{err: err}
	return wrong.of("to")
}

// ask draws the dialog. It calls then after the reset.
func (r *groupReset) ask(status core.GroupStatus, then func(app.Context)) app.UI {
	group, look := r.group, r.look
	parts := []app.UI{
		field("to", "Start from", selectInput("to", &r.start.kind, []choice[startKind]{
			{startOldest, "Oldest event"}, {startEnd, "End of the stream"}, {startOffset, "Offset"}, {startTime, "Time"},
		}, func(ctx app.Context, _ app.Event) { look(ctx) }), "", ""),
	}
	switch r.start.kind {
	case startOffset:
		parts = append(parts, field("reset-offset", "Offset",
			textInput("reset-offset", &r.start.offset).Attr("inputmode", "numeric").OnInput(r.pause.after(&r.start.offset, look), app.EventScope("offset")),
			"The next event that the group will read.", r.wrong()))
	case startTime:
		parts = append(parts, field("reset-at", "Time",
			app.Input().ID("reset-at").Type("datetime-local").Value(r.start.at).OnInput(r.pause.after(&r.start.at, look), app.EventScope("at")),
			"The first event received at this time or later.", r.wrong()))
	}
	wrong := fieldErrors{err: r.act.err}
	parts = append(parts,
		r.meaning(status),
		field("reset-typed", "Type the group name to confirm", textInput("reset-typed", &r.typed), "", ""),
		wrong.rest(),
		app.Button().Class("button", "danger").Type("submit").Disabled(!r.ready() || r.typed != group.Name || r.act.busy).Text("Reset group"))
	return &dialog{Title: "Reset " + group.Name, Close: func(app.Context) { r.open = false }, Body: []app.UI{
		app.P().Text("All leases and pending retries of the group are dropped. It may receive events again that it has already processed."),
		form(func(ctx app.Context) { r.send(ctx, then) }, parts...),
	}}
}

// look makes the preview of what is chosen, unless that cannot be read.
func (r *groupReset) look(ctx app.Context) {
	to, err := r.start.read()
	if err != nil {
		return
	}
	of, stream := r.start, r.page.stream()
	r.preview.fetch(ctx, r.page.s, func(ctx context.Context, client *rest.Client) (resetPreview, error) {
		stats, err := client.StreamStats(ctx, stream)
		if err != nil {
			return resetPreview{}, err
		}
		next, err := offsetOf(ctx, client, stream, to, stats)
		return resetPreview{of, min(max(next, stats.FirstOffset), stats.NextOffset), stats.FirstOffset, stats.NextOffset}, err
	})
}

// offsetOf returns the offset that a start means in a stream.
func offsetOf(ctx context.Context, client *rest.Client, stream string, to core.Start, stats core.StreamStats) (core.Offset, error) {
	switch {
	case to.End:
		return stats.NextOffset, nil
	case to.Offset != nil:
		return *to.Offset, nil
	case to.Time.IsZero():
		return stats.FirstOffset, nil
	}
	page, err := client.EventsPage(ctx, stream, core.EventQuery{From: to.Time, Limit: 1})
	if err != nil || len(page.Items) == 0 {
		return stats.NextOffset, err
	}
	return page.Items[0].Offset, nil
}

// meaning compares the group before and after the reset.
func (r *groupReset) meaning(status core.GroupStatus) app.UI {
	switch {
	case r.preview.err != nil:
		return actError(r.preview.err)
	case r.start.empty() || r.wrong() != "":
		return app.Span()
	case !r.ready():
		return app.P().Class("quiet").Text("Loading preview…")
	}
	preview := r.preview.value
	now := max(status.CommittedOffset+1, preview.first)
	columns := []column{{name: "What", unsaid: true}, {name: "Now", number: true}, {name: "After reset", number: true}}
	return app.Div().Class("stack", "tight").Role("status").Body(
		table("Preview", columns,
			row(columns, app.Text("Next offset"), app.Text(count(int64(now))), app.Text(count(int64(preview.next)))),
			row(columns, app.Text("Lag"), app.Text(count(status.Lag)), app.Text(count(preview.lag())))),
		note("warn", resetWords(now, preview.next)))
}

// resetWords say what happens to the events between two offsets.
func resetWords(now, next core.Offset) string {
	switch {
	case next > now:
		return plural(int64(next-now), "event") + " will be skipped."
	case next < now:
		return plural(int64(now-next), "event") + " will be read again."
	}
	return "No events will be skipped or read again."
}

func (r *groupReset) send(ctx app.Context, then func(app.Context)) {
	to, err := r.start.read()
	if err != nil || !r.ready() || r.typed != r.group.Name {
		return
	}
	stream, group := r.page.stream(), r.group.ID.String()
	r.act.run(ctx, r.page.s, func(ctx context.Context, client *rest.Client) error {
		_, err := client.ResetGroup(ctx, stream, group, to)
		return err
	}, func(ctx app.Context) {
		r.open = false
		r.page.s.say("Group reset.")
		then(ctx)
	})
}
