package ui

import (
	"context"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// processorEditView makes a processor or, where the address names one, changes it.
type processorEditView struct {
	app.Compo
	Page

	// old is the processor that is changed.
	old                      load[core.ProcessorOverview]
	name, ordering, attempts string
	mode                     core.Mode
	start                    startKind
	trial                    trial
	to                       destinationForm
	// former is the destination as it was read from the form when it was filled.
	former  string
	created core.CreatedProcessor
	act     act
}

// OnMount implements [app.Mounter].
func (v *processorEditView) OnMount(ctx app.Context) {
	v.start, v.to.kind = startEnd, "webhook"
	stream, name := v.stream(), v.Params["processor"]
	if name == "" {
		v.trial.look(ctx, v)
		return
	}
	v.old.fetch(ctx, v.s, func(ctx2 context.Context, client *rest.Client) (core.ProcessorOverview, error) {
		old, err := client.Processor(ctx2, stream, name)
		if err == nil {
			v.s.dispatch(func(app.Context) { v.fill(ctx, old.Processor) })
		}
		return old, err
	})
}

// fill fills the form with the processor that is changed.
func (v *processorEditView) fill(ctx app.Context, old core.Processor) {
	v.name, v.attempts = old.Name, count(old.MaxAttempts)
	v.trial.filter, v.trial.transform = old.Filter, old.Transform
	v.to.fill(old.Destination)
	v.to.fields(&fieldErrors{}) // a select has a value once it is drawn
	former, _ := v.to.read()    // the server has made it
	v.former = string(former)
	v.trial.look(ctx, v)
}

// Render implements [app.Composer].
func (v *processorEditView) Render() app.UI {
	if name := v.Params["processor"]; name != "" {
		return app.Div().Class("stack").Body(app.H1().TabIndex(-1).Body(app.Text("Edit "), app.Bdi().Text(name)),
			v.old.show(func(core.ProcessorOverview) app.UI { return v.form() }), v.once())
	}
	return app.Div().Class("stack").Body(app.H1().TabIndex(-1).Text("New processor"), v.form(), v.once())
}

func (v *processorEditView) form() app.UI {
	wrong := fieldErrors{err: v.act.err, taken: []string{"filter", "transform"}}
	return form(v.send,
		app.Div().Class("narrow").Body(field("name", "Name", textInput("name", &v.name).Required(true).Placeholder("paid-orders"), "", wrong.of("name"))),
		v.trial.panel(v),
		app.Section().Class("panel", "narrow").Aria("label", "Destination").Body(append([]app.UI{app.H2().Text("Destination")}, v.to.fields(&wrong)...)...),
		app.Section().Class("panel", "narrow").Aria("label", "Delivery").Body(append([]app.UI{app.H2().Text("Delivery")}, v.delivery(&wrong)...)...),
		wrong.rest(),
		submitButton(v.verb(), v.act.busy))
}

func (v *processorEditView) verb() string {
	if v.old.have() {
		return "Save changes"
	}
	return "Create processor"
}

// delivery are the fields about how events are delivered.
func (v *processorEditView) delivery(wrong *fieldErrors) []app.UI {
	attempts := field("attempts", "Max attempts", textInput("attempts", &v.attempts).Attr("inputmode", "numeric").Placeholder("5"),
		"Then the event becomes a dead letter.", wrong.of("max_attempts"))
	if v.old.have() {
		return []app.UI{attempts}
	}
	return []app.UI{
		field("mode", "Mode", selectInput("mode", &v.mode, []choice[core.Mode]{
			{"", "As fits the destination"},
			{core.Ordered, "Ordered: in strict order, a failing event holds up the others"},
			{core.Shared, "Shared: in parallel, a failing event waits alone"},
		}, nil), "Cannot be changed later.", wrong.of("mode")),
		app.If(v.mode != core.Ordered, func() app.UI {
			return field("ordering-key", "Ordering key", textInput("ordering-key", &v.ordering).Class("mono").Placeholder("payload.customer.id"),
				"Optional: subject, or a path as in payload.customer.id. Events of one key are delivered in order, one at a time. Cannot be changed later.",
				wrong.of("ordering_key"))
		}),
		field("start", "Start from", selectInput("start", &v.start, []choice[startKind]{{startEnd, "New events only"}, {startOldest, "Oldest event"}}, nil), "", ""),
		attempts,
	}
}

func (v *processorEditView) send(ctx app.Context) {
	to, err := v.to.read()
	attempts, ok := parseCount(v.attempts)
	if err == nil && !ok && strings.TrimSpace(v.attempts) != "" {
		err = core.Invalid("max_attempts", "must be a whole number")
	}
	if err != nil {
		v.act.err = err
		return
	}
	var limit *int
	if ok {
		limit = new(int(attempts))
	}
	save := v.create(core.ProcessorSpec{GroupSpec: core.GroupSpec{Name: v.name, MaxAttempts: limit}, Destination: to})
	if v.old.have() {
		save = v.change(core.ProcessorChange{GroupChange: core.GroupChange{Name: &v.name, MaxAttempts: limit}, Destination: to})
	}
	var made core.CreatedProcessor
	v.act.run(ctx, v.s, func(ctx context.Context, client *rest.Client) (err error) {
		made, err = save(ctx, client)
		return err
	}, func(ctx app.Context) {
		v.s.say("Processor " + made.Name + " saved.")
		if v.created = made; made.Secret == "" {
			v.leave(ctx)
		}
	})
}

// saving is a request that creates or changes a processor.
type saving = func(context.Context, *rest.Client) (core.CreatedProcessor, error)

func (v *processorEditView) create(spec core.ProcessorSpec) saving {
	stream := v.stream()
	spec.Filter, spec.Transform, spec.Mode = v.trial.filter, v.trial.transform, v.mode
	spec.Start = &core.Start{End: v.start == startEnd}
	if v.mode != core.Ordered { // what was written before the mode was changed does not count
		spec.OrderingKey = strings.TrimSpace(v.ordering)
	}
	return func(ctx context.Context, client *rest.Client) (core.CreatedProcessor, error) {
		return client.CreateProcessor(ctx, stream, spec)
	}
}

func (v *processorEditView) change(change core.ProcessorChange) saving {
	stream, old := v.stream(), v.old.value
	filter, transform := v.trial.filter, v.trial.transform
	change.Filter, change.Transform = &filter, &transform
	if string(change.Destination) == v.former { // so that whoever changes the filter alone needs no rights for the destination
		change.Destination = nil
	}
	return func(ctx context.Context, client *rest.Client) (core.CreatedProcessor, error) {
		return client.ChangeProcessor(ctx, stream, old.ID.String(), change, old.Revision)
	}
}

// once shows a secret that the server has made.
func (v *processorEditView) once() app.UI {
	return app.If(v.created.Secret != "", func() app.UI {
		return secretDialog(v.created.Secret, "The receiver needs it to verify signatures.", v.leave)
	})
}

func (v *processorEditView) leave(ctx app.Context) {
	ctx.Navigate(address(processorPath, v.stream(), v.created.Name))
}
