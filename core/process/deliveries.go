package process

import (
	"context"
	"fmt"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// Deliveries are attempts of processors to send events.
type Deliveries struct {
	Ports
	to         *destinations
	processors *Processors
	lane       *slowLane
}

// List returns the attempts of a processor in pages, the newest first.
func (d *Deliveries) List(ctx context.Context, who core.Principal, stream, ref string, q core.DeliveryQuery) (core.Page[core.DeliveryAttempt], error) {
	var none core.Page[core.DeliveryAttempt]
	p, err := d.processors.open(ctx, who, stream, ref, core.ActionReadDeliveries)
	if err != nil {
		return none, err
	}
	limit, err := core.PageLimit(q.Limit)
	if err != nil {
		return none, err
	}
	switch q.Outcome {
	case "", core.Delivered, core.Retrying, core.Dead:
	default:
		return none, core.Invalid("outcome", "must be delivered, retrying or dead")
	}
	scope := fmt.Appendf(nil, "deliveries %s %q", p.ID, q.Outcome)
	scan := core.DeliveryScan{Outcome: q.Outcome, Limit: limit + 1}
	if scan.Before, err = core.ParseIDCursor(scope, q.Cursor); err != nil {
		return none, err
	}
	all, err := d.Store.Deliveries(ctx, p.Org, p.ID, scan)
	if err != nil {
		return none, core.StoreFailed(err)
	}
	return core.Cut(all, limit, func(last *core.DeliveryAttempt) string { return core.IDCursor(scope, last.ID) }), nil
}

// Resend sends the event of an attempt once more, at once, whatever became of it. The
// group of the processor is not moved by it. The answer is the new attempt.
func (d *Deliveries) Resend(ctx context.Context, who core.Principal, id string) (core.DeliveryAttempt, error) {
	var none core.DeliveryAttempt
	if err := core.Authorize(d.Authorizer, who, core.ActionWriteProcessors, core.ID{}); err != nil {
		return none, err
	}
	wanted, err := core.ParseID(id)
	if err != nil {
		return none, core.Invalid("id", "%v", err)
	}
	attempt, err := d.Store.Delivery(ctx, who.Org, wanted)
	if err != nil {
		return none, core.StoreFailed(err)
	}
	p, err := d.processors.open(ctx, who, attempt.Stream.String(), attempt.Processor.String(), core.ActionWriteProcessors)
	if err != nil {
		return none, err
	}
	events, err := d.Log.Read(ctx, p.Stream, core.Scan{From: attempt.Offset, To: attempt.Offset + 1, Limit: 1})
	if err != nil {
		return none, core.StoreFailed(err)
	}
	if len(events) == 0 || events[0].ID != attempt.Event { // a test event has no place in the stream
		return none, core.Errorf(core.CodeConflict, "the stream does not have the event: retention has removed it, or it was a test event; if it is a dead letter, replay that")
	}
	again, err := d.send(ctx, &p, &events[0], attempt.Number+1)
	if err != nil {
		return none, err
	}
	d.Record.Record(ctx, who.Did(core.AuditDeliveryResent, "delivery", attempt.ID))
	return again, nil
}

// SendTest sends a made-up event to the destination of a processor, as it is, without
// filter and transform.
func (d *Deliveries) SendTest(ctx context.Context, who core.Principal, stream, ref string) (core.DeliveryAttempt, error) {
	p, err := d.processors.open(ctx, who, stream, ref, core.ActionWriteProcessors)
	if err != nil {
		return core.DeliveryAttempt{}, err
	}
	now := d.Now.Stamp()
	event := core.Event{
		ID: core.RandomID(now), Stream: p.Stream, Type: "eventflow.test", Version: 1, OccurredAt: now, ReceivedAt: now,
		Source: "eventflow", Payload: []byte(`{"message":"This is a test event. No producer has sent it."}`),
	}
	p.Filter, p.Transform = "", ""
	return d.send(ctx, &p, &event, 1)
}

// errFiltered refuses to send what the processor would not.
var errFiltered = core.Errorf(core.CodeConflict, "the filter does not let this event pass")

// send puts one event through a processor's pipeline and hands it to its destination.
// The attempt is noted like any other.
func (d *Deliveries) send(ctx context.Context, p *core.Processor, event *core.Event, number int) (core.DeliveryAttempt, error) {
	var none core.DeliveryAttempt
	pipeline, err := d.Compiler.Compile(p.Filter, p.Transform)
	if err != nil {
		return none, err
	}
	slow := &paced{Pipeline: pipeline, lane: d.lane, org: p.Org, slow: slowRuns}
	shaped, passed, err := slow.Run(ctx, event)
	switch {
	case ctx.Err() != nil:
		return none, core.Unavailable(ctx.Err(), time.Second, "the request took too long, and nothing was sent; try again")
	case err != nil:
		return none, err
	case !passed:
		return none, errFiltered
	}
	sink, err := d.to.open(ctx, p)
	if core.CodeOf(err) == core.CodeUnavailable {
		return none, err
	}
	if err != nil {
		return none, core.Errorf(core.CodeConflict, "the destination cannot be opened: %v", err)
	}
	defer sink.Close() //nolint:errcheck // the attempt says what became of the event
	sending, cancel := context.WithTimeout(ctx, resendTimeout)
	defer cancel()
	out := core.Outgoing{Event: shaped, Key: eventjson.KeyOf(p.OrderingKey, event), Attempt: number}
	began := time.Now()
	sent := sink.Send(sending, []core.Outgoing{out})[0]
	attempt := attemptOf(p, &out, sent, time.Since(began), d.Now.Stamp())
	attempt.ID = core.RandomID(attempt.At)
	if sent.Err != nil {
		attempt.Outcome, attempt.Error = core.Dead, plain(said(sent.Err)) // nobody tries it again by itself
	}
	note := core.DeliveryNote{Processor: p.ID, At: attempt.At, Attempts: []core.DeliveryAttempt{attempt}, Count: countOf(&attempt)}
	note.Recovered = sent.Err == nil
	return attempt, core.StoreFailed(d.Store.NoteDelivery(context.WithoutCancel(ctx), note))
}

// resendTimeout bounds what a request that sends an event waits for the destination.
const resendTimeout = 15 * time.Second

// Recover gives back all dead letters of a processor that were parked since a time. The
// answer is the replay that does it.
func (d *Deliveries) Recover(ctx context.Context, who core.Principal, stream, ref string, since time.Time) (core.Replay, error) {
	p, err := d.processors.open(ctx, who, stream, ref, core.ActionWriteProcessors)
	if err != nil {
		return core.Replay{}, err
	}
	return d.Letters.ReplayAll(ctx, who, core.ReplaySpec{
		Query: core.LetterQuery{Stream: p.Stream.String(), Group: p.ID.String()}, Since: since,
	})
}
