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

// streamView is the overview of a stream.
type streamView struct {
	app.Compo
	Page

	stream    load[core.Stream]
	stats     load[core.StreamStats]
	histogram load[core.Histogram]
	kept      load[core.StreamRetention]
	// event is an example of what the stream takes.
	event   load[rest.NewEvent]
	example string
}

// OnMount implements [app.Mounter].
func (v *streamView) OnMount(ctx app.Context) {
	name := v.Page.stream()
	v.stream.fetchKept(ctx, v.s, keptStream.of(name), func(ctx context.Context, client *rest.Client) (core.Stream, error) { return client.Stream(ctx, name) })
	s := v.s
	v.kept.fetch(ctx, s, func(ctx context.Context, client *rest.Client) (core.StreamRetention, error) {
		return client.StreamRetention(ctx, name)
	})
	v.event.fetch(ctx, s, func(ctx context.Context, client *rest.Client) (rest.NewEvent, error) {
		return exampleFor(ctx, client, s, name)
	})
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
	events, next, last := v.numbers()
	parts := []app.UI{}
	if err := v.stats.err; err != nil && !noAnswer(err) {
		parts = append(parts, errorPanel(err, v.stats.again))
	}
	if stream.Description != "" {
		parts = append(parts, app.P().Body(app.Bdi().Text(stream.Description)))
	}
	parts = append(parts, app.Div().Class("tiles").Body(
		tileOf("Events", events, last...),
		tile("Next offset", next, ""),
		tileOf("Retention", plural(stream.RetentionDays, "day"), v.keptText()...),
	))
	if v.histogram.have() {
		parts = append(parts, hourChart(&v.histogram, ""))
	}
	if v.kept.have() {
		parts = append(parts, archiveNote(v.kept.value), removalNote(v.kept.value))
	}
	return app.Div().Class("stack").Body(append(parts, v.snippets(stream))...)
}

// keptText says how much is kept, and since when.
func (v *streamView) keptText() []app.UI {
	kept := v.kept.value
	if !v.kept.have() || kept.OldestReceivedAt == nil {
		return nil
	}
	return []app.UI{app.Text("about " + byteText(kept.ApproximateBytes) + ", oldest "), timeText(*kept.OldestReceivedAt)}
}

// archiveNote says what of the stream is in the archive, and when events go there.
func archiveNote(kept core.StreamRetention) app.UI {
	if kept.ArchiveAfterDays == 0 {
		return app.Text("")
	}
	text := "Events go into the archive after " + plural(kept.ArchiveAfterDays, "day") + ". "
	if kept.ArchivedEvents == 0 || kept.OldestReceivedAt == nil {
		return app.P().Class("hint").Text(text + "None is there so far.")
	}
	return app.P().Class("hint").Body(app.Text(text+plural(kept.ArchivedEvents, "event")+" up to offset "+count(int64(kept.ArchivedNextOffset)-1)+
		", received "), timeText(*kept.OldestReceivedAt), app.Text(" to "), timeText(*kept.ArchivedUntil), app.Text(", take "+byteText(kept.ArchivedBytes)+" there."))
}

// removalNote says what retention removed last and why.
func removalNote(kept core.StreamRetention) app.UI {
	text := "Kept: " + boundsText(kept.RetentionDays, kept.RetentionBytes, kept.RetentionEvents) + ". "
	last := kept.LastRemoval
	if last == nil {
		return app.P().Class("hint").Text(text + "Nothing has been removed so far.")
	}
	why := map[core.Reason]string{core.ReasonAge: "their age", core.ReasonBytes: "the size of the stream", core.ReasonEvents: "the number of events"}[last.Reason]
	return app.P().Class("hint").Body(app.Text(text+"The last removal took "+plural(last.Events, "event")+", about "+byteText(last.ApproximateBytes)+
		", because of "+why+", "), timeText(last.At), app.Text("."))
}

// numbers are the texts of the tiles, with dashes for what is not known yet.
func (v *streamView) numbers() (events, next string, last []app.UI) {
	stats := v.stats.value
	switch {
	case !v.stats.have():
		return "–", "–", nil
	case stats.LastReceivedAt == nil:
		last = []app.UI{app.Text("no events yet")}
	default:
		last = []app.UI{app.Text("last event "), timeText(*stats.LastReceivedAt)}
	}
	return count(stats.Events), count(int64(stats.NextOffset)), last
}

// snippets are examples of publishing and reading, to be copied.
func (v *streamView) snippets(stream core.Stream) app.UI {
	if v.example == "" {
		v.example = "curl"
	}
	event := v.event.value
	texts := map[string]string{
		"curl": sendCommand(v.s, stream.Name, event),
		"Go": fmt.Sprintf("client := rest.NewClient(%s, os.Getenv(\"KEY\"))\nreceipt, err := client.Publish(ctx, %s, rest.NewEvent{\n\tType:    %s,\n\tPayload: json.RawMessage(%s),\n})",
			strconv.Quote(v.s.origin), strconv.Quote(stream.Name), strconv.Quote(event.Type), goText(string(event.Payload))),
		"read": getCommand(v.s.origin + rest.StreamEventsPath(stream.Name) + "?order=desc&limit=10"),
	}
	var choices []app.UI
	for _, name := range []string{"curl", "Go", "read"} {
		choices = append(choices, button(name, "", func(app.Context, app.Event) { v.example = name }).Aria("pressed", v.example == name))
	}
	return app.Section().Class("panel").Aria("label", "Examples").Body(
		app.Div().Class("head").Body(app.H2().Text("Quick start"), app.Div().Class("row").Body(choices...)),
		v.event.show(func(rest.NewEvent) app.UI { return commandBox(v.s, texts[v.example]) }),
	)
}

// goText writes a text in Go, as people would.
func goText(text string) string {
	if strconv.CanBackquote(text) {
		return "`" + text + "`"
	}
	return strconv.Quote(text)
}
