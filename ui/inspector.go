package ui

import (
	"context"
	"fmt"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// inspector shows one event beside the list, or on a page of its own.
type inspector struct {
	app.Compo
	Page
	Event core.Event
	// Close closes the inspector. It is nil where the inspector is the whole page.
	Close func(app.Context)
	// Filter narrows the list to the events that have a value.
	Filter func(ctx app.Context, name, value string)

	tab   inspectorTab
	trace load[core.EventTrace]
	names load[core.Stream]
	// of is the event that trace and names belong to.
	of core.ID
}

// inspectorTab is a part of the event that the inspector shows, by its label.
type inspectorTab string

// The parts of an event, in the order of their tabs.
const (
	tabPayload    inspectorTab = "Payload"
	tabDetails    inspectorTab = "Details"
	tabDeliveries inspectorTab = "Deliveries"
	tabCurl       inspectorTab = "curl"
)

var inspectorTabs = []inspectorTab{tabPayload, tabDetails, tabDeliveries, tabCurl}

// CompoID implements [app.DismountEnforcer].
func (i *inspector) CompoID() string { return "inspector" }

// OnMount implements [app.Mounter].
func (i *inspector) OnMount(ctx app.Context) { i.follow(ctx) }

// OnUpdate implements [app.Updater].
func (i *inspector) OnUpdate(ctx app.Context) { i.follow(ctx) }

// follow fetches trace and names for the event that is shown now.
func (i *inspector) follow(ctx app.Context) {
	if i.of == i.Event.ID {
		return
	}
	i.of, i.trace, i.names = i.Event.ID, load[core.EventTrace]{}, load[core.Stream]{}
	id, stream := i.Event.ID.String(), i.Event.Stream.String()
	i.trace.fetch(ctx, i.s, func(ctx context.Context, client *rest.Client) (core.EventTrace, error) { return client.Trace(ctx, id) })
	if i.s.may(core.ActionReadStreams) {
		i.names.fetch(ctx, i.s, func(ctx context.Context, client *rest.Client) (core.Stream, error) { return client.Stream(ctx, stream) })
	}
}

// streamName is the name of the event's stream, or its id while the name is not known.
func (i *inspector) streamName() string {
	if i.stream() != "" {
		return i.stream()
	}
	if i.names.have() {
		return i.names.value.Name
	}
	return i.Event.Stream.String()
}

// Render implements [app.Composer].
func (i *inspector) Render() app.UI {
	if i.tab == "" {
		i.tab = tabPayload
	}
	event := &i.Event
	head := []app.UI{app.H2().Body(app.Bdi().Text(event.Type)), app.Span().Class("grow")}
	permalink := address("/streams/{stream}/events/{offset}", i.streamName(), fmt.Sprint(event.Offset))
	if i.Close != nil {
		head = append(head,
			app.A().Class("button", "bare").Href(permalink).Title("Open on its own page").Aria("label", "Permalink").Body(icon("link")),
			iconButton("Close inspector", "close", func(ctx app.Context, _ app.Event) { i.Close(ctx) }))
	}
	var tabs []app.UI
	for _, name := range inspectorTabs {
		tabs = append(tabs, app.Button().Class("tab").Type("button").Aria("pressed", i.tab == name).
			OnClick(func(app.Context, app.Event) { i.tab = name }, app.EventScope(name)).Text(name))
	}
	actions := []app.UI{}
	if i.s.writable(core.ActionIngest) {
		actions = append(actions, linkButton("Send again", "publish", "/publish?stream="+queryEscape(i.streamName())+"&like="+event.ID.String()))
	}
	return app.Aside().Class("inspector").Aria("label", "Event "+count(int64(event.Offset))).Body(
		app.Div().Class("head").Body(head...),
		app.P().Class("quiet").Body(app.Text("Offset "+count(int64(event.Offset))+", received "), timeText(event.ReceivedAt)),
		app.Div().Class("tabs").Role("group").Aria("label", "Parts of the event").Body(tabs...),
		i.part(),
		app.Div().Class("row").Body(actions...),
	)
}

func (i *inspector) part() app.UI {
	switch i.tab {
	case tabDetails:
		return i.details()
	case tabDeliveries:
		return i.trace.show(i.deliveries)
	case tabCurl:
		return i.curl()
	}
	return &jsonBox{Name: "payload", Text: string(i.Event.Payload), Pick: i.Filter}
}

func (i *inspector) details() app.UI {
	event := &i.Event
	facts := [][2]string{
		{"Event ID", event.ID.String()},
		{"Stream", i.streamName()},
		{"Type", fmt.Sprintf("%s, version %d", event.Type, event.Version)},
		{"Received", exact(event.ReceivedAt)},
		{"Occurred", exact(event.OccurredAt)},
		{"Source", event.Source},
		{"Subject", event.Subject},
		{"Idempotency key", event.IdempotencyKey},
	}
	if !event.APIKeyID.IsZero() {
		facts = append(facts, [2]string{"API key", event.APIKeyID.String()})
	}
	var parts []app.UI
	for _, fact := range facts {
		if fact[1] != "" {
			parts = append(parts, app.Dt().Text(fact[0]), app.Dd().Body(app.Bdi().Text(fact[1]), i.pick(fact[0])))
		}
	}
	body := []app.UI{app.Dl().Class("facts").Body(parts...)}
	if len(event.Context) > 0 {
		body = append(body, app.H3().Text("Context"), &jsonBox{Name: "context", Text: string(event.Context)})
	}
	return app.Div().Class("stack", "tight").Body(body...)
}

// pick offers to filter by a fact, if there is a filter for it.
func (i *inspector) pick(fact string) app.UI {
	value, known := map[string]string{"Type": i.Event.Type, "Source": i.Event.Source, "Subject": i.Event.Subject}[fact]
	return app.If(known && i.Filter != nil && pickable(value), func() app.UI {
		return pickButton(strings.ToLower(fact), value, i.Filter)
	})
}

// traceKinds are the kinds of badges of the states that an event has in a group.
var traceKinds = map[core.TraceState]string{
	core.TracePending: "wait", core.TraceLeased: "info", core.TraceWaiting: "warn", core.TraceSettled: "ok",
	core.TraceSkipped: "warn", core.TraceDeadLetter: "bad", core.TraceReplaying: "info",
}

// deliveries lists what each group has done with the event.
func (i *inspector) deliveries(trace core.EventTrace) app.UI {
	if len(trace.Groups) == 0 {
		return emptyPanel("No consumer group reads this stream", "Create one to have every event delivered at least once.", "")
	}
	var parts []app.UI
	for _, group := range trace.Groups {
		line := []app.UI{app.Strong().Body(app.Bdi().Text(group.Name)), traceBadge(group)}
		if group.Processor {
			line = append(line, app.Span().Class("quiet").Text(verdictText(group.Verdict)))
		}
		if !group.DeadLetter.IsZero() {
			line = append(line, app.A().Href(address("/dead-letters/{id}", group.DeadLetter.String())).Text("dead letter"))
		}
		parts = append(parts, app.Li().Body(app.Div().Class("row").Body(line...), attempts(group.Attempts)))
	}
	return app.Ul().Class("timeline").Body(parts...)
}

// verdictText says what a processor makes of the event.
func verdictText(verdict *core.EventVerdict) string {
	text := "processor"
	if verdict != nil {
		text += ": " + string(verdict.Outcome)
		if verdict.AsOfNow {
			text += " by the filter as it is now"
		}
		if verdict.Reason != "" {
			text += ": " + verdict.Reason
		}
	}
	return text
}

// traceBadge says how far a group is with an event, and when that changes.
func traceBadge(group core.GroupTrace) app.UI {
	kind := traceKinds[group.State]
	switch {
	case group.Until != nil && group.State == core.TraceWaiting:
		return timeBadge(kind, "retry", *group.Until)
	case group.Until != nil && group.State == core.TraceLeased:
		return timeBadge(kind, "leased, expires", *group.Until)
	}
	return badge(kind, strings.ReplaceAll(string(group.State), "_", " "))
}

// maxArgument is a length of a command's argument that every shell takes.
const maxArgument = 100 << 10

// curl is a command that sends the event again, without its id and its idempotency
// key, by which it would be a duplicate. An event that is too large for a command
// goes into a file.
func (i *inspector) curl() app.UI {
	to, body := i.s.origin+rest.StreamEventsPath(i.streamName()), eventText(again(i.Event))
	if len(body) <= maxArgument {
		return commandBox(i.s, postCommand(to, body))
	}
	id := i.Event.ID.String()
	return app.Div().Class("stack", "tight").Body(
		note("info", "The event is too large for a command line. Save it as event.json first."),
		commandBox(i.s, postCommand(to, "@event.json")),
		app.Div().Class("row").Body(button("Download event.json", "export", nil).
			OnClick(func(app.Context, app.Event) { download("event.json", rest.TypeJSON, body) }, app.EventScope(id))))
}
