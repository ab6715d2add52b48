package ui

import (
	"context"
	"strconv"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// consumerView is the page of one consumer group: its position, its lag over time,
// its settings, and the dialogs that reset and delete it.
type consumerView struct {
	app.Compo
	Page

	group   load[rest.GroupWithStatus]
	trend   []int64
	reset   groupReset
	confirm string
	asking  bool
	remove  act
}

// lagEvery is the time between two looks at the group's lag.
const lagEvery = 2 * time.Second

// OnMount implements [app.Mounter].
func (v *consumerView) OnMount(ctx app.Context) {
	v.fetch(ctx)
	every(ctx, lagEvery, func(ctx app.Context) {
		v.fetch(ctx)
		if v.reset.open && !v.reset.preview.busy {
			v.reset.look(ctx) // events arrive while the user reads the preview
		}
	})
}

func (v *consumerView) fetch(ctx app.Context) {
	if v.group.busy || hidden() {
		return
	}
	stream, group := v.stream(), v.Params["group"]
	v.group.fetchKept(ctx, v.s, keptGroup.of(stream+" "+group), func(ctx context.Context, client *rest.Client) (rest.GroupWithStatus, error) {
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
	if v.s.writable(core.ActionWriteGroups) && v.group.have() && !v.group.value.Processor {
		actions = append(actions, button("Reset offset…", "refresh", func(ctx app.Context, _ app.Event) { v.reset.begin(ctx, v.Page, v.group.value.Group) }),
			dangerButton("Delete…", "dead", func(app.Context, app.Event) { v.asking = true }))
	}
	parts := []app.UI{app.Div().Class("head").Body(actions...), v.group.show(v.content)}
	if v.reset.open {
		parts = append(parts, v.reset.ask(v.group.value.Status, v.fetch))
	}
	if v.asking {
		parts = append(parts, v.askDelete())
	}
	return app.Div().Class("stack").Body(parts...)
}

func (v *consumerView) content(group rest.GroupWithStatus) app.UI {
	status := group.Status
	committed := []app.UI{app.Text("nothing committed yet")}
	if status.CommittedAt != nil {
		committed = []app.UI{app.Text("last commit "), timeText(*status.CommittedAt)}
	}
	behind := ""
	if group.OrderingKey != "" {
		behind = "and behind these by key"
	}
	oldest := "up to date"
	if status.Lag > 0 {
		oldest = "oldest unread " + age(status)
	}
	parts := []app.UI{
		app.If(group.Processor, func() app.UI { return v.processorNote(group.Name) }),
		app.Div().Class("tiles").Body(
			tile("Lag", count(status.Lag), oldest),
			tileOf("Committed offset", offsetText(status.CommittedOffset), committed...),
			tile("In flight", count(status.Leased), "leased"),
			tile("Retrying", count(status.Waiting), behind),
			tile("Dead letters", count(status.DeadLetters), "after "+plural(group.MaxAttempts, "attempt")),
		),
		app.Section().Class("panel").Aria("label", "Lag").Body(
			app.Div().Class("head").Body(app.H2().Text("Lag"), app.Span().Class("quiet").Text("every 2 s since this page was opened")),
			bars("Lag, every 2 s since this page was opened", v.trend)),
	}
	if status.Missed > 0 {
		parts = append(parts, note("warn", plural(status.Missed, "event")+" lost to retention before this group processed them."))
	}
	if status.DeadLetters > 0 {
		parts = append(parts, app.Div().Class("row").Body(linkButton("View dead letters", "dead", "/dead-letters?stream="+queryEscape(v.stream())+"&group="+queryEscape(group.Name))))
	}
	parts = append(parts, groupFacts(group.Group))
	if !group.Processor {
		parts = append(parts, v.snippet(group.Group))
	}
	return app.Div().Class("stack").Body(parts...)
}

// processorNote leads to the processor that the group is for.
func (v *consumerView) processorNote(name string) app.UI {
	return app.Div().Class("note", "info").Body(icon("info"), app.Span().Body(
		app.Text("The server itself reads this group. It is changed, reset and deleted with its processor: "),
		app.A().Href(address(processorPath, v.stream(), name)).Body(app.Bdi().Text(name))))
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
	}
	if group.OrderingKey != "" {
		facts = append(facts, [2]string{"Ordering key", group.OrderingKey + ", whose events come in order, one at a time"})
	}
	facts = append(facts, [][2]string{
		{"Visibility timeout", span(group.Visibility.Duration()) + ", then the event is redelivered"},
		{"Max attempts", strconv.Itoa(group.MaxAttempts) + ", then the event becomes a dead letter"},
		{"Backoff", span(group.Backoff.Initial.Duration()) + ", doubling up to " + span(group.Backoff.Max.Duration())},
		{"ID", group.ID.String()},
	}...)
	var parts []app.UI
	for _, fact := range facts {
		parts = append(parts, app.Dt().Text(fact[0]), app.Dd().Text(fact[1]))
	}
	return app.Section().Class("panel").Aria("label", "Settings").Body(app.H2().Text("Delivery settings"), app.Dl().Class("facts").Body(parts...))
}

func (v *consumerView) snippet(group core.Group) app.UI {
	path := v.s.origin + rest.GroupPath(v.stream(), group.Name)
	return app.Section().Class("panel").Aria("label", "Examples").Body(app.H2().Text("Consume as this group"),
		commandBox(v.s, getCommand(path+"/events?timeout=30")),
		app.P().Text("Then acknowledge everything up to an offset that you have processed:"),
		&copyBox{Text: postCommand(path+"/offsets", `{"offset":0}`)})
}

func (v *consumerView) askDelete() app.UI {
	stream, group := v.stream(), v.group.value.Group
	return typedQuestion("group", group.Name, "Its position and its dead letters are deleted. The events stay in the stream.", &v.confirm, &v.remove, func(ctx app.Context) {
		v.remove.run(ctx, v.s, func(ctx context.Context, client *rest.Client) error {
			return client.DeleteGroup(ctx, stream, group.ID.String(), 0)
		}, func(ctx app.Context) {
			v.s.say("Group " + group.Name + " deleted.")
			ctx.Navigate(address("/streams/{stream}/consumers", stream))
		})
	}, func(app.Context) { v.asking = false })
}
