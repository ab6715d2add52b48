package eventlog

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/eventflow-go/eventflow/core"
)

// Check says what would become of a schema: whether it is compatible, and whether the
// newest events fit it. It stores nothing.
func (s *Schemas) Check(ctx context.Context, who core.Principal, ref string, trial core.SchemaTrial) (verdict core.SchemaVerdict, err error) {
	stream, err := s.Streams.Open(ctx, who, ref, core.ActionWriteSchemas)
	if err != nil {
		return verdict, err
	}
	if err := core.CheckText("event_type", trial.EventType, 0, core.MaxTypeLength); err != nil {
		return verdict, err
	}
	last, err := lastOf(trial.Last, 0)
	if err != nil {
		return verdict, err
	}
	former, err := s.former(ctx, stream.ID, trial.EventType)
	if err != nil {
		return verdict, err
	}
	if trial.Schema, err = s.onTrial(ctx, who.Org, trial, former); err != nil {
		return verdict, err
	}
	if verdict.Compatibility, err = modeOf(trial.Compatibility, former); err != nil {
		return verdict, err
	}
	against, err := comparedWith(trial, former)
	if err != nil {
		return verdict, err
	}
	if verdict.Incompatible, err = s.compare(ctx, who.Org, trial.Schema, against, verdict.Compatibility); err != nil {
		return verdict, err
	}
	verdict.Compatible = len(verdict.Incompatible) == 0
	verdict.Events, err = s.tryEvents(ctx, who, stream, trial, last)
	return verdict, err
}

// former returns the versions of a type. Events of all types have none.
func (s *Schemas) former(ctx context.Context, stream core.ID, eventType string) ([]core.SchemaVersion, error) {
	if eventType == "" {
		return nil, nil
	}
	all, err := s.Store.Schemas(ctx, stream)
	return ofType(all, eventType), core.StoreFailed(err)
}

// onTrial returns the schema that is tried.
func (s *Schemas) onTrial(ctx context.Context, org core.ID, trial core.SchemaTrial, former []core.SchemaVersion) (json.RawMessage, error) {
	switch {
	case trial.Version == nil:
		return trial.Schema, s.compiles(ctx, org, trial.Schema)
	case len(trial.Schema) > 0:
		return nil, core.Invalid("version", "must not be given with schema: one of the two is tried")
	case trial.EventType == "":
		return nil, core.Invalid("event_type", "is required with version")
	}
	version, err := versionOf(former, trial.EventType, *trial.Version)
	return version.Schema, err
}

// comparedWith returns the versions that a schema on trial is compared with.
func comparedWith(trial core.SchemaTrial, former []core.SchemaVersion) ([]core.SchemaVersion, error) {
	if trial.Against != nil {
		if trial.EventType == "" {
			return nil, core.Invalid("event_type", "is required with against")
		}
		version, err := versionOf(former, trial.EventType, *trial.Against)
		return []core.SchemaVersion{version}, err
	}
	if trial.Version == nil {
		return former, nil
	}
	for i := range former { // with those before it
		if former[i].Version == *trial.Version {
			return former[:i], nil
		}
	}
	return former, nil
}

// lastOf returns how many of the newest events are wanted.
func lastOf(last *int, least int) (int, error) {
	if last == nil {
		return core.DefaultSchemaEvents, nil
	}
	if *last < least || *last > core.MaxSchemaEvents {
		return 0, core.Invalid("last", "must be %d to %d", least, core.MaxSchemaEvents)
	}
	return *last, nil
}

// tryEvents holds the newest events to a schema.
func (s *Schemas) tryEvents(
	ctx context.Context, who core.Principal, stream *OpenStream, trial core.SchemaTrial, last int,
) (tried core.SchemaEvents, err error) {
	schema, err := s.Compiler.Reopen(trial.Schema)
	if err != nil {
		return tried, err
	}
	evaluation := s.Streams.Evaluations.Begin(ctx, who.Org)
	defer evaluation.End()
	err = s.newest(ctx, stream, trial.EventType, last, func(event *core.Event) error {
		evaluation.Next()
		tried.Checked++
		why, misfit := errors.AsType[*core.Error](schema.Validate(event.Payload, evaluation.Budget))
		switch {
		case !misfit:
			tried.Passed++
		case why.Code != core.CodeSchemaMismatch:
			return why
		default:
			tried.Failed++
			if len(tried.Failures) < core.MaxSchemaFailures {
				tried.Failures = append(tried.Failures, core.SchemaFailure{Offset: event.Offset, ID: event.ID, Reasons: why.Details})
			}
		}
		return nil
	})
	return tried, err
}

const (
	// trialPage is how many events are read at once for a trial, and trialReach how far a
	// trial looks back for events of a type that is rare.
	trialPage  = 1000
	trialReach = 100_000
)

// newest calls each with the newest events of a type, the newest first, at most limit.
func (s *Schemas) newest(ctx context.Context, stream *OpenStream, eventType string, limit int, each func(*core.Event) error) error {
	bounds, err := s.Log.Bounds(ctx, []core.ID{stream.ID})
	if err != nil {
		return err
	}
	scan := core.Scan{To: bounds[0].Next, Backward: true, Bytes: core.PageBytes}
	least := max(bounds[0].First, bounds[0].Next-trialReach)
	pace := stride{turns: s.Turns, org: stream.Org, rests: walkRests}
	for limit > 0 && scan.To > least {
		// Without a filter, so that a page never looks through the whole stream.
		scan.From, scan.Limit = max(least, scan.To-trialPage), trialPage
		events, err := pace.read(ctx, func() ([]core.Event, error) { return s.Log.Read(ctx, stream.ID, scan) })
		if err != nil {
			return err
		}
		for i := range events {
			if limit == 0 || eventType != "" && events[i].Type != eventType {
				continue
			}
			limit--
			if err := each(&events[i]); err != nil {
				return err
			}
		}
		if scan.To = scan.From; core.Full(events, trialPage, core.PageBytes) {
			scan.To = events[len(events)-1].Offset
		}
	}
	return nil
}

// Infer makes a schema that payloads fit: those of the request or, without any, those of
// the newest events.
func (s *Schemas) Infer(ctx context.Context, who core.Principal, ref string, from core.SchemaSamples) (core.InferredSchema, error) {
	var none core.InferredSchema
	stream, err := s.Streams.Open(ctx, who, ref, core.ActionWriteSchemas)
	if err != nil {
		return none, err
	}
	if err := core.CheckText("event_type", from.EventType, 0, core.MaxTypeLength); err != nil {
		return none, err
	}
	last, err := lastOf(from.Last, 1)
	if err != nil {
		return none, err
	}
	if len(from.Samples) > core.MaxSchemaEvents {
		return none, core.Invalid("samples", "must be at most %d", core.MaxSchemaEvents)
	}
	samples, size := from.Samples, 0
	if len(samples) == 0 {
		err = s.newest(ctx, stream, from.EventType, last, func(event *core.Event) error {
			if size += len(event.Payload); size <= mostInferred {
				samples = append(samples, event.Payload)
			}
			return nil
		})
		if err != nil {
			return none, err
		}
	}
	if len(samples) == 0 {
		return none, core.Errorf(core.CodeNotFound, "there are no such events to infer a schema from; give samples")
	}
	schema, err := s.inferFrom(ctx, who.Org, samples)
	return core.InferredSchema{Schema: schema, Samples: len(samples)}, err
}

// mostInferred is how many bytes of stored payloads a schema is inferred from at most. A
// request cannot bring more either.
const mostInferred = core.MaxEventBytes

// inferFrom takes what inferring costs, two steps for each byte, from the organization's share.
func (s *Schemas) inferFrom(ctx context.Context, org core.ID, samples []json.RawMessage) (json.RawMessage, error) {
	size := 0
	for _, sample := range samples {
		size += len(sample)
	}
	evaluation := s.Streams.Evaluations.Begin(ctx, org)
	defer evaluation.End()
	// What is more than a step counts as an evaluation that lasts: few do at a time.
	if steps := min(2*size, core.EvaluationSteps-1); !evaluation.Spend(1) || !evaluation.Spend(steps) {
		return nil, evaluation.Err()
	}
	return core.InferSchema(samples...)
}
