package process

import (
	"context"
	"errors"

	"github.com/eventflow-go/eventflow/core"
)

// Judge says in a trace what each processor makes of the event: what its deliveries tell or
// else, because filtered events are only counted, what its filter and transform say now. It
// takes [trialTime] at most, and leaves out what there is no time for. Whoever may not read
// processors is told nothing of them.
func (t *Trials) Judge(ctx context.Context, who core.Principal, trace *core.EventTrace) error {
	if core.Authorize(t.Authorizer, who, core.ActionReadProcessors, trace.Stream) != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, trialTime)
	defer cancel()
	var event *core.Event
	for i := range trace.Groups {
		group := &trace.Groups[i]
		if !group.Processor {
			continue
		}
		p, err := t.Store.Processor(ctx, who.Org, group.Group)
		if core.IsNotFound(err) {
			continue // deleted meanwhile
		}
		if err == nil && event == nil {
			event, err = t.traced(ctx, trace)
		}
		if err == nil {
			group.Verdict, err = t.verdict(ctx, &p, group, event)
		}
		if err != nil && ctx.Err() == nil {
			return core.StoreFailed(err)
		}
	}
	return nil
}

// traced returns the event of a trace.
func (t *Trials) traced(ctx context.Context, trace *core.EventTrace) (*core.Event, error) {
	events, err := t.Log.Read(ctx, trace.Stream, core.Scan{From: trace.Offset, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(events) == 0 || events[0].ID != trace.ID {
		return nil, core.Errorf(core.CodeNotFound, "retention has removed the event %s meanwhile", trace.ID)
	}
	return &events[0], nil
}

// verdict judges by one processor.
func (t *Trials) verdict(ctx context.Context, p *core.Processor, group *core.GroupTrace, event *core.Event) (*core.EventVerdict, error) {
	sent, err := t.Store.Deliveries(ctx, p.Org, p.ID, core.DeliveryScan{Event: event.ID, Limit: core.MaxVerdictDeliveries})
	if err != nil {
		return nil, err
	}
	verdict := &core.EventVerdict{Deliveries: append([]core.DeliveryAttempt{}, sent...)}
	failed := group.State == core.TraceDeadLetter || group.State == core.TraceReplaying || group.State == core.TraceWaiting
	switch {
	case len(sent) > 0 && sent[0].Outcome == core.Delivered:
		verdict.Outcome = core.VerdictDelivered
	case len(sent) > 0:
		verdict.Outcome, verdict.Reason = core.VerdictFailed, sent[0].Error
	case failed && len(group.Attempts) > 0:
		verdict.Outcome, verdict.Reason = core.VerdictFailed, group.Attempts[len(group.Attempts)-1].Reason
	default:
		return t.asOfNow(ctx, p, event, verdict)
	}
	return verdict, nil
}

// asOfNow runs the filter and the transform as they are now.
func (t *Trials) asOfNow(ctx context.Context, p *core.Processor, event *core.Event, verdict *core.EventVerdict) (*core.EventVerdict, error) {
	verdict.AsOfNow, verdict.Outcome = true, core.VerdictPassed
	pipeline, err := t.Compiler.Compile(p.Filter, p.Transform)
	if err == nil {
		var passed bool
		slow := &paced{Pipeline: pipeline, lane: t.lane, org: p.Org, slow: slowRuns}
		if _, passed, err = slow.Run(ctx, event); err == nil && !passed {
			verdict.Outcome = core.VerdictFiltered
		}
	}
	if known, is := errors.AsType[*core.Error](err); is {
		verdict.Outcome, verdict.Reason, err = core.VerdictFailed, known.Message, nil
	}
	return verdict, err
}
