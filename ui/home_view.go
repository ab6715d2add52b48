package ui

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// homeView shows the state of everything and, until the first event was consumed, the
// steps that are left.
type homeView struct {
	app.Compo
	Page

	now    load[overall]
	rates  rates
	hour   load[core.Histogram]
	server load[rest.System]
}

// OnMount implements [app.Mounter].
func (v *homeView) OnMount(ctx app.Context) {
	v.fetch(ctx)
	every(ctx, refreshEvery, v.fetch)
	every(ctx, time.Minute, v.fetchHour)
}

// fetchHour counts the events of the last hour in the busiest streams.
func (v *homeView) fetchHour(ctx app.Context) {
	if !v.s.may(core.ActionReadEvents) || hidden() {
		return
	}
	streams := v.now.value.Sum.Busiest
	to := time.Now().Truncate(time.Minute).Add(time.Minute)
	v.hour.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (core.Histogram, error) {
		sum := core.Histogram{From: to.Add(-time.Hour), To: to, Counts: make([]int64, 60)}
		for _, stream := range streams {
			one, err := client.Histogram(ctx, stream.ID.String(), sum.From, sum.To, len(sum.Counts))
			if core.CodeOf(err) == core.CodeUnavailable {
				continue // its shard went away since, which the page says
			}
			if err != nil {
				return sum, err
			}
			for i, n := range one.Counts {
				sum.Counts[i] += n
			}
		}
		return sum, nil
	})
}

func (v *homeView) fetch(ctx app.Context) {
	if v.now.busy || hidden() {
		return
	}
	s := v.s
	v.server.fetch(ctx, s, func(ctx context.Context, client *rest.Client) (rest.System, error) { return client.System(ctx) })
	v.now.fetchKept(ctx, s, keptHome, v.all)
}

// Render implements [app.Composer].
func (v *homeView) Render() app.UI {
	return app.Div().Class("stack").Body(
		app.Div().Class("head").Body(app.H1().TabIndex(-1).Text(v.title())),
		v.now.show(v.content),
	)
}

func (v *homeView) title() string {
	if name := v.s.me.Organization.Name; name != "" && name != core.FirstOrganizationName {
		return name
	}
	return "Home"
}

func (v *homeView) content(now overall) app.UI {
	parts := []app.UI{}
	if !v.hour.have() && !v.hour.busy && v.hour.err == nil && !v.now.kept {
		v.s.dispatch(v.fetchHour)
	}
	if now.Missing != nil {
		parts = append(parts, missingNote(now.Missing))
	} else if steps := checklist(now); steps != nil {
		parts = append(parts, v.checklist(steps))
	}
	sum := now.Sum
	if n := sum.FailingProcessors; n > 0 {
		parts = append(parts, app.A().Class("note", "bad").Href("/processors").Text(plural(n, "processor")+" failing"))
	}
	parts = append(parts,
		app.Div().Class("tiles").Body(
			tile("Events per second", v.rates.text(core.ID{}), "last 30 s"),
			tile("Ingest p99", v.p99(), "since server start"),
			tile("Events", count(sum.Events), "in "+plural(sum.Streams, "stream")),
			tile("Lag", count(sum.Lag), lagWords(sum.Groups, sum.Behind)),
			tile("Dead letters", count(sum.DeadLetters), deadWords(sum.DeadLetters)),
		),
		hourChart(&v.hour, hourWords(sum)),
		app.Div().Class("columns").Body(v.lagging(now), v.latest(now)),
	)
	return app.Div().Class("stack").Body(parts...)
}

// p99 is the time within which 99 of 100 requests that store events were answered.
func (v *homeView) p99() string {
	if took := v.server.value.IngestP99; took > 0 {
		return strconv.FormatFloat(took, 'f', 1, 64) + " ms"
	}
	return "–"
}

func hourWords(sum core.Summary) string {
	if int64(len(sum.Busiest)) < sum.Streams && len(sum.Busiest) > 0 {
		if len(sum.Busiest) == 1 {
			return "in the busiest stream"
		}
		return "in the busiest " + plural(len(sum.Busiest), "stream")
	}
	return ""
}

func lagWords(groups, behind int64) string {
	switch {
	case groups == 0:
		return "no consumer groups yet"
	case behind == 0:
		return "all groups are up to date"
	}
	return count(behind) + " of " + plural(groups, "group") + " behind"
}

func deadWords(letters int64) string {
	if letters == 0 {
		return "none"
	}
	return "need attention"
}

// lagging lists the groups that are furthest behind.
func (v *homeView) lagging(now overall) app.UI {
	columns := []column{{name: "Group"}, {name: "Stream", minor: true}, {name: "Lag", number: true}, {name: "Oldest unread", number: true}}
	var rows []app.UI
	for _, group := range now.Sum.Furthest {
		rows = append(rows, row(columns,
			app.A().Class("name").Href(address("/consumers/{stream}/{group}", group.StreamName, group.Name)).Body(named(group.Name)),
			named(group.StreamName), groupLag(group), app.Text(age(group.Status))))
	}
	body := table("Groups by lag", columns, rows...)
	if len(rows) == 0 {
		body = none(now, "No consumer groups yet.")
	}
	return app.Section().Class("panel").Aria("label", "Consumers").Body(
		app.Div().Class("head").Body(app.H2().Text("Consumers"), app.A().Href("/consumers").Text("All")), body)
}

// none says why there is nothing to list.
func none(now overall, text string) app.UI {
	if now.Missing != nil {
		text = "None that can be read now."
	}
	return app.P().Class("quiet").Text(text)
}

// latest lists the newest events.
func (v *homeView) latest(now overall) app.UI {
	columns := []column{{name: "Type"}, {name: "Stream", minor: true}, {name: "Received", number: true}}
	var rows []app.UI
	for i := range now.Events {
		event := &now.Events[i]
		name := now.Names[event.Stream]
		rows = append(rows, row(columns,
			app.A().Class("name").Href(address("/streams/{stream}/events/{offset}", name, fmt.Sprint(event.Offset))).Body(named(event.Type)),
			named(name), timeText(event.ReceivedAt)))
	}
	body := table("Newest events", columns, rows...)
	if len(rows) == 0 {
		body = none(now, "No events yet.")
	}
	return app.Section().Class("panel").Aria("label", "Events").Body(
		app.Div().Class("head").Body(app.H2().Text("Newest events"), app.A().Href("/events").Text("All")), body)
}

func (v *homeView) checklist(steps []step) app.UI {
	var items []app.UI
	done := 0
	for _, step := range steps {
		state := badge("wait", "to do")
		if step.done {
			state = badge("ok", "done")
			done++
		}
		items = append(items, app.Li().Body(state, app.Div().Body(app.A().Href(step.href).Text(step.what), app.P().Class("quiet").Text(step.how))))
	}
	return app.Section().Class("panel").Aria("label", "First steps").Body(
		app.Div().Class("head").Body(app.H2().Text("First steps"), app.Span().Class("quiet").Textf("%d of %d", done, len(steps))),
		app.Ol().Class("checklist").Body(items...))
}
