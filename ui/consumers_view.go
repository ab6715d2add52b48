package ui

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// consumersView lists the consumer groups of all streams.
type consumersView struct {
	app.Compo
	Page

	list   load[rest.List[core.GroupOverview]]
	pages  pages
	trends trends
}

// OnMount implements [app.Mounter].
func (v *consumersView) OnMount(ctx app.Context) {
	v.fetch(ctx)
	every(ctx, refreshEvery, v.refresh)
}

// refresh fetches again what is shown, where somebody looks.
func (v *consumersView) refresh(ctx app.Context) {
	if !v.list.busy && !hidden() {
		v.fetch(ctx)
	}
}

func (v *consumersView) fetch(ctx app.Context) {
	cursor := v.pages.cursor()
	v.list.fetchKept(ctx, v.s, "groups "+cursor, func(ctx context.Context, client *rest.Client) (rest.List[core.GroupOverview], error) {
		page, err := client.AllGroups(ctx, cursor, 0)
		for _, group := range page.Items {
			v.trends.note(group.ID, group.Status.Lag)
		}
		return page, err
	})
}

// Render implements [app.Composer].
func (v *consumersView) Render() app.UI {
	return app.Div().Class("stack").Body(
		app.Div().Class("head").Body(app.H1().TabIndex(-1).Text("Consumers")),
		v.list.show(func(page rest.List[core.GroupOverview]) app.UI {
			if len(page.Items) == 0 {
				return emptyPanel("No consumer groups yet", "A group gets every event of a stream at least once, and remembers how far it is. Make one on the page of a stream.", "",
					linkButton("Streams", "stream", "/streams"))
			}
			return app.Div().Class("stack").Body(
				groupTable(page.Items, &v.trends, true),
				pager(&v.pages, page.Pagination, v.fetch))
		}))
}

// groupTable lists groups with how far they are behind.
func groupTable(groups []core.GroupOverview, trends *trends, withStream bool) app.UI {
	columns := []column{
		{name: "Group"},
		{name: "Stream", minor: true},
		{name: "Mode", minor: true},
		{name: "Lag", number: true, told: true},
		{name: "Trend", minor: true, unsaid: true},
		{name: "Oldest unread", number: true, told: true},
		{name: "In flight", number: true, minor: true},
		{name: "To be tried again", number: true, minor: true},
		{name: "Dead letters", number: true, told: true},
	}
	if !withStream {
		columns = append(columns[:1:1], columns[2:]...)
	}
	rows := make([]app.UI, len(groups))
	for i, group := range groups {
		cells := []app.UI{
			app.A().Class("name").Href(address("/consumers/{stream}/{group}", group.StreamName, group.Name)).Body(app.Bdi().Text(group.Name)),
			app.Bdi().Text(group.StreamName), app.Text(group.Mode), lagText(group.Status.Lag), sparkline(trends.of[group.ID]),
			app.Text(age(group.Status)), app.Text(count(group.Status.Leased)), app.Text(count(group.Status.Waiting)), app.Text(count(group.Status.DeadLetters)),
		}
		if !withStream {
			cells = append(cells[:1:1], cells[2:]...)
		}
		rows[i] = card(columns, cells...)
	}
	return cards("Consumer groups", columns, rows...)
}

// trends are how the lags of groups went while the page was open.
type trends struct{ of map[core.ID][]int64 }

func (t *trends) note(group core.ID, lag int64) {
	if t.of == nil {
		t.of = map[core.ID][]int64{}
	}
	t.of[group] = append(t.of[group], lag)
	if all := t.of[group]; len(all) > keptReaches {
		t.of[group] = all[len(all)-keptReaches:]
	}
}

// streamConsumersView lists the groups of one stream, and makes them.
type streamConsumersView struct {
	app.Compo
	Page

	list   load[[]core.GroupOverview]
	trends trends
	asking bool
	name   string
	mode   string
	start  string
	act    act
}

// OnMount implements [app.Mounter].
func (v *streamConsumersView) OnMount(ctx app.Context) {
	v.mode, v.start = string(core.Ordered), "start"
	v.fetch(ctx)
	every(ctx, refreshEvery, v.fetch)
}

func (v *streamConsumersView) fetch(ctx app.Context) {
	if v.list.busy || hidden() {
		return
	}
	stream := v.stream()
	v.list.fetchKept(ctx, v.s, "groups of "+stream, func(ctx context.Context, client *rest.Client) (all []core.GroupOverview, err error) {
		groups, err := client.Groups(ctx, stream)
		for _, group := range groups {
			status, failed := client.Lag(ctx, stream, group.ID.String())
			if failed != nil {
				return nil, failed
			}
			v.trends.note(group.ID, status.Lag)
			all = append(all, core.GroupOverview{Group: group, StreamName: stream, Status: status})
		}
		return all, err
	})
}

// Render implements [app.Composer].
func (v *streamConsumersView) Render() app.UI {
	parts := []app.UI{
		streamHead(v.Page, app.If(v.s.writable(core.ActionWriteGroups), func() app.UI {
			return mainButton("New group", "plus", func(app.Context, app.Event) { v.asking = true })
		})),
		v.list.show(func(groups []core.GroupOverview) app.UI {
			if len(groups) == 0 {
				return emptyPanel("No consumer groups yet", "A group gets every event at least once, and remembers how far it is. Make one here, or from a shell:",
					fmt.Sprintf("curl -X POST %s%s \\\n  -H 'X-API-Key: …' -H 'Content-Type: application/json' \\\n  -d '{\"name\":\"billing\"}'", v.s.origin, rest.GroupsPath(v.stream())))
			}
			return groupTable(groups, &v.trends, false)
		}),
	}
	if v.asking {
		parts = append(parts, v.ask())
	}
	return app.Div().Class("stack").Body(parts...)
}

func (v *streamConsumersView) ask() app.UI {
	return &dialog{Title: "New consumer group", Close: func(app.Context) { v.asking = false }, Body: []app.UI{
		form(v.send,
			field("group", "Name", textInput("group", &v.name).Required(true).Placeholder("billing"), "", fieldError(v.act.err, "name")),
			field("mode", "Mode", selectInput("mode", &v.mode, [][2]string{
				{string(core.Ordered), "Ordered: one run at a time, in strict order"},
				{string(core.Shared), "Shared: several consumers side by side"},
			}, nil), "It cannot be changed later.", ""),
			field("start", "Begin with", selectInput("start", &v.start, [][2]string{{"start", "the oldest event that is kept"}, {"end", "what comes from now on"}}, nil), "", ""),
			app.If(v.act.err != nil && len(detailsOf(v.act.err)) == 0, func() app.UI { return actError(v.act.err) }),
			submitButton("Create group", v.act.busy)),
	}}
}

func (v *streamConsumersView) send(ctx app.Context) {
	stream := v.stream()
	spec := core.GroupSpec{Name: v.name, Mode: core.Mode(v.mode), Start: core.Start{End: v.start == "end"}}
	v.act.run(ctx, v.s, func(ctx context.Context, client *rest.Client) error {
		_, err := client.CreateGroup(ctx, stream, spec)
		return err
	}, func(ctx app.Context) {
		v.asking, v.name = false, ""
		v.fetch(ctx)
	})
}

// consumerView is one group: how far it is, how that goes, and a way to set it
// elsewhere.
type consumerView struct {
	app.Compo
	Page

	group   load[rest.GroupWithStatus]
	trend   []int64
	reset   reset
	confirm string
	asking  bool
	remove  act
}

// lagEvery is how often the page of a group asks for its lag.
const lagEvery = 2 * time.Second

// OnMount implements [app.Mounter].
func (v *consumerView) OnMount(ctx app.Context) {
	v.reset.to = "start"
	v.fetch(ctx)
	every(ctx, lagEvery, v.fetch)
}

func (v *consumerView) fetch(ctx app.Context) {
	if v.group.busy || hidden() {
		return
	}
	stream, group := v.stream(), v.Params["group"]
	v.group.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (rest.GroupWithStatus, error) {
		found, err := client.Group(ctx, stream, group)
		if err == nil {
			v.trend = append(v.trend, found.Status.Lag)
			v.trend = v.trend[max(0, len(v.trend)-keptReaches):]
		}
		return found, err
	})
}

// Render implements [app.Composer].
func (v *consumerView) Render() app.UI {
	actions := []app.UI{
		app.H1().TabIndex(-1).Body(app.Bdi().Text(v.Params["group"])),
		app.Span().Class("quiet").Body(app.Text("reads "), app.A().Href(address("/streams/{stream}", v.stream())).Body(app.Bdi().Text(v.stream()))),
	}
	if v.s.writable(core.ActionWriteGroups) && v.group.have() {
		actions = append(actions, button("Set it elsewhere…", "refresh", func(app.Context, app.Event) { v.reset.open = true }),
			dangerButton("Delete…", "dead", func(app.Context, app.Event) { v.asking = true }))
	}
	parts := []app.UI{app.Div().Class("head").Body(actions...), v.group.show(v.content)}
	if v.reset.open {
		parts = append(parts, v.reset.ask(v))
	}
	if v.asking {
		parts = append(parts, v.askDelete())
	}
	return app.Div().Class("stack").Body(parts...)
}

func (v *consumerView) content(group rest.GroupWithStatus) app.UI {
	status := group.Status
	committed := "nothing yet"
	if status.CommittedAt != nil {
		committed = "settled " + ago(*status.CommittedAt, time.Now())
	}
	oldest := "everything is settled"
	if status.Lag > 0 {
		oldest = "oldest unread is " + age(status) + " old"
	}
	parts := []app.UI{
		app.Div().Class("tiles").Body(
			tile("Lag", count(status.Lag), oldest),
			tile("Settled up to", offsetText(status.CommittedOffset), committed),
			tile("In flight", count(status.Leased), "handed out, not settled"),
			tile("To be tried again", count(status.Waiting), "after their backoff"),
			tile("Dead letters", count(status.DeadLetters), "gave up after "+plural(group.MaxAttempts, "attempt")),
		),
		app.Section().Class("panel").Aria("label", "Lag").Body(
			app.Div().Class("head").Body(app.H2().Text("Lag"), app.Span().Class("quiet").Text("every two seconds, since this page was opened")),
			bars("Lag, every two seconds, since this page was opened", v.trend)),
	}
	if status.Missed > 0 {
		parts = append(parts, note("warn", plural(status.Missed, "event")+" were removed by retention before the group settled them."))
	}
	if status.DeadLetters > 0 {
		parts = append(parts, app.Div().Class("row").Body(linkButton("Its dead letters", "dead", "/dead-letters?stream="+queryEscape(v.stream())+"&group="+queryEscape(group.Name))))
	}
	return app.Div().Class("stack").Body(append(parts, groupFacts(group.Group), v.snippet(group.Group))...)
}

func offsetText(offset core.Offset) string {
	if offset < 0 {
		return "–"
	}
	return count(int64(offset))
}

func groupFacts(group core.Group) app.UI {
	facts := [][2]string{
		{"Mode", string(group.Mode)},
		{"Visibility", span(group.Visibility.Duration()) + ", then an event is handed out again"},
		{"Attempts", strconv.Itoa(group.MaxAttempts) + ", then it is a dead letter"},
		{"Backoff", span(group.Backoff.Initial.Duration()) + ", twice as long each time, at most " + span(group.Backoff.Max.Duration())},
		{"Id", group.ID.String()},
	}
	var parts []app.UI
	for _, fact := range facts {
		parts = append(parts, app.Dt().Text(fact[0]), app.Dd().Text(fact[1]))
	}
	return app.Section().Class("panel").Aria("label", "Settings").Body(app.H2().Text("How it delivers"), app.Dl().Class("facts").Body(parts...))
}

func (v *consumerView) snippet(group core.Group) app.UI {
	return app.Section().Class("panel").Aria("label", "Examples").Body(app.H2().Text("Read as this group"),
		&copyBox{Text: fmt.Sprintf("curl '%s%s/events?timeout=30' -H 'X-API-Key: svc_…'", v.s.origin, rest.GroupPath(v.stream(), group.Name))})
}

func (v *consumerView) askDelete() app.UI {
	group := v.group.value.Group
	return &dialog{Title: "Delete " + group.Name + "?", Close: func(app.Context) { v.asking = false }, Body: []app.UI{
		app.P().Text("How far it is and its dead letters are gone then. The stream's events stay."),
		form(func(ctx app.Context) {
			if v.confirm != group.Name {
				return
			}
			stream := v.stream()
			v.remove.run(ctx, v.s, func(ctx context.Context, client *rest.Client) error {
				return client.DeleteGroup(ctx, stream, group.ID.String(), 0)
			}, func(ctx app.Context) { ctx.Navigate(address("/streams/{stream}/consumers", stream)) })
		},
			field("confirm", "Type the group's name to confirm", textInput("confirm", &v.confirm), "", ""),
			actError(v.remove.err),
			app.Button().Class("button", "danger").Type("submit").Disabled(v.confirm != group.Name || v.remove.busy).Text("Delete group")),
	}}
}

// reset sets a group elsewhere, after it has shown what that means.
type reset struct {
	open       bool
	to         string
	offset, at string
	typed      string
	preview    load[core.Offset]
	act        act
}

// ask is the dialog.
func (r *reset) ask(v *consumerView) app.UI {
	group := v.group.value
	parts := []app.UI{
		field("to", "Where to", selectInput("to", &r.to, [][2]string{
			{"start", "the oldest event that is kept"}, {"end", "the end: skip what is there"}, {"offset", "an offset"}, {"time", "a time"},
		}, func(ctx app.Context, _ app.Event) { r.look(ctx, v) }), "", ""),
	}
	switch r.to {
	case "offset":
		parts = append(parts, field("reset-offset", "Offset", textInput("reset-offset", &r.offset).Attr("inputmode", "numeric"), "The next event to be handed out.", fieldError(r.act.err, "to")))
	case "time":
		parts = append(parts, field("reset-at", "Time", app.Input().ID("reset-at").Type("datetime-local").Value(r.at).OnInput(setText(&r.at)), "The first event received then or later.", fieldError(r.act.err, "to")))
	}
	parts = append(parts,
		app.Div().Class("row").Body(button("Show what that means", "search", func(ctx app.Context, _ app.Event) { r.look(ctx, v) })),
		r.meaning(group),
		field("reset-typed", "Type the group's name to confirm", textInput("reset-typed", &r.typed), "", ""),
		actError(r.act.err),
		app.Button().Class("button", "danger").Type("submit").Disabled(r.typed != group.Name || r.act.busy).Text("Set the group there"))
	return &dialog{Title: "Set " + group.Name + " elsewhere", Close: func(app.Context) { r.open = false }, Body: []app.UI{
		app.P().Text("Leases and what waits to be tried again end. Consumers get the events from there on, also those they had before."),
		form(func(ctx app.Context) { r.send(ctx, v) }, parts...),
	}}
}

// start is what was chosen.
func (r *reset) start() (core.Start, error) {
	switch r.to {
	case "end":
		return core.Start{End: true}, nil
	case "offset":
		offset, err := strconv.ParseInt(strings.TrimSpace(r.offset), 10, 64)
		if err != nil || offset < 0 {
			return core.Start{}, core.Invalid("to", "must be a whole number")
		}
		return core.Start{Offset: new(core.Offset(offset))}, nil
	case "time":
		at, err := parseLocal(r.at)
		if err != nil {
			return core.Start{}, core.Invalid("to", "must be a time")
		}
		return core.Start{Time: at}, nil
	}
	return core.Start{}, nil
}

// look finds out at which offset the group would be.
func (r *reset) look(ctx app.Context, v *consumerView) {
	start, err := r.start()
	if r.act.err = err; err != nil {
		if r.offset == "" && r.at == "" {
			r.act.err = nil // nothing was typed yet
		}
		return
	}
	stream := v.stream()
	r.preview.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (core.Offset, error) {
		stats, err := client.StreamStats(ctx, stream)
		switch {
		case err != nil || start.End:
			return stats.NextOffset, err
		case start.Offset != nil:
			return min(max(*start.Offset, stats.FirstOffset), stats.NextOffset), nil
		case start.Time.IsZero():
			return stats.FirstOffset, nil
		}
		page, err := client.EventsPage(ctx, stream, core.EventQuery{From: start.Time, Limit: 1})
		if err != nil || len(page.Items) == 0 {
			return stats.NextOffset, err
		}
		return page.Items[0].Offset, nil
	})
}

// meaning compares before and after.
func (r *reset) meaning(group rest.GroupWithStatus) app.UI {
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

func (r *reset) send(ctx app.Context, v *consumerView) {
	start, err := r.start()
	if r.act.err = err; err != nil || r.typed != v.group.value.Name {
		return
	}
	stream, group := v.stream(), v.group.value.ID.String()
	r.act.run(ctx, v.s, func(ctx context.Context, client *rest.Client) error {
		_, err := client.ResetGroup(ctx, stream, group, start)
		return err
	}, func(ctx app.Context) {
		*r = reset{to: "start"}
		v.fetch(ctx)
	})
}
