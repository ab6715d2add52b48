package ui

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// streamTabs leads between the pages of a stream.
func streamTabs(p Page) app.UI {
	tabs := []place{
		{"/streams/{stream}", "Overview", "", ""},
		{"/streams/{stream}/events", "Events", "", core.ActionReadEvents},
		{"/streams/{stream}/consumers", "Consumers", "", core.ActionReadGroups},
		{"/streams/{stream}/schema", "Schema", "", ""},
		{"/streams/{stream}/settings", "Settings", "", ""},
	}
	var links []app.UI
	shown, _ := url.PathUnescape(p.Path) // which the page was found by
	for _, tab := range tabs {
		if !p.s.may(tab.action) {
			continue
		}
		link := app.A().Href(address(tab.path, p.stream())).Text(tab.name)
		if shown == strings.Replace(tab.path, "{stream}", p.stream(), 1) {
			link = link.Aria("current", "page")
		}
		links = append(links, link)
	}
	return app.Nav().Class("tabs").Aria("label", "Stream").Body(links...)
}

// streamHead is the title of the pages of a stream.
func streamHead(p Page, actions ...app.UI) app.UI {
	return app.Div().Class("stack", "tight").Body(
		app.Div().Class("head").Body(append([]app.UI{app.H1().TabIndex(-1).Body(app.Bdi().Text(p.stream()))}, actions...)...),
		streamTabs(p),
	)
}

// streamView is a stream at a glance.
type streamView struct {
	app.Compo
	Page

	stream    load[core.Stream]
	stats     load[core.StreamStats]
	histogram load[core.Histogram]
	example   string
}

// OnMount implements [app.Mounter].
func (v *streamView) OnMount(ctx app.Context) {
	name := v.Page.stream()
	v.stream.fetchKept(ctx, v.s, "stream "+name, func(ctx context.Context, client *rest.Client) (core.Stream, error) { return client.Stream(ctx, name) })
	v.fetch(ctx)
	every(ctx, refreshEvery, v.fetch)
}

func (v *streamView) fetch(ctx app.Context) {
	if hidden() || v.stats.busy {
		return
	}
	name := v.Page.stream()
	v.stats.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (core.StreamStats, error) {
		return client.StreamStats(ctx, name)
	})
	if !v.s.may(core.ActionReadEvents) {
		return
	}
	to := time.Now().Truncate(time.Minute).Add(time.Minute)
	v.histogram.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (core.Histogram, error) {
		return client.Histogram(ctx, name, to.Add(-time.Hour), to, 60)
	})
}

// Render implements [app.Composer].
func (v *streamView) Render() app.UI {
	return app.Div().Class("stack").Body(
		streamHead(v.Page, app.If(v.s.writable(core.ActionIngest), func() app.UI {
			return linkButton("Publish", "publish", "/publish?stream="+queryEscape(v.Page.stream())).Class("main")
		})),
		v.stream.show(v.overview),
	)
}

func (v *streamView) overview(stream core.Stream) app.UI {
	stats := v.stats.value
	last := "no event yet"
	if stats.LastReceivedAt != nil {
		last = "last " + ago(*stats.LastReceivedAt, time.Now())
	}
	parts := []app.UI{}
	if stream.Description != "" {
		parts = append(parts, app.P().Body(app.Bdi().Text(stream.Description)))
	}
	parts = append(parts, app.Div().Class("tiles").Body(
		tile("Events kept", count(stats.Events), last),
		tile("Next offset", count(int64(stats.NextOffset)), "of all that were ever stored"),
		tile("Kept for", plural(stream.RetentionDays, "day"), "then removed in whole periods"),
	))
	if v.histogram.have() {
		parts = append(parts, hourChart(v.histogram.value, ""))
	}
	return app.Div().Class("stack").Body(append(parts, v.snippets(stream))...)
}

// hourChart shows how many events came, by minute. more says which, where it is
// not all.
func hourChart(h core.Histogram, more string) app.UI {
	width := h.To.Sub(h.From) / time.Duration(max(len(h.Counts), 1))
	names := make([]app.UI, len(h.Counts))
	var total int64
	for i, n := range h.Counts {
		names[i] = app.Text(h.From.Add(time.Duration(i) * width).Local().Format("15:04"))
		total += n
	}
	return app.Section().Class("panel").Aria("label", "Events by minute").Body(
		app.Div().Class("head").Body(app.H2().Text("The last hour"), app.Span().Class("quiet").Text(strings.TrimSpace(plural(total, "event")+" "+more))),
		bars(fmt.Sprintf("%s in the last hour, by minute", plural(total, "event")), h.Counts),
		app.Div().Class("axis").Body(app.Span().Text(h.From.Local().Format("15:04")), app.Span().Text(h.To.Local().Format("15:04"))),
		chartTable("Events by minute", names, h.Counts),
	)
}

// snippets are ways to send and to read, to be copied.
func (v *streamView) snippets(stream core.Stream) app.UI {
	if v.example == "" {
		v.example = "curl"
	}
	texts := map[string]string{
		"curl": fmt.Sprintf("curl -X POST %s%s \\\n  -H 'X-API-Key: …' -H 'Content-Type: application/json' \\\n  -d '{\"event_type\":\"order.paid\",\"payload\":{\"amount\":12.5}}'",
			v.s.origin, rest.StreamEventsPath(stream.Name)),
		"Go": fmt.Sprintf("client := rest.NewClient(%s, key)\nreceipt, err := client.Publish(ctx, %s, rest.NewEvent{\n\tType:    \"order.paid\",\n\tPayload: json.RawMessage(`{\"amount\":12.5}`),\n})",
			strconv.Quote(v.s.origin), strconv.Quote(stream.Name)),
		"read": fmt.Sprintf("curl '%s%s?order=desc&limit=10' -H 'X-API-Key: …'", v.s.origin, rest.StreamEventsPath(stream.Name)),
	}
	var choices []app.UI
	for _, name := range []string{"curl", "Go", "read"} {
		choices = append(choices, button(name, "", func(app.Context, app.Event) { v.example = name }).Aria("pressed", v.example == name))
	}
	return app.Section().Class("panel").Aria("label", "Examples").Body(
		app.Div().Class("head").Body(app.H2().Text("Use it"), app.Div().Class("row").Body(choices...)),
		&copyBox{Text: texts[v.example]},
	)
}

// schemaView shows and changes what payloads must fit.
type schemaView struct {
	app.Compo
	Page

	stream load[core.Stream]
	text   string
	act    act
	saved  bool
}

// OnMount implements [app.Mounter].
func (v *schemaView) OnMount(ctx app.Context) {
	name := v.Page.stream()
	v.stream.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (core.Stream, error) {
		stream, err := client.Stream(ctx, name)
		v.text = indented(stream.Schema)
		return stream, err
	})
}

// Render implements [app.Composer].
func (v *schemaView) Render() app.UI {
	return app.Div().Class("stack").Body(streamHead(v.Page), v.stream.show(func(stream core.Stream) app.UI {
		if !v.s.writable(core.ActionWriteStreams) {
			if len(stream.Schema) == 0 {
				return emptyPanel("No schema", "Every JSON value is taken as a payload.", "")
			}
			return &copyBox{Text: indented(stream.Schema)}
		}
		hint := "Every payload must fit. Events that are stored already stay as they are."
		if len(stream.Schema) == 0 {
			hint = "Without one, every JSON value is taken as a payload. " + hint
		}
		return form(v.send,
			field("schema", "JSON Schema (2020-12)", textArea("schema", &v.text, 18), hint, fieldError(v.act.err, "schema")),
			app.If(v.act.err != nil && len(detailsOf(v.act.err)) == 0, func() app.UI { return actError(v.act.err) }),
			app.If(v.saved, func() app.UI { return note("ok", "Saved.") }),
			submitButton("Save schema", v.act.busy))
	}))
}

func (v *schemaView) send(ctx app.Context) {
	schema := json.RawMessage(v.text)
	if v.text == "" {
		schema = json.RawMessage("null")
	}
	if v.saved = false; !json.Valid(schema) {
		v.act.err = core.Invalid("schema", "is not JSON")
		return
	}
	stream := v.stream.value
	v.act.run(ctx, v.s, func(ctx context.Context, client *rest.Client) (err error) {
		v.stream.value, err = client.ChangeStream(ctx, stream.ID.String(), core.StreamChange{Schema: schema}, stream.Revision)
		if err != nil {
			v.stream.value = stream
		}
		return err
	}, func(app.Context) { v.saved = true })
}

// indented is JSON for people, or nothing.
func indented(text json.RawMessage) string {
	if len(text) == 0 {
		return ""
	}
	var pretty bytes.Buffer
	if len(text) > maxFolded || json.Indent(&pretty, text, "", "  ") != nil || pretty.Len() > maxShown {
		return string(text)
	}
	return pretty.String()
}

// streamSettingsView changes a stream, and takes it away.
type streamSettingsView struct {
	app.Compo
	Page

	stream                       load[core.Stream]
	name, description, retention string
	typed                        string
	asking                       bool
	act, remove                  act
}

// OnMount implements [app.Mounter].
func (v *streamSettingsView) OnMount(ctx app.Context) {
	name := v.Page.stream()
	v.stream.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (core.Stream, error) {
		stream, err := client.Stream(ctx, name)
		v.name, v.description, v.retention = stream.Name, stream.Description, strconv.Itoa(stream.RetentionDays)
		return stream, err
	})
}

// Render implements [app.Composer].
func (v *streamSettingsView) Render() app.UI {
	return app.Div().Class("stack").Body(streamHead(v.Page), v.stream.show(v.settings))
}

func (v *streamSettingsView) settings(stream core.Stream) app.UI {
	fixed := app.Dl().Class("facts").Body(
		app.Dt().Text("Id"), app.Dd().Body(app.Code().Text(stream.ID.String())),
		app.Dt().Text("Created"), app.Dd().Body(timeText(stream.CreatedAt)),
		app.Dt().Text("Changed"), app.Dd().Body(timeText(stream.UpdatedAt), app.Textf(", revision %d", stream.Revision)),
	)
	if !v.s.writable(core.ActionWriteStreams) {
		return app.Div().Class("stack").Body(fixed, app.P().Text("Kept for "+plural(stream.RetentionDays, "day")+"."))
	}
	parts := []app.UI{
		fixed,
		form(v.send,
			field("name", "Name", textInput("name", &v.name).Required(true), "Producers and consumers that use the old name stop working; those that use the id go on.", fieldError(v.act.err, "name")),
			field("description", "Description", textInput("description", &v.description), "", fieldError(v.act.err, "description")),
			field("retention", "Keep events for, in days", textInput("retention", &v.retention).Attr("inputmode", "numeric"), "", fieldError(v.act.err, "retention_days")),
			app.If(v.act.err != nil && len(detailsOf(v.act.err)) == 0, func() app.UI { return actError(v.act.err) }),
			submitButton("Save", v.act.busy)),
		app.Section().Class("panel", "danger").Aria("label", "Delete").Body(
			app.H2().Text("Delete the stream"),
			app.P().Text("Nothing can be written to it or read from it any more, and its name is free. Its events remain until retention removes them."),
			app.Div().Class("row").Body(dangerButton("Delete stream…", "dead", func(app.Context, app.Event) { v.asking = true }))),
	}
	if v.asking {
		parts = append(parts, v.ask(stream))
	}
	return app.Div().Class("stack", "narrow").Body(parts...)
}

func (v *streamSettingsView) ask(stream core.Stream) app.UI {
	return &dialog{Title: "Delete " + stream.Name + "?", Close: func(app.Context) { v.asking = false }, Body: []app.UI{
		form(v.delete,
			field("typed", "Type the stream's name to confirm", textInput("typed", &v.typed), "", ""),
			actError(v.remove.err),
			app.Button().Class("button", "danger").Type("submit").Disabled(v.typed != stream.Name || v.remove.busy).Text("Delete stream")),
	}}
}

func (v *streamSettingsView) send(ctx app.Context) {
	days, err := strconv.Atoi(v.retention)
	if err != nil {
		v.act.err = core.Invalid("retention_days", "must be a whole number")
		return
	}
	stream := v.stream.value
	change := core.StreamChange{Name: &v.name, Description: &v.description, RetentionDays: &days}
	v.act.run(ctx, v.s, func(ctx context.Context, client *rest.Client) error {
		_, err := client.ChangeStream(ctx, stream.ID.String(), change, stream.Revision)
		return err
	}, func(ctx app.Context) {
		if v.name != v.Page.stream() {
			ctx.Navigate(address("/streams/{stream}/settings", v.name))
			return
		}
		v.OnMount(ctx)
	})
}

func (v *streamSettingsView) delete(ctx app.Context) {
	stream := v.stream.value
	if v.typed != stream.Name {
		return
	}
	v.remove.run(ctx, v.s, func(ctx context.Context, client *rest.Client) error {
		return client.DeleteStream(ctx, stream.ID.String(), 0)
	}, func(ctx app.Context) { ctx.Navigate("/streams") })
}
