package ui

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// homeView is a checklist until the first event was consumed, and the state of
// everything from then on.
type homeView struct {
	app.Compo
	Page

	now   load[overall]
	rates rates
	hour  load[core.Histogram]
	took  load[rest.Latency]
}

// overall is what home is about.
type overall struct {
	Streams []core.StreamOverview
	Groups  []core.GroupOverview
	Letters []core.LetterCount
	Keys    int
	Events  []core.Event
}

// OnMount implements [app.Mounter].
func (v *homeView) OnMount(ctx app.Context) {
	v.fetch(ctx)
	every(ctx, refreshEvery, v.fetch)
	every(ctx, time.Minute, v.fetchHour)
}

// charted is how many streams are in the chart: those that hold the most.
const charted = 5

// fetchHour fetches how many events came in the last hour.
func (v *homeView) fetchHour(ctx app.Context) {
	if !v.s.may(core.ActionReadEvents) || hidden() {
		return
	}
	streams := slices.Clone(v.now.value.Streams)
	slices.SortFunc(streams, func(a, b core.StreamOverview) int { return cmp.Compare(b.Stats.Events, a.Stats.Events) })
	streams = streams[:min(len(streams), charted)]
	to := time.Now().Truncate(time.Minute).Add(time.Minute)
	v.hour.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (core.Histogram, error) {
		sum := core.Histogram{From: to.Add(-time.Hour), To: to, Counts: make([]int64, 60)}
		for _, stream := range streams {
			one, err := client.Histogram(ctx, stream.ID.String(), sum.From, sum.To, len(sum.Counts))
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
	v.took.fetch(ctx, s, func(ctx context.Context, client *rest.Client) (rest.Latency, error) { return client.IngestLatency(ctx) })
	v.now.fetchKept(ctx, s, "home", func(ctx context.Context, client *rest.Client) (now overall, err error) {
		steps := []struct {
			action core.Action
			get    func() error
		}{
			{core.ActionReadStreams, func() error {
				page, err := client.StreamOverviews(ctx, core.StreamQuery{Limit: 200})
				now.Streams = page.Items
				return err
			}},
			{core.ActionReadGroups, func() error {
				page, err := client.AllGroups(ctx, "", 200)
				now.Groups = page.Items
				return err
			}},
			{core.ActionReadLetters, func() (err error) {
				now.Letters, err = client.DeadLetterCounts(ctx, core.LetterQuery{})
				return err
			}},
			{core.ActionReadKeys, func() error {
				page, err := client.KeysPage(ctx, core.KindAPIKey, "", 10)
				now.Keys = len(page.Items)
				return err
			}},
			{core.ActionReadEvents, func() error {
				page, err := client.EventsPage(ctx, "", core.EventQuery{Descending: true, Limit: 8})
				now.Events = page.Items
				return err
			}},
		}
		for _, step := range steps {
			if !s.may(step.action) {
				continue
			}
			if err := step.get(); err != nil {
				return now, err
			}
		}
		v.note(now)
		return now, nil
	})
}

// note remembers how far the streams reach, for the rates.
func (v *homeView) note(now overall) {
	var all int64
	for _, stream := range now.Streams {
		v.rates.note(stream.ID, int64(stream.Stats.NextOffset), time.Now())
		all += int64(stream.Stats.NextOffset)
	}
	v.rates.note(core.ID{}, all, time.Now())
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
	if steps := checklist(now); steps != nil {
		parts = append(parts, v.checklist(steps))
	}
	var events, lag, letters int64
	for _, stream := range now.Streams {
		events += stream.Stats.Events
	}
	behind := 0
	for _, group := range now.Groups {
		lag += group.Status.Lag
		if group.Status.Lag > 0 {
			behind++
		}
	}
	for _, count := range now.Letters {
		letters += count.Count
	}
	parts = append(parts,
		app.Div().Class("tiles").Body(
			tile("Events a second", rate(v.rates.perSecond(core.ID{})), "over the last half minute"),
			tile("Ingest p99", v.p99(), "of this server, since it started"),
			tile("Events kept", count(events), "in "+plural(len(now.Streams), "stream")),
			tile("Lag", count(lag), lagWords(len(now.Groups), behind)),
			tile("Dead letters", count(letters), deadWords(letters)),
		),
		hourChart(v.lastHour(), hourWords(len(now.Streams))),
		app.Div().Class("columns").Body(v.lagging(now.Groups), v.latest(now)),
	)
	return app.Div().Class("stack").Body(parts...)
}

// p99 is the time within which all but one of a hundred requests to store were
// answered.
func (v *homeView) p99() string {
	if took := v.took.value.Quantile(0.99); took > 0 {
		return strconv.FormatFloat(float64(took.Microseconds())/1000, 'f', 1, 64) + " ms"
	}
	return "–"
}

// lastHour is the chart, of nothing while it is not known.
func (v *homeView) lastHour() core.Histogram {
	if v.hour.have() {
		return v.hour.value
	}
	to := time.Now().Truncate(time.Minute).Add(time.Minute)
	return core.Histogram{From: to.Add(-time.Hour), To: to, Counts: make([]int64, 60)}
}

func hourWords(streams int) string {
	if streams > charted {
		return "of the five streams that hold the most"
	}
	return ""
}

func lagWords(groups, behind int) string {
	switch {
	case groups == 0:
		return "no consumer group yet"
	case behind == 0:
		return "all groups are up to date"
	}
	return fmt.Sprintf("%d of %s behind", behind, plural(groups, "group"))
}

func deadWords(letters int64) string {
	if letters == 0 {
		return "nothing waits for a decision"
	}
	return "wait for a decision"
}

// lagging lists the groups that are furthest behind.
func (v *homeView) lagging(groups []core.GroupOverview) app.UI {
	columns := []column{{name: "Group"}, {name: "Stream", minor: true}, {name: "Lag", number: true}, {name: "Oldest unread", number: true}}
	var rows []app.UI
	for _, group := range furthest(groups, 6) {
		rows = append(rows, row(columns,
			app.A().Class("name").Href(address("/consumers/{stream}/{group}", group.StreamName, group.Name)).Body(app.Bdi().Text(group.Name)),
			app.Bdi().Text(group.StreamName), lagText(group.Status.Lag), app.Text(age(group.Status))))
	}
	body := table("Groups by lag", columns, rows...)
	if len(rows) == 0 {
		body = app.P().Class("quiet").Text("No consumer group yet.")
	}
	return app.Section().Class("panel").Aria("label", "Consumers").Body(
		app.Div().Class("head").Body(app.H2().Text("Consumers"), app.A().Href("/consumers").Text("All")), body)
}

// furthest returns the groups with the highest lag.
func furthest(groups []core.GroupOverview, most int) []core.GroupOverview {
	sorted := slices.Clone(groups)
	slices.SortStableFunc(sorted, func(a, b core.GroupOverview) int { return cmp.Compare(b.Status.Lag, a.Status.Lag) })
	return sorted[:min(len(sorted), most)]
}

// age is how old the oldest event is that a group has not settled.
func age(status core.GroupStatus) string {
	if status.Lag == 0 {
		return "–"
	}
	return span(time.Duration(status.LagSeconds * float64(time.Second)))
}

// latest lists the newest events.
func (v *homeView) latest(now overall) app.UI {
	names := map[core.ID]string{}
	for _, stream := range now.Streams {
		names[stream.ID] = stream.Name
	}
	columns := []column{{name: "Type"}, {name: "Stream", minor: true}, {name: "Received", number: true}}
	var rows []app.UI
	for i := range now.Events {
		event := &now.Events[i]
		name := names[event.Stream]
		rows = append(rows, row(columns,
			app.A().Class("name").Href(address("/streams/{stream}/events/{offset}", name, fmt.Sprint(event.Offset))).Body(app.Bdi().Text(event.Type)),
			app.Bdi().Text(name), timeText(event.ReceivedAt)))
	}
	body := table("Newest events", columns, rows...)
	if len(rows) == 0 {
		body = app.P().Class("quiet").Text("No event yet.")
	}
	return app.Section().Class("panel").Aria("label", "Events").Body(
		app.Div().Class("head").Body(app.H2().Text("Newest events"), app.A().Href("/events").Text("All")), body)
}

// step is one of the way to the first consumed event.
type step struct {
	done            bool
	what, how, href string
}

// checklist is the way that is left, or nil when it is done.
func checklist(now overall) []step {
	events, consumed := false, false
	first := ""
	for _, stream := range now.Streams {
		events = events || stream.Stats.NextOffset > 0
		if first == "" {
			first = stream.Name
		}
	}
	for _, group := range now.Groups {
		consumed = consumed || group.Status.CommittedAt != nil
	}
	steps := []step{
		{len(now.Streams) > 0, "Create a stream", "It holds your events, in order.", "/streams/new"},
		{now.Keys > 0, "Create an API key", "Your application presents it.", "/settings/api-keys"},
		{events, "Send an event", "With curl, a client, or from here.", "/publish?stream=" + queryEscape(first)},
		{len(now.Groups) > 0, "Create a consumer group", "It gets every event at least once.", address("/streams/{stream}/consumers", first)},
		{consumed, "Consume and acknowledge it", "eventflow try does all of this in a second.", "/consumers"},
	}
	if consumed && events {
		return nil
	}
	return steps
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
