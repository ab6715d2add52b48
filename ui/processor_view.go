package ui

import (
	"context"
	"strconv"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// processorView is the page of one processor: its state, its deliveries, its settings,
// and the dialogs that act on it.
type processorView struct {
	app.Compo
	Page

	processor  load[core.ProcessorOverview]
	deliveries deliveries
	reset      groupReset
	asking     processorQuestion
	typed      string
	grace      string
	since      string
	secret     string
	// act is what the page's buttons do, and answer what a dialog does.
	act, answer act
}

// processorQuestion is the dialog that is open.
type processorQuestion byte

// The dialogs of the page; zero is none.
const (
	askRecover processorQuestion = iota + 1
	askRotate
	askDelete
)

// OnMount implements [app.Mounter].
func (v *processorView) OnMount(ctx app.Context) {
	v.grace = "24h"
	v.deliveries.follow(ctx.Page().URL().Query())
	v.fetch(ctx)
	every(ctx, refreshEvery, func(ctx app.Context) {
		if !v.processor.busy && !v.deliveries.list.busy && !hidden() {
			v.fetch(ctx)
		}
		if v.reset.open && !v.reset.preview.busy {
			v.reset.look(ctx)
		}
	})
}

// OnNav implements [app.Navigator].
func (v *processorView) OnNav(ctx app.Context) {
	if v.here(ctx) && v.deliveries.follow(ctx.Page().URL().Query()) {
		v.deliveries.fetch(ctx, v)
	}
}

func (v *processorView) fetch(ctx app.Context) {
	stream, name := v.stream(), v.Params["processor"]
	v.processor.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (core.ProcessorOverview, error) {
		return client.Processor(ctx, stream, name)
	})
	v.deliveries.fetch(ctx, v)
}

// open opens a dialog.
func (v *processorView) open(question processorQuestion) {
	v.asking, v.answer, v.typed = question, act{}, ""
	v.since = time.Now().Add(-24 * time.Hour).Format("2006-01-02T15:04")
	if since := v.processor.value.FailingSince; since != nil {
		v.since = since.Local().Format("2006-01-02T15:04") // the minute it began in
	}
}

func (v *processorView) close(app.Context) { v.asking = 0 }

// Render implements [app.Composer].
func (v *processorView) Render() app.UI {
	head := []app.UI{
		app.H1().TabIndex(-1).Body(app.Bdi().Text(v.Params["processor"])),
		app.Span().Class("quiet").Body(app.Text("reads "), app.A().Href(address("/streams/{stream}", v.stream())).Body(app.Bdi().Text(v.stream()))),
	}
	if v.processor.have() {
		head = append(head[:1:1], processorBadge(v.processor.value.Processor), head[1])
	}
	if v.s.writable(core.ActionWriteProcessors) && v.processor.have() {
		head = append(head, v.switchButton(), linkButton("Edit", "settings", v.Path+"/edit"))
	}
	parts := []app.UI{app.Div().Class("head").Body(head...), actError(v.act.err), v.processor.show(v.content)}
	switch {
	case v.secret != "":
		parts = append(parts, secretDialog(v.secret, "The receiver needs it to verify signatures.", func(app.Context) { v.secret = "" }))
	case v.reset.open:
		parts = append(parts, v.reset.ask(v.processor.value.Status, v.fetch))
	case v.asking == askRecover:
		parts = append(parts, v.askRecover())
	case v.asking == askRotate:
		parts = append(parts, v.askRotate())
	case v.asking == askDelete:
		parts = append(parts, v.askDelete())
	}
	return app.Div().Class("stack").Body(parts...)
}

// switchButton pauses the processor, or lets it work again.
func (v *processorView) switchButton() app.UI {
	stream, p := v.stream(), v.processor.value
	label, iconName, done := "Resume", "play", "Processor resumed."
	do := (*rest.Client).ResumeProcessor
	if p.State == core.ProcessorRunning {
		label, iconName, done, do = "Pause", "pause", "Processor paused. Its events wait.", (*rest.Client).PauseProcessor
	}
	return button(label, iconName, func(ctx app.Context, _ app.Event) {
		v.act.run(ctx, v.s, func(ctx context.Context, client *rest.Client) error {
			_, err := do(client, ctx, stream, p.ID.String())
			return err
		}, func(ctx app.Context) {
			v.s.say(done)
			v.fetch(ctx)
		})
	}).Disabled(v.act.busy)
}

func (v *processorView) content(p core.ProcessorOverview) app.UI {
	status, day := p.Status, p.LastDay
	committed := []app.UI{app.Text("nothing committed yet")}
	if status.CommittedAt != nil {
		committed = []app.UI{app.Text("last commit "), timeText(*status.CommittedAt)}
	}
	oldest := "up to date"
	if status.Lag > 0 {
		oldest = "oldest waits for " + age(status)
	}
	return app.Div().Class("stack").Body(
		v.stateNote(&p),
		app.Div().Class("tiles").Body(
			tile("Lag", count(status.Lag), oldest),
			tileOf("Committed offset", offsetText(status.CommittedOffset), committed...),
			tile("Success, 24 h", successText(day), count(day.Delivered)+" delivered, "+count(day.Filtered)+" filtered out"),
			tile("Mean latency", meanText(day), plural(day.Failed, "failed attempt")),
			tileOf("Dead letters", count(status.DeadLetters), app.If(status.DeadLetters > 0 && v.s.may(core.ActionReadLetters), func() app.UI {
				return app.A().Href("/dead-letters?stream=" + queryEscape(v.stream()) + "&group=" + queryEscape(p.Name)).Text("View dead letters")
			})),
		),
		v.deliveries.panel(v),
		v.settings(&p))
}

// stateNote says why the processor does not work, or why its deliveries fail.
func (v *processorView) stateNote(p *core.ProcessorOverview) app.UI {
	switch {
	case p.State == core.ProcessorDisabled:
		return note("bad", "Disabled by the server: "+sentence(p.Reason)+" No event is lost. Mend the cause, then resume.")
	case p.State == core.ProcessorPaused:
		return note("info", "Paused. Events wait in the stream until the processor is resumed.")
	case p.FailingSince != nil:
		return app.Div().Class("note", "warn").Body(icon("warn"), app.Span().Body(app.Text("No delivery has succeeded since "), timeText(*p.FailingSince), app.Text(". "+sentence(p.LastError))))
	}
	return app.Span()
}

// settings shows what the processor does and to whom, and the buttons that are pressed
// seldom.
func (v *processorView) settings(p *core.ProcessorOverview) app.UI {
	form := destinationForm{}
	form.fill(p.Destination)
	facts := []app.UI{app.Dt().Text("Destination"), app.Dd().Text(p.Destination.Type)}
	add := func(name, value string) {
		if value != "" {
			facts = append(facts, app.Dt().Text(name), app.Dd().Body(code(value)))
		}
	}
	for _, one := range form.settings() {
		add(one.label, *form.text(one.name))
	}
	add("Other settings", form.more)
	add("Mode", modeText(core.Group{Mode: p.Mode, OrderingKey: p.OrderingKey}))
	add("Ordering key", p.OrderingKey)
	add("Max attempts", strconv.Itoa(p.MaxAttempts))
	add("ID", p.ID.String())
	program := func(name, text, none string) app.UI {
		if text == "" {
			return app.P().Class("quiet").Text(none)
		}
		return app.Div().Class("stack", "tight").Body(app.H3().Text(name), &copyBox{Text: text})
	}
	parts := []app.UI{
		app.H2().Text("Settings"),
		program("Filter", p.Filter, "No filter: every event passes."),
		program("Transform", p.Transform, "No transform: events are sent as they are."),
		app.Dl().Class("facts").Body(facts...),
	}
	if v.s.writable(core.ActionWriteProcessors) {
		parts = append(parts, app.Div().Class("row").Body(
			app.If(v.s.may(core.ActionWriteGroups), func() app.UI {
				return button("Reset offset…", "refresh", func(ctx app.Context, _ app.Event) { v.reset.begin(ctx, v.Page, v.processor.value.Group) })
			}),
			app.If(p.Destination.Type == "webhook", func() app.UI {
				return button("Rotate secret…", "key", func(app.Context, app.Event) { v.open(askRotate) })
			}),
			dangerButton("Delete…", "dead", func(app.Context, app.Event) { v.open(askDelete) })))
	}
	return app.Section().Class("panel").Aria("label", "Settings").Body(parts...)
}

func (v *processorView) askRotate() app.UI {
	stream, id := v.stream(), v.processor.value.ID.String()
	return &dialog{Title: "Rotate the signing secret?", Close: v.close, Body: []app.UI{
		form(func(ctx app.Context) {
			life, _ := time.ParseDuration(v.grace) // it is one of the choices
			v.answer.run(ctx, v.s, func(ctx context.Context, client *rest.Client) error {
				made, err := client.RotateSecret(ctx, stream, id, core.Seconds(life))
				v.secret = made.Secret
				return err
			}, func(ctx app.Context) {
				v.close(ctx)
				v.fetch(ctx)
			})
		},
			field("grace", "Old secret stays valid", selectInput("grace", &v.grace, graceChoices, nil), "Until then every request carries a signature of each secret.", ""),
			actError(v.answer.err),
			submitButton("Rotate", v.answer.busy)),
	}}
}

func (v *processorView) askRecover() app.UI {
	wrong := fieldErrors{err: v.answer.err}
	return &dialog{Title: "Recover dead letters", Close: v.close, Body: []app.UI{
		app.P().Text("All events that became dead letters of this processor since a time are delivered again."),
		form(v.recover,
			field("since", "Since", app.Input().ID("since").Type("datetime-local").Value(v.since).OnInput(setText(&v.since), app.EventScope("since")), "", wrong.of("time")),
			wrong.rest(),
			submitButton("Recover", v.answer.busy)),
	}}
}

func (v *processorView) recover(ctx app.Context) {
	since, err := parseLocal(v.since)
	if err != nil {
		v.answer.err = err
		return
	}
	stream, id := v.stream(), v.processor.value.ID.String()
	var replay core.Replay
	v.answer.run(ctx, v.s, func(ctx context.Context, client *rest.Client) (err error) {
		replay, err = client.Recover(ctx, stream, id, since)
		return err
	}, func(ctx app.Context) {
		v.s.say("Recovering " + plural(replay.Total, "dead letter") + ".")
		v.close(ctx)
		v.fetch(ctx)
	})
}

func (v *processorView) askDelete() app.UI {
	stream, p := v.stream(), v.processor.value
	return typedQuestion("processor", p.Name, "Its position, its dead letters and its list of deliveries are deleted. The events stay in the stream.", &v.typed, &v.answer, func(ctx app.Context) {
		v.answer.run(ctx, v.s, func(ctx context.Context, client *rest.Client) error {
			return client.DeleteProcessor(ctx, stream, p.ID.String(), 0)
		}, func(ctx app.Context) {
			v.s.say("Processor " + p.Name + " deleted.")
			ctx.Navigate(address("/streams/{stream}/processors", stream))
		})
	}, v.close)
}
