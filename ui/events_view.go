package ui

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// eventsView is the event browser, of one stream or of all: a control for the scope,
// a filter bar, a histogram, a list and an inspector. The address holds all that the
// user has chosen.
type eventsView struct {
	app.Compo
	Page

	scope  scope
	filter string
	// typed is the text of the bar. It becomes the filter when the form is sent.
	typed string
	help  bool // the help is shown
	// narrow is what the scope and the filter mean. wrong is why they cannot be read,
	// and narrow means nothing then. misplaced says that the scope is what is wrong.
	narrow    narrowing
	wrong     error
	misplaced bool
	page      load[found]
	pages     pages
	further   further
	chart     histogram
	tail      tail
	// selected is the id of the event in the inspector. left is the id of the event
	// that was in it when it was closed, where j and k go on.
	selected, left string
	// sought is the event that the address selects. The list need not hold it: a link may
	// be opened when other events have come.
	sought        load[core.Event]
	unkeys, unsee func()
}

// eventPage is the number of events on a page of the browser.
const eventPage = 100

// OnMount implements [app.Mounter].
func (v *eventsView) OnMount(ctx app.Context) {
	v.unkeys = onKey(func(e app.Value) { v.press(ctx, e) })
	v.unsee = onSight(v.tail.see)
	v.read(ctx)
}

// OnDismount implements [app.Dismounter].
func (v *eventsView) OnDismount() {
	v.tail.stop()
	v.further.stop()
	v.unkeys()
	v.unsee()
}

// OnNav implements [app.Navigator].
func (v *eventsView) OnNav(ctx app.Context) {
	if v.here(ctx) && ctx.Page().URL().Query().Encode() != v.address().Encode() {
		v.readAgain(ctx)
	}
}

// read takes over what the address says.
func (v *eventsView) read(ctx app.Context) {
	values := ctx.Page().URL().Query()
	v.filter, v.selected, v.chart.span = values.Get("q"), values.Get(paramSelected), values.Get("span")
	v.scope, v.typed = readScope(values), v.filter
	v.pages.follow(values)
	v.remember(ctx, false)
	v.show(ctx)
	v.seek(ctx)
}

// readAgain takes over what the address says by now. Where only the selection is
// another, the list stays as it is.
func (v *eventsView) readAgain(ctx app.Context) {
	values, shown := ctx.Page().URL().Query(), v.address()
	selected := values.Get(paramSelected)
	values.Del(paramSelected)
	shown.Del(paramSelected)
	if values.Encode() != shown.Encode() {
		v.read(ctx)
		return
	}
	v.selected = selected
	v.seek(ctx)
}

// paramSelected is the parameter of an address that holds the selected event.
const paramSelected = "sel"

// address returns what the user has chosen as parameters of the address.
func (v *eventsView) address() url.Values {
	values := url.Values{}
	for name, value := range map[string]string{"q": v.filter, paramSelected: v.selected, "span": v.chart.span} {
		if value != "" {
			values.Set(name, value)
		}
	}
	v.scope.write(values)
	v.pages.write(values)
	return values
}

// remember puts what the user has chosen into the address. step says that the
// browser's own button leads back to what was chosen before.
func (v *eventsView) remember(ctx app.Context, step bool) {
	if !v.here(ctx) { // a click may come after the key that has opened another page
		return
	}
	if step {
		pushQuery(ctx, v.address().Encode())
		return
	}
	setQuery(v.address().Encode())
}

// begin shows the first page of what the scope and the filter say.
func (v *eventsView) begin(ctx app.Context) {
	v.pages = pages{}
	v.remember(ctx, true)
	v.show(ctx)
}

// show shows a page of what the scope and the filter say, and the chart above it.
func (v *eventsView) show(ctx app.Context) {
	v.fetch(ctx)
	if v.scope.kind != scopeLive && v.wrong == nil {
		v.chart.fetch(ctx, v)
	}
}

// seek fetches the event that the address selects, unless the list holds it.
func (v *eventsView) seek(ctx app.Context) {
	v.sought = load[core.Event]{}
	if v.selected == "" || v.hold() {
		return
	}
	id, stream := v.selected, v.stream()
	v.sought.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (core.Event, error) {
		if stream == "" {
			trace, err := client.Trace(ctx, id)
			if err != nil {
				return core.Event{}, err
			}
			return client.Event(ctx, trace.Stream.String(), id)
		}
		return client.Event(ctx, stream, id)
	})
}

// fetch shows a page of what the scope and the filter say.
func (v *eventsView) fetch(ctx app.Context) {
	v.tail.stop()
	v.further.stop()
	v.misplaced = false
	if v.narrow, v.wrong = parseFilter(v.filter); v.wrong == nil {
		v.wrong = v.scope.apply(&v.narrow.query)
		v.misplaced = v.wrong != nil
	}
	switch {
	case v.wrong != nil:
		return
	case v.scope.kind == scopeLive:
		v.tail.start(v.s, v.stream(), v.narrow)
		return
	}
	stream, cursor, narrow := v.stream(), v.pages.cursor(), v.narrow
	v.page.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (found, error) {
		return narrow.read(ctx, client, stream, cursor)
	})
	v.page.retryBy(func(ctx app.Context) {
		v.fetch(ctx)
		v.chart.fetch(ctx, v)
	})
}

// pick adds a value to the filter.
func (v *eventsView) pick(ctx app.Context, name, value string) {
	v.typed = withTerm(v.filter, name, value)
	v.submit(ctx)
}

// submit makes the text of the bar the filter.
func (v *eventsView) submit(ctx app.Context) {
	v.filter = v.typed
	v.begin(ctx)
}

// events are the events of the list, in its order.
func (v *eventsView) events() []core.Event {
	if v.scope.kind == scopeLive {
		return v.tail.shown()
	}
	return v.page.value.Items
}

// choose selects an event. Going on from one event to the next is no step of its own:
// the browser's own button leads back to before the first.
func (v *eventsView) choose(ctx app.Context, id string, goesOn bool) {
	v.selected = id
	v.hold()
	v.remember(ctx, !goesOn)
}

// hold keeps the selected event where the list holds it: it stays in the inspector when
// the list goes on. It reports whether the list does.
func (v *eventsView) hold() bool {
	listed := v.listed()
	if listed != nil {
		v.sought = load[core.Event]{value: *listed, at: time.Now()}
	}
	return listed != nil
}

// Render implements [app.Composer].
func (v *eventsView) Render() app.UI {
	head := app.UI(app.Div().Class("head").Body(app.H1().TabIndex(-1).Text("Events"), app.Span().Class("quiet").Text("all streams, by time received")))
	if v.stream() != "" {
		head = streamHead(v.Page, app.If(v.s.may(core.ActionExportEvents), func() app.UI { return exportButtons(v) }))
	}
	body := []app.UI{head, v.controls()}
	if v.help {
		body = append(body, filterHelp())
	}
	if v.wrong != nil {
		body = append(body, app.Div().ID("filter-wrong").Role("alert").Body(note("bad", sentence(rest.Public(v.wrong).Message))))
	}
	if v.wrong != nil { // what was read before answers another question
		return app.Div().Class("stack").Body(body...)
	}
	if v.stream() != "" && v.scope.kind != scopeLive {
		body = append(body, v.chart.view(v))
	}
	if missing := v.missing(); missing != nil {
		body = append(body, missing)
	}
	content := app.Div().Class("grow").Body(v.content())
	split := []app.UI{content}
	if selected := v.find(); selected != nil {
		split = append(split, &inspector{Page: v.Page, Event: *selected, Close: v.close, Filter: v.pick})
	}
	return app.Div().Class("stack").Body(append(body, app.Div().Class("split").Body(split...))...)
}

// missing says that the list does not hold the event that the address selects, or nil.
func (v *eventsView) missing() app.UI {
	switch {
	case v.selected == "" || v.listed() != nil:
		return nil
	case core.CodeOf(v.sought.err) == core.CodeNotFound:
		return note("warn", "The selected event no longer exists. Retention may have removed it.")
	case v.sought.err != nil:
		return actError(v.sought.err)
	case v.sought.have():
		return note("info", "The selected event is not on this page of the list.")
	}
	return nil
}

// find is the selected event, or nil.
func (v *eventsView) find() *core.Event {
	if listed := v.listed(); listed != nil {
		return listed
	}
	if v.sought.have() && v.sought.value.ID.String() == v.selected {
		return &v.sought.value
	}
	return nil
}

// listed is the selected event where the list holds it, or nil.
func (v *eventsView) listed() *core.Event {
	events := v.events()
	for i := range events {
		if events[i].ID.String() == v.selected {
			return &events[i]
		}
	}
	return nil
}

func (v *eventsView) content() app.UI {
	if v.scope.kind == scopeLive {
		return v.tail.view(v)
	}
	return v.page.show(func(page found) app.UI {
		lacks := app.Text("")
		if page.Missing != nil {
			lacks = missingNote(page.Missing)
		} else if page.looked+page.passed+len(v.pages.cursors) == 0 && !page.Pagination.HasMore {
			return v.empty()
		}
		return app.Div().Class("stack").Body(
			lacks,
			v.further.view(v, page),
			app.If(len(page.Items) > 0, func() app.UI { return v.table(page.Items) }),
			pager(&v.pages, page.Pagination, v.fetch),
		)
	})
}

// empty says whether there is no event yet, or none that matches.
func (v *eventsView) empty() app.UI {
	if v.filter != "" || v.scope.kind.placed() {
		return emptyPanel("Nothing matches", "No events match this filter and starting point.", "",
			button("Clear", "close", func(ctx app.Context, _ app.Event) { v.typed = ""; v.scope = scope{kind: scopeNewest}; v.submit(ctx) }))
	}
	stream := v.stream()
	if stream == "" {
		return emptyPanel("No events yet", "Events of all streams appear here.", "", linkButton("Streams", "stream", "/streams"))
	}
	return emptyWith("No events yet", "Send the first one:", &sendExample{Page: v.Page, Stream: stream},
		linkButton("Publish an event", "publish", "/publish?stream="+queryEscape(stream)))
}

func (v *eventsView) controls() app.UI {
	kinds := []choice[scopeKind]{{scopeNewest, "Newest first"}, {scopeOldest, "Oldest first"}}
	if v.stream() != "" {
		kinds = append(kinds, []choice[scopeKind]{{scopeOffset, "From offset"}, {scopeTime, "From time"}, {scopeLive, "Live"}}...)
	}
	blamed := func(input app.HTMLInput, wrong bool) app.UI {
		if wrong {
			return input.Aria("invalid", true).Aria("describedby", "filter-wrong")
		}
		return input
	}
	parts := []app.UI{
		app.Label().Class("hidden").For("scope").Text("Start from"),
		selectInput("scope", &v.scope.kind, kinds, v.scoped),
	}
	switch v.scope.kind {
	case scopeOffset:
		parts = append(parts, blamed(textInput("from", &v.scope.from).Aria("label", "Offset").Attr("inputmode", "numeric").Placeholder("0"), v.misplaced))
	case scopeTime:
		parts = append(parts, blamed(app.Input().ID("from").Type("datetime-local").Attr("step", "any").Aria("label", "Time").
			Value(fieldTime(v.scope.from)).OnInput(setText(&v.scope.from)), v.misplaced))
	}
	filter := app.Input().ID("filter").Class("grow").Type("search").Aria("label", "Filter").Placeholder("type:order.paid payload.amount:12.5 …").
		Spellcheck(false).AutoComplete(false).Value(inputValue(v.typed)).OnInput(setText(&v.typed))
	parts = append(parts, blamed(filter, v.wrong != nil && !v.misplaced),
		app.Button().Class("button").Type("submit").Body(icon("search"), app.Span().Text("Apply")),
		iconButton("Filter help and shortcuts (?)", "help", func(app.Context, app.Event) { v.help = !v.help }).Aria("expanded", v.help))
	return app.Form().Class("controls").Role("search").Aria("label", "Events").Body(parts...).OnSubmit(func(ctx app.Context, e app.Event) {
		e.PreventDefault()
		v.submit(ctx)
	})
}

// scoped follows the choice of a scope, unless an offset or a time must be typed
// first.
func (v *eventsView) scoped(ctx app.Context, _ app.Event) {
	v.scope.from = ""
	if !v.scope.kind.placed() {
		v.begin(ctx)
	}
}

// table lists events. A click opens the inspector. Where the events are of all
// streams, a column names the stream.
func (v *eventsView) table(events []core.Event) app.UI {
	columns := []column{{name: "Offset", number: true}, {name: "Received"}, {name: "Type"}, {name: "Source", minor: true}, {name: "Payload", minor: true}}
	if v.stream() == "" {
		columns = slices.Insert(columns, 0, column{name: "Stream"})
	}
	rows := make([]app.UI, len(events))
	for i := range events {
		event := &events[i]
		id := event.ID.String()
		cells := []app.UI{
			app.Button().Class("bare", "offset").Type("button").Aria("label", "Show event "+count(int64(event.Offset))).Text(count(int64(event.Offset))),
			timeText(event.ReceivedAt),
			app.Span().Class("name").Body(named(event.Type)),
			named(event.Source),
			app.Code().Class("peek").Text(peek(event.Payload)),
		}
		if v.stream() == "" {
			cells = slices.Insert(cells, 0, app.UI(named(v.page.value.Streams[event.Stream])))
		}
		line := row(columns, cells...).Class("pick").OnClick(func(ctx app.Context, _ app.Event) { v.choose(ctx, id, false) }, app.EventScope(id))
		if id == v.selected {
			line = line.Class("chosen").Aria("selected", true)
		}
		rows[i] = line
	}
	return table("Events", columns, rows...)
}

// peek is the beginning of a payload.
func peek(payload []byte) string {
	const most = 120
	if len(payload) <= most {
		return string(payload)
	}
	return strings.ToValidUTF8(string(payload[:most]), "") + "…"
}
