package ui

import (
	"context"
	"strconv"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// streamSettingsView changes and deletes a stream.
type streamSettingsView struct {
	app.Compo
	Page

	stream load[core.Stream]
	// shards is how many the store has.
	shards                       int
	name, description, retention string
	// size and events bound what is kept besides; empty is no bound.
	size, events string
	// hot is for how many days events stay out of the archive; empty is as the server says.
	// It is asked for where there is an archive.
	hot         string
	archive     bool
	typed       string
	asking      bool
	act, remove act
}

// OnMount implements [app.Mounter].
func (v *streamSettingsView) OnMount(ctx app.Context) {
	name := v.Page.stream()
	v.stream.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (core.Stream, error) {
		stream, err := client.Stream(ctx, name)
		v.name, v.description, v.retention = stream.Name, stream.Description, strconv.Itoa(stream.RetentionDays)
		v.size, v.events = "", ""
		if stream.RetentionBytes > 0 {
			v.size = exactBytes(stream.RetentionBytes)
		}
		if stream.RetentionEvents > 0 {
			v.events = count(stream.RetentionEvents)
		}
		if system, err := client.System(ctx); err == nil { // without it, a line is missing
			v.shards = system.Shards
		}
		v.hot = ""
		if stream.HotDays > 0 {
			v.hot = strconv.Itoa(stream.HotDays)
		}
		kept, _ := client.StreamRetention(ctx, name) // without it the archive is not spoken of
		v.archive = kept.ArchiveAfterDays > 0
		return stream, err
	})
}

// Render implements [app.Composer].
func (v *streamSettingsView) Render() app.UI {
	return app.Div().Class("stack").Body(streamHead(v.Page), v.stream.show(v.settings))
}

func (v *streamSettingsView) settings(stream core.Stream) app.UI {
	facts := []app.UI{
		app.Dt().Text("ID"), app.Dd().Body(app.Code().Text(stream.ID.String())),
		app.Dt().Text("Created"), app.Dd().Body(timeText(stream.CreatedAt)),
		app.Dt().Text("Last changed"), app.Dd().Body(timeText(stream.UpdatedAt), app.Textf(", revision %d", stream.Revision)),
	}
	if v.shards > 1 {
		facts = append(facts, app.Dt().Text("Shard"), app.Dd().Text(shardText(stream)))
	}
	fixed := app.Dl().Class("facts").Body(facts...)
	if !v.s.writable(core.ActionWriteStreams) {
		return app.Div().Class("stack").Body(fixed, app.P().Text("Retention: "+boundsText(stream.RetentionDays, stream.RetentionBytes, stream.RetentionEvents)+"."))
	}
	wrong := fieldErrors{err: v.act.err}
	parts := []app.UI{
		fixed,
		form(v.send,
			field("name", "Name", textInput("name", &v.name).Required(true), "Producers and consumers that use the old name stop working. Those that use the ID are not affected.", wrong.of("name")),
			field("description", "Description", textInput("description", &v.description), "", wrong.of("description")),
			field("retention", "Retention (days)", textInput("retention", &v.retention).Attr("inputmode", "numeric"), "", wrong.of("retention_days")),
			field("retention-bytes", "Keep at most this size", textInput("retention-bytes", &v.size).Attr("placeholder", "no bound"),
				"Payload and context of the newest events, such as 500 MB or 20 GB.", wrong.of("retention_bytes")),
			field("retention-events", "Keep at most this many events", textInput("retention-events", &v.events).Attr("inputmode", "numeric").Attr("placeholder", "no bound"),
				"Whichever bound reaches furthest removes, once an hour. Whole periods go: an hour on SQLite, a UTC day on PostgreSQL. So somewhat more is kept, and never less.",
				wrong.of("retention_events")),
			app.If(v.archive, func() app.UI {
				return field("hot-days", "Days until events go into the archive", textInput("hot-days", &v.hot).Attr("inputmode", "numeric").Attr("placeholder", "as the server says"),
					"They can be read there as before, only slower.", wrong.of("hot_days"))
			}),
			wrong.rest(),
			submitButton("Save", v.act.busy)),
		app.Section().Class("panel", "danger").Aria("label", "Delete").Body(
			app.H2().Text("Delete stream"),
			app.P().Text("Producers and consumers stop working immediately. The name can be reused. The events are kept until retention removes them."),
			app.Div().Class("row").Body(dangerButton("Delete stream…", "dead", func(app.Context, app.Event) { v.asking = true }))),
	}
	if v.asking {
		parts = append(parts, v.ask(stream))
	}
	return app.Div().Class("stack", "narrow").Body(parts...)
}

func shardText(stream core.Stream) string {
	text := strconv.Itoa(stream.Shard)
	if stream.Moving != nil {
		text += ", moving to " + strconv.Itoa(stream.Moving.To)
	}
	return text
}

func (v *streamSettingsView) ask(stream core.Stream) app.UI {
	return typedQuestion("stream", stream.Name, "", &v.typed, &v.remove, v.delete, func(app.Context) { v.asking = false })
}

func (v *streamSettingsView) send(ctx app.Context) {
	retention, ok := parseCount(v.retention)
	if !ok {
		v.act.err = core.Invalid("retention_days", "must be a whole number")
		return
	}
	size, ok := parseBytes(v.size)
	if !ok {
		v.act.err = core.Invalid("retention_bytes", "must be a size, such as 500 MB or 20 GB, or empty")
		return
	}
	events, ok := countOrNone(v.events)
	if !ok {
		v.act.err = core.Invalid("retention_events", "must be a whole number, or empty")
		return
	}
	hot, ok := countOrNone(v.hot)
	if !ok {
		v.act.err = core.Invalid("hot_days", "must be a whole number, or empty")
		return
	}
	days, hotDays := int(retention), int(hot)
	stream := v.stream.value
	change := core.StreamChange{
		Name: &v.name, Description: &v.description, RetentionDays: &days, RetentionBytes: &size, RetentionEvents: &events, HotDays: &hotDays,
	}
	v.act.run(ctx, v.s, func(ctx context.Context, client *rest.Client) error {
		_, err := client.ChangeStream(ctx, stream.ID.String(), change, stream.Revision)
		return err
	}, func(ctx app.Context) {
		v.s.say("Settings saved.")
		if v.name != v.Page.stream() {
			ctx.Navigate(address("/streams/{stream}/settings", v.name))
			return
		}
		v.OnMount(ctx)
	})
}

// countOrNone reads a number, and takes an empty text for zero.
func countOrNone(text string) (int64, bool) {
	if strings.TrimSpace(text) == "" {
		return 0, true
	}
	return parseCount(text)
}

func (v *streamSettingsView) delete(ctx app.Context) {
	stream := v.stream.value
	v.remove.run(ctx, v.s, func(ctx context.Context, client *rest.Client) error {
		return client.DeleteStream(ctx, stream.ID.String(), 0)
	}, func(ctx app.Context) {
		v.s.say("Stream " + stream.Name + " deleted.")
		ctx.Navigate("/streams")
	})
}
