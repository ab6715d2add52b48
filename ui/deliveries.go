package ui

import (
	"context"
	"net/url"
	"strconv"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// testEventType is the type of the events that a test sends. No stream has them.
const testEventType = "eventflow.test"

// deliveries are the attempts of a processor to send events, newest first.
type deliveries struct {
	outcome core.DeliveryOutcome
	list    load[rest.List[core.DeliveryAttempt]]
	pages   pages
	resend  act
}

// follow goes where the address says, and reports whether that is somewhere else.
func (d *deliveries) follow(values url.Values) bool {
	outcome := core.DeliveryOutcome(values.Get("outcome"))
	changed := outcome != d.outcome
	d.outcome = outcome
	return d.pages.follow(values) || changed
}

func (d *deliveries) fetch(ctx app.Context, v *processorView) {
	stream, name, outcome, cursor := v.stream(), v.Params["processor"], d.outcome, d.pages.cursor()
	if !v.s.may(core.ActionReadDeliveries) {
		return
	}
	d.list.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (rest.List[core.DeliveryAttempt], error) {
		return client.Deliveries(ctx, stream, name, outcome, cursor, 25)
	})
}

// panel shows the attempts, with the buttons that send.
func (d *deliveries) panel(v *processorView) app.UI {
	if !v.s.may(core.ActionReadDeliveries) {
		return app.Span()
	}
	head := []app.UI{
		app.H2().Text("Deliveries"),
		selectInput("outcome", &d.outcome, []choice[core.DeliveryOutcome]{
			{"", "All outcomes"}, {core.Delivered, "Delivered"}, {core.Retrying, "Retrying"}, {core.Dead, "Dead"},
		}, func(ctx app.Context, _ app.Event) {
			d.pages = pages{}
			values := url.Values{}
			if d.outcome != "" {
				values.Set("outcome", string(d.outcome))
			}
			pushQuery(ctx, values.Encode())
			d.fetch(ctx, v)
		}).Aria("label", "Outcome"),
	}
	if v.s.writable(core.ActionWriteProcessors) {
		head = append(head, button("Send test event", "publish", func(ctx app.Context, _ app.Event) { d.test(ctx, v) }).Disabled(d.resend.busy),
			button("Recover…", "refresh", func(app.Context, app.Event) { v.open(askRecover) }))
	}
	return app.Section().Class("panel").Aria("label", "Deliveries").Body(
		app.Div().Class("head").Body(head...), actError(d.resend.err),
		d.list.show(func(page rest.List[core.DeliveryAttempt]) app.UI {
			if len(page.Items) == 0 {
				return app.P().Class("quiet").Text("No deliveries with this outcome yet. Every failure is listed for 30 days, and of a busy processor a sample of the successes.")
			}
			return app.Div().Class("stack").Body(pager(&d.pages, page.Pagination, func(ctx app.Context) { d.fetch(ctx, v) }), d.table(page.Items, v))
		}))
}

func (d *deliveries) table(all []core.DeliveryAttempt, v *processorView) app.UI {
	columns := []column{
		{name: "Event"},
		{name: "Outcome"},
		{name: "Attempt", number: true, minor: true, told: true},
		{name: "Latency", number: true, minor: true, told: true},
		{name: "Status", number: true, minor: true},
		{name: "Error and response"},
		{name: "Time"},
		{name: "Actions", number: true, unsaid: true},
	}
	rows := make([]app.UI, len(all))
	for i := range all {
		one := &all[i]
		status := "–"
		if one.Status != 0 {
			status = strconv.Itoa(one.Status)
		}
		rows[i] = card(columns, d.event(one, v), outcomeBadge(one), app.Text(count(one.Number)), app.Text(latencyText(one.Latency)), app.Text(status),
			answerOf(one), timeText(one.At), d.again(one, v))
	}
	return cards("Deliveries", columns, rows...)
}

// event leads to the event of an attempt.
func (d *deliveries) event(one *core.DeliveryAttempt, v *processorView) app.UI {
	if one.EventType == testEventType {
		return app.Span().Class("name").Text("Test event")
	}
	return app.A().Class("name").Href(address("/streams/{stream}/events/{offset}", v.stream(), strconv.FormatInt(int64(one.Offset), 10))).
		Body(named(one.EventType), app.Text(" #"+count(int64(one.Offset))))
}

func outcomeBadge(one *core.DeliveryAttempt) app.UI {
	switch {
	case one.Outcome == core.Delivered:
		return badge("ok", "delivered")
	case one.Outcome == core.Retrying && one.NextTry != nil:
		return timeBadge("warn", "retrying", *one.NextTry)
	case one.Outcome == core.Retrying:
		return badge("warn", "retrying")
	}
	return badge("bad", string(one.Outcome))
}

// answerOf is why an attempt failed, and what the destination answered.
func answerOf(one *core.DeliveryAttempt) app.UI {
	return app.Div().Body(
		app.If(one.Error != "", func() app.UI { return app.Div().Class("reason").Body(named(one.Error)) }),
		app.If(one.Response != "", func() app.UI {
			return app.Details().Class("fold").Body(app.Summary().Text("Response"), app.Pre().Class("excerpt").Text(one.Response))
		}))
}

// again is the button that sends the event of an attempt once more.
func (d *deliveries) again(one *core.DeliveryAttempt, v *processorView) app.UI {
	if one.EventType == testEventType || !v.s.writable(core.ActionWriteProcessors) {
		return app.Span()
	}
	id := one.ID
	return button("Resend", "", nil).Aria("label", "Resend "+one.EventType+" "+count(int64(one.Offset))).Disabled(d.resend.busy).
		OnClick(func(ctx app.Context, _ app.Event) {
			d.send(ctx, v, func(ctx context.Context, client *rest.Client) (core.DeliveryAttempt, error) {
				return client.Resend(ctx, id)
			})
		}, app.EventScope(id))
}

func (d *deliveries) test(ctx app.Context, v *processorView) {
	stream, name := v.stream(), v.Params["processor"]
	d.send(ctx, v, func(ctx context.Context, client *rest.Client) (core.DeliveryAttempt, error) {
		return client.SendTest(ctx, stream, name)
	})
}

// send sends an event, and says what became of it.
func (d *deliveries) send(ctx app.Context, v *processorView, do func(context.Context, *rest.Client) (core.DeliveryAttempt, error)) {
	var attempt core.DeliveryAttempt
	d.resend.run(ctx, v.s, func(ctx context.Context, client *rest.Client) (err error) {
		if attempt, err = do(ctx, client); err == nil && attempt.Error != "" {
			err = core.Errorf(core.CodeConflict, "not delivered: %s", attempt.Error)
		}
		return err
	}, func(ctx app.Context) {
		v.s.say("Delivered in " + latencyText(attempt.Latency) + ".")
		v.fetch(ctx)
	})
}
