package ui

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// eventsView is the event browser, of one stream or of all: one control for
// where to read, one bar to narrow it, and an inspector. All of it is in the
// address.
type eventsView struct {
	app.Compo
	Page

	scope  scope
	filter string
	page   load[rest.List[core.Event]]
	pages  pages
	chart  load[core.Histogram]
	// selected is the event in the inspector, by its id.
	selected string
	tail     tail
	unkeys   func()
	wrong    string
}

// scope says where reading begins.
type scope struct {
	// kind is newest, oldest, offset, time or live.
	kind string
	// from is the offset or the time.
	from string
}

// filterHelp explains the bar.
const filterHelp = "type:order.paid source:shop subject:42 payload.amount:12.5 — words without a name are looked for in what is shown"

// eventPage is how many events a page of the browser has.
const eventPage = 100

// OnMount implements [app.Mounter].
func (v *eventsView) OnMount(ctx app.Context) {
	v.unkeys = onKey(func(e app.Value) {
		if !typing(e) {
			key := e.Get("key").String()
			ctx.Dispatch(func(app.Context) { v.key(key) })
		}
	})
	v.read(ctx)
}

// OnDismount implements [app.Dismounter].
func (v *eventsView) OnDismount() {
	v.tail.stop()
	v.unkeys()
}

// OnNav implements [app.Navigator].
func (v *eventsView) OnNav(ctx app.Context) {
	if ctx.Page().URL().Query().Encode() != v.address().Encode() {
		v.read(ctx)
	}
}

// read takes everything from the address.
func (v *eventsView) read(ctx app.Context) {
	values := ctx.Page().URL().Query()
	v.filter, v.selected = values.Get("q"), values.Get("sel")
	v.scope = scope{kind: "newest"}
	from := values.Get("from")
	_, offsetErr := strconv.ParseInt(from, 10, 64)
	switch {
	case values.Get("live") == "1":
		v.scope.kind = "live"
	case from == "oldest":
		v.scope.kind = "oldest"
	case from != "" && offsetErr == nil:
		v.scope = scope{"offset", from}
	case from != "":
		v.scope = scope{"time", from}
	}
	v.pages = pages{}
	v.fetch(ctx)
}

// address is all of it as parameters.
func (v *eventsView) address() url.Values {
	values := url.Values{}
	set := func(name, value string) {
		if value != "" {
			values.Set(name, value)
		}
	}
	set("q", v.filter)
	set("sel", v.selected)
	switch v.scope.kind {
	case "live":
		set("live", "1")
	case "oldest":
		set("from", "oldest")
	case "offset", "time":
		set("from", v.scope.from)
	}
	return values
}

// fetch shows what the scope and the filter say.
func (v *eventsView) fetch(ctx app.Context) {
	setQuery(v.address().Encode())
	v.tail.stop()
	v.wrong = ""
	narrow := parseFilter(v.filter)
	if err := v.scope.apply(&narrow.query); err != nil {
		v.wrong = sentence(rest.Public(err).Message)
		return
	}
	if v.scope.kind == "live" {
		v.tail.start(v.s, v.stream(), narrow)
		return
	}
	narrow.query.Limit, narrow.query.Cursor = eventPage, v.pages.cursor()
	stream := v.stream()
	v.page.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (rest.List[core.Event], error) {
		page, err := client.EventsPage(ctx, stream, narrow.query)
		page.Items = narrow.words(page.Items)
		return page, err
	})
	v.fetchChart(ctx)
}

func (v *eventsView) fetchChart(ctx app.Context) {
	if v.stream() == "" {
		return
	}
	stream, to := v.stream(), time.Now().Truncate(time.Minute).Add(time.Minute)
	v.chart.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (core.Histogram, error) {
		return client.Histogram(ctx, stream, to.Add(-time.Hour), to, 60)
	})
}

// apply turns the scope into a query.
func (s scope) apply(query *core.EventQuery) error {
	query.Descending = s.kind == "newest"
	switch s.kind {
	case "offset":
		offset, err := strconv.ParseInt(s.from, 10, 64)
		if err != nil || offset < 0 {
			return core.Invalid("offset", "must be a whole number")
		}
		if after := core.Offset(offset - 1); after >= 0 {
			query.After = &after
		}
	case "time":
		at, err := parseLocal(s.from)
		if err != nil {
			return core.Invalid("time", "must be a time")
		}
		query.From = at
	}
	return nil
}

// parseLocal reads a time as browsers' fields and RFC 3339 write it.
func parseLocal(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if at, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return at, nil
		}
	}
	return time.Time{}, core.Invalid("time", "must be a time")
}

// narrowing is what the filter bar says.
type narrowing struct {
	query core.EventQuery
	free  []string
}

// parseFilter reads the filter bar: `name:value` pairs and free words.
func parseFilter(text string) (n narrowing) {
	for _, word := range splitWords(text) {
		name, value, named := strings.Cut(word, ":")
		switch {
		case named && name == "type":
			n.query.Filter.Type = value
		case named && name == "source":
			n.query.Filter.Source = value
		case named && name == "subject":
			n.query.Filter.Subject = value
		case named && strings.HasPrefix(name, rest.PayloadParameter) && value != "":
			n.query.Payload = append(n.query.Payload, core.PayloadMatch{Path: strings.TrimPrefix(name, rest.PayloadParameter), Value: value})
		case word != "":
			n.free = append(n.free, strings.ToLower(word))
		}
	}
	return n
}

// splitWords splits at spaces, but not within quotes, which it takes away.
func splitWords(text string) (words []string) {
	var word strings.Builder
	within := false
	for _, r := range text + " " {
		switch {
		case r == '"':
			within = !within
		case r == ' ' && !within:
			if word.Len() > 0 {
				words = append(words, word.String())
			}
			word.Reset()
		default:
			word.WriteRune(r)
		}
	}
	if word.Len() > 0 {
		words = append(words, strings.TrimSuffix(word.String(), " "))
	}
	return words
}

// words leaves the events that hold every free word.
func (n narrowing) words(events []core.Event) []core.Event {
	if len(n.free) == 0 {
		return events
	}
	var kept []core.Event
	for _, event := range events {
		if n.matches(&event) {
			kept = append(kept, event)
		}
	}
	return kept
}

func (n narrowing) matches(event *core.Event) bool {
	text := strings.ToLower(event.Type + " " + event.Source + " " + event.Subject + " " + event.ID.String() + " " + string(event.Payload))
	for _, word := range n.free {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// events are those that are shown.
func (v *eventsView) events() []core.Event {
	if v.scope.kind == "live" {
		return v.tail.shown()
	}
	return v.page.value.Items
}

// key moves by the keyboard: j and k go through the list, c copies, Escape
// closes the inspector.
func (v *eventsView) key(key string) {
	events := v.events()
	at := -1
	for i := range events {
		if events[i].ID.String() == v.selected {
			at = i
		}
	}
	switch {
	case key == "j" && at+1 < len(events):
		v.choose(events[at+1].ID.String())
	case key == "k" && at > 0:
		v.choose(events[at-1].ID.String())
	case key == "c" && at >= 0:
		copyText(string(events[at].Payload))
	case key == "Escape":
		v.choose("")
	}
}

func (v *eventsView) choose(id string) {
	v.selected = id
	setQuery(v.address().Encode())
}

// Render implements [app.Composer].
func (v *eventsView) Render() app.UI {
	head := app.UI(app.Div().Class("head").Body(app.H1().TabIndex(-1).Text("Events"), app.Span().Class("quiet").Text("of all streams, by the time of receipt")))
	if v.stream() != "" {
		head = streamHead(v.Page, app.If(v.s.may(core.ActionExportEvents), func() app.UI { return exportButtons(v) }))
	}
	body := []app.UI{head, v.controls()}
	if v.wrong != "" {
		body = append(body, note("bad", v.wrong))
	}
	if v.stream() != "" && v.scope.kind != "live" && v.chart.have() {
		body = append(body, app.Div().Class("slim").Body(bars("Events of the last hour, by minute", v.chart.value.Counts)))
	}
	content := app.Div().Class("grow").Body(v.content())
	split := []app.UI{content}
	if selected := v.find(); selected != nil {
		split = append(split, &inspector{Page: v.Page, Event: *selected, Close: func(app.Context) { v.choose("") }})
	}
	return app.Div().Class("stack").Body(append(body, app.Div().Class("split").Body(split...))...)
}

func (v *eventsView) find() *core.Event {
	events := v.events()
	for i := range events {
		if events[i].ID.String() == v.selected {
			return &events[i]
		}
	}
	return nil
}

func (v *eventsView) content() app.UI {
	if v.scope.kind == "live" {
		return v.tail.view(v)
	}
	return v.page.show(func(page rest.List[core.Event]) app.UI {
		if len(page.Items) == 0 && !page.Pagination.HasMore {
			return v.empty()
		}
		return app.Div().Class("stack").Body(
			v.table(page.Items),
			pager(len(v.pages.cursors), page.Pagination.HasMore,
				func(ctx app.Context, _ app.Event) { v.pages.prev(); v.fetch(ctx) },
				func(ctx app.Context, _ app.Event) { v.pages.next(page.Pagination.NextCursor); v.fetch(ctx) }),
		)
	})
}

// empty tells nothing yet from nothing that matches.
func (v *eventsView) empty() app.UI {
	if v.filter != "" || v.scope.kind == "offset" || v.scope.kind == "time" {
		return emptyPanel("Nothing matches", "No event fits the filter and the place to begin.", "",
			button("Clear", "close", func(ctx app.Context, _ app.Event) { v.filter = ""; v.scope = scope{kind: "newest"}; v.fetch(ctx) }))
	}
	stream := v.stream()
	if stream == "" {
		return emptyPanel("No events yet", "Events of all streams show up here.", "", linkButton("Streams", "stream", "/streams"))
	}
	return emptyPanel("No events yet", "Send the first one:",
		"curl -X POST "+v.s.origin+rest.StreamEventsPath(stream)+" \\\n  -H 'X-API-Key: …' -H 'Content-Type: application/json' \\\n  -d '{\"event_type\":\"order.paid\",\"payload\":{\"amount\":12.5}}'",
		linkButton("Publish one here", "publish", "/publish?stream="+queryEscape(stream)))
}

func (v *eventsView) controls() app.UI {
	kinds := [][2]string{{"newest", "Newest first"}, {"oldest", "Oldest first"}}
	if v.stream() != "" {
		kinds = append(kinds, [2]string{"offset", "From an offset"}, [2]string{"time", "From a time"}, [2]string{"live", "Live"})
	}
	parts := []app.UI{
		app.Label().Class("hidden").For("scope").Text("Where to read"),
		selectInput("scope", &v.scope.kind, kinds, v.scoped),
	}
	switch v.scope.kind {
	case "offset":
		parts = append(parts, textInput("from", &v.scope.from).Aria("label", "Offset").Attr("inputmode", "numeric").Placeholder("0"))
	case "time":
		parts = append(parts, app.Input().ID("from").Type("datetime-local").Aria("label", "Time").Value(v.scope.from).OnInput(setText(&v.scope.from)))
	}
	parts = append(parts,
		app.Input().ID("filter").Class("grow").Type("search").Aria("label", "Filter").Title(filterHelp).Placeholder("type:order.paid payload.amount:12.5 …").
			Spellcheck(false).AutoComplete(false).Value(v.filter).OnInput(setText(&v.filter)),
		app.Button().Class("button").Type("submit").Body(icon("search"), app.Span().Text("Show")))
	return app.Form().Class("controls").Role("search").Aria("label", "Events").Body(parts...).OnSubmit(func(ctx app.Context, e app.Event) {
		e.PreventDefault()
		v.pages = pages{}
		v.fetch(ctx)
	})
}

// scoped follows a choice that needs nothing more at once.
func (v *eventsView) scoped(ctx app.Context, _ app.Event) {
	v.scope.from = ""
	if v.scope.kind != "offset" && v.scope.kind != "time" {
		v.pages = pages{}
		v.fetch(ctx)
	}
}

// table lists events; a click opens the inspector.
func (v *eventsView) table(events []core.Event) app.UI {
	columns := []column{{name: "Offset", number: true}, {name: "Received"}, {name: "Type"}, {name: "Source", minor: true}, {name: "Payload", minor: true}}
	rows := make([]app.UI, len(events))
	for i := range events {
		event := &events[i]
		id := event.ID.String()
		line := row(columns,
			app.Button().Class("bare", "offset").Type("button").Aria("label", "Show event "+count(int64(event.Offset))).Text(count(int64(event.Offset))),
			timeText(event.ReceivedAt),
			app.Span().Class("name").Body(app.Bdi().Text(event.Type)),
			app.Bdi().Text(event.Source),
			app.Code().Class("peek").Text(peek(event.Payload)),
		).Class("pick").OnClick(func(app.Context, app.Event) { v.choose(id) }, app.EventScope(id))
		if id == v.selected {
			line = line.Class("chosen").Aria("selected", true)
		}
		rows[i] = line
	}
	return table("Events", columns, rows...)
}

// peek is the beginning of a payload, on one line.
func peek(payload []byte) string {
	const most = 120
	if len(payload) <= most {
		return string(payload)
	}
	return strings.ToValidUTF8(string(payload[:most]), "") + "…"
}

func queryEscape(text string) string { return url.QueryEscape(text) }

// payload reports whether an event's payload is what the bar asks for.
func (n narrowing) payload(event *core.Event) bool {
	for _, match := range n.query.Payload {
		if !match.Matches(event.Payload) {
			return false
		}
	}
	return true
}
