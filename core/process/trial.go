package process

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// Trials show what a filter and a transform would do. Nothing is sent or stored.
type Trials struct {
	Ports
	lane *slowLane
}

// trialTime bounds a trial: a slow pipeline shows fewer events.
const trialTime = 2 * time.Second

// Try runs a filter and a transform over the last events of a stream, or over a sample.
// The caller must be allowed to read the stream's events.
func (t *Trials) Try(ctx context.Context, who core.Principal, stream string, spec core.TrialSpec) ([]core.Trial, error) {
	open, err := t.Streams.Open(ctx, who, stream, core.ActionReadProcessors)
	if err != nil {
		return nil, err
	}
	if err := core.Authorize(t.Authorizer, who, core.ActionReadEvents, open.ID); err != nil {
		return nil, err
	}
	if spec.Last < 0 || spec.Last > core.MaxTrialEvents {
		return nil, core.Invalid("last", "must be 1 to %d", core.MaxTrialEvents)
	}
	pipeline, err := t.Compiler.Compile(spec.Filter, spec.Transform)
	if err != nil {
		return nil, err
	}
	events, err := t.events(ctx, open.ID, spec)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, trialTime)
	defer cancel()
	slow := &paced{Pipeline: pipeline, lane: t.lane, org: open.Org, slow: slowRuns}
	trials := []core.Trial{}
	for i := range events {
		trial, err := try(ctx, slow, &events[i])
		if err != nil {
			if len(trials) > 0 {
				break
			}
			return nil, core.Unavailable(err, time.Second, "the filter and the transform took too long for a single event")
		}
		trials = append(trials, trial)
	}
	return trials, nil
}

// try runs a pipeline over one event. The error says that the time is up.
func try(ctx context.Context, pipeline core.Pipeline, event *core.Event) (core.Trial, error) {
	trial := core.Trial{Event: *event}
	out, passed, err := pipeline.Run(ctx, event)
	var known *core.Error
	switch {
	case errors.As(err, &known):
		trial.Errors = known.Details
		if len(trial.Errors) == 0 {
			trial.Errors = []core.Detail{{Field: "transform", Reason: known.Message}}
		}
	case err != nil:
		return trial, err
	case passed:
		trial.Passed, trial.Result = true, &out
	}
	return trial, nil
}

// events are what a trial runs over.
func (t *Trials) events(ctx context.Context, stream core.ID, spec core.TrialSpec) ([]core.Event, error) {
	if len(spec.Event) > 0 && string(spec.Event) != "null" {
		event, err := t.sample(stream, spec.Event)
		return []core.Event{event}, err
	}
	limit := spec.Last
	if limit == 0 {
		limit = core.DefaultTrialEvents
	}
	events, err := t.Log.Read(ctx, stream, core.Scan{Backward: true, Limit: limit, Bytes: core.PageBytes})
	return events, core.StoreFailed(err)
}

// sample makes an event of a stream as it would be if it came now.
func (t *Trials) sample(stream core.ID, text json.RawMessage) (core.Event, error) {
	draft, err := eventjson.DecodeEvent(text, eventjson.StreamInPath)
	if err != nil {
		return core.Event{}, core.Under(err, "event.")
	}
	event, now := draft.Event, t.Now.Stamp()
	event.ID, event.Stream, event.ReceivedAt = core.RandomID(now), stream, now
	if event.OccurredAt.IsZero() {
		event.OccurredAt = now
	}
	if event.Source == "" {
		event.Source = "sample"
	}
	return event, nil
}
