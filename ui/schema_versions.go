package ui

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// schemaVersions lists the versions of the types of a stream, shows what a version
// changes, and registers the next one.
type schemaVersions struct {
	s      *session
	stream string
	list   load[rest.List[core.SchemaVersion]]
	// shown is the version that is looked at, if open.
	shown core.SchemaVersion
	open  bool

	// What is registered or checked.
	adding          bool
	eventType, text string
	mode            core.Compatibility
	act             act
	verdict         *core.SchemaVerdict
}

func (v *schemaVersions) fetch(ctx app.Context) {
	v.list.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (rest.List[core.SchemaVersion], error) {
		return client.SchemasPage(ctx, v.stream, core.SchemaQuery{Limit: core.MaxSchemaVersions})
	})
}

// panel is the section of the page.
func (v *schemaVersions) panel() app.UI {
	parts := []app.UI{app.H2().Text("Types with versions"), v.list.show(v.table)}
	if v.open {
		parts = append(parts, v.version())
	}
	switch {
	case !v.s.writable(core.ActionWriteSchemas):
	case v.adding:
		parts = append(parts, v.form())
	default:
		parts = append(parts, app.Div().Class("row").Body(button("Register a version…", "plus", func(app.Context, app.Event) { v.add("", "") })))
	}
	return app.Section().Class("panel").Aria("label", "Types with versions").Body(parts...)
}

func (v *schemaVersions) table(page rest.List[core.SchemaVersion]) app.UI {
	if len(page.Items) == 0 {
		return app.P().Class("quiet").Text("No type has a schema of its own. An event of a type that has must fit the schema of its event_version.")
	}
	columns := []column{{name: "Type"}, {name: "Version", number: true}, {name: "Compatibility", minor: true}, {name: "Registered", minor: true}, {name: "By", minor: true}}
	rows := make([]app.UI, len(page.Items))
	for i, one := range page.Items {
		rows[i] = card(columns,
			app.Button().Class("bare", "offset").Type("button").Body(named(one.EventType)).
				OnClick(func(app.Context, app.Event) { v.shown, v.open = one, true }, app.EventScope(one.EventType, one.Version)),
			app.Text(count(int64(one.Version))), app.Text(string(one.Compatibility)), timeText(one.CreatedAt), named(one.CreatedBy))
	}
	return cards("Schema versions", columns, rows...)
}

// before returns the version before the one that is shown.
func (v *schemaVersions) before() (former core.SchemaVersion) {
	for _, one := range v.list.value.Items {
		if one.EventType == v.shown.EventType && one.Version < v.shown.Version {
			former = one
		}
	}
	return former
}

// version shows a version, and what it changes.
func (v *schemaVersions) version() app.UI {
	former, title := v.before(), v.shown.EventType+", version "+count(int64(v.shown.Version))
	body := app.UI(&copyBox{Text: indented(v.shown.Schema)})
	if former.Version > 0 {
		title += ", compared with " + count(int64(former.Version))
		body = diff(indented(former.Schema), indented(v.shown.Schema))
	}
	actions := []app.UI{button("Close", "close", func(app.Context, app.Event) { v.open = false })}
	if v.s.writable(core.ActionWriteSchemas) {
		actions = append([]app.UI{button("Next version…", "plus", func(app.Context, app.Event) {
			v.add(v.shown.EventType, indented(v.shown.Schema))
		})}, actions...)
	}
	return app.Div().Class("stack").Body(app.H3().Body(app.Bdi().Text(title)), body, app.Div().Class("row").Body(actions...))
}

// add opens the form.
func (v *schemaVersions) add(eventType, text string) {
	v.adding, v.eventType, v.text, v.mode, v.verdict, v.act = true, eventType, text, "", nil, act{}
}

// modes are the choices of compatibility, the first of which the server chooses.
func modes() []choice[core.Compatibility] {
	all := []choice[core.Compatibility]{{"", "as the version before, or backward"}}
	for _, mode := range core.Compatibilities {
		all = append(all, choice[core.Compatibility]{mode, string(mode)})
	}
	return all
}

func (v *schemaVersions) form() app.UI {
	wrong := fieldErrors{err: v.act.err}
	parts := []app.UI{
		field("event-type", "Event type", textInput("event-type", &v.eventType).Required(true).Placeholder("order.paid"), "", wrong.of("event_type")),
		field("version-schema", "Its next schema", textArea("version-schema", &v.text, 14), "", wrong.of("schema")),
		field("compatibility", "Compatibility", selectInput("compatibility", &v.mode, modes(), nil),
			"Backward: it takes all that the version before takes. Forward: the version before takes all that it takes.", wrong.of("compatibility")),
		wrong.rest(),
	}
	if v.verdict != nil {
		parts = append(parts, verdictOf(v.stream, v.verdict))
	}
	return form(v.register, append(parts, app.Div().Class("row").Body(
		submitButton("Register", v.act.busy),
		button("Check against the last events", "", func(ctx app.Context, _ app.Event) { v.check(ctx) }).Disabled(v.act.busy),
		button("Infer from events", "", func(ctx app.Context, _ app.Event) { v.infer(ctx) }).Disabled(v.act.busy),
		button("Cancel", "", func(app.Context, app.Event) { v.adding = false })))...)
}

// sendable reports whether the text is JSON, and says so where it is not.
func (v *schemaVersions) sendable() bool {
	v.verdict = nil
	if json.Valid([]byte(v.text)) {
		return true
	}
	v.act.err = core.Invalid("schema", "is not valid JSON")
	return false
}

func (v *schemaVersions) chosen() *core.Compatibility {
	if v.mode == "" {
		return nil
	}
	return &v.mode
}

func (v *schemaVersions) register(ctx app.Context) {
	if !v.sendable() {
		return
	}
	spec := core.SchemaSpec{EventType: v.eventType, Schema: json.RawMessage(v.text), Compatibility: v.chosen()}
	v.act.run(ctx, v.s, func(ctx context.Context, client *rest.Client) (err error) {
		v.shown, err = client.RegisterSchema(ctx, v.stream, spec)
		return err
	}, func(ctx app.Context) {
		v.adding, v.open = false, true
		v.s.say("Version " + count(int64(v.shown.Version)) + " registered.")
		v.fetch(ctx)
	})
}

func (v *schemaVersions) check(ctx app.Context) {
	if !v.sendable() {
		return
	}
	trial := core.SchemaTrial{EventType: v.eventType, Schema: json.RawMessage(v.text), Compatibility: v.chosen()}
	v.act.run(ctx, v.s, func(ctx context.Context, client *rest.Client) error {
		verdict, err := client.CheckSchema(ctx, v.stream, trial)
		if err == nil {
			v.verdict = &verdict
		}
		return err
	}, nil)
}

func (v *schemaVersions) infer(ctx app.Context) {
	eventType := v.eventType
	v.act.run(ctx, v.s, func(ctx context.Context, client *rest.Client) error {
		inferred, err := client.InferSchema(ctx, v.stream, core.SchemaSamples{EventType: eventType})
		if err == nil {
			v.text = indented(inferred.Schema)
		}
		return err
	}, nil)
}

// verdictOf shows what a check found.
func verdictOf(stream string, verdict *core.SchemaVerdict) app.UI {
	parts := []app.UI{note("ok", "Compatible: "+string(verdict.Compatibility)+".")}
	if !verdict.Compatible {
		details := make([]core.Detail, len(verdict.Incompatible))
		for i, one := range verdict.Incompatible {
			details[i] = core.Detail{Field: one.Field, Reason: one.Reason}
		}
		parts = []app.UI{note("bad", "Not compatible: "+string(verdict.Compatibility)+"."), app.Div().Body(detailLines(details)...)}
	}
	events := &verdict.Events
	text := count(events.Passed) + " of the last " + count(events.Checked) + " events fit."
	if events.Failed == 0 {
		return app.Div().Class("stack").Body(append(parts, note("ok", text))...)
	}
	columns := []column{{name: "Offset", number: true}, {name: "Reason"}}
	rows := make([]app.UI, len(events.Failures))
	for i, one := range events.Failures {
		offset := int64(one.Offset)
		rows[i] = card(columns, app.A().Href(address("/streams/{stream}/events/{offset}", stream, strconv.FormatInt(offset, 10))).Text(count(offset)),
			app.Div().Body(detailLines(one.Reasons)...))
	}
	return app.Div().Class("stack").Body(append(parts, note("warn", text), cards("Events that do not fit", columns, rows...))...)
}
