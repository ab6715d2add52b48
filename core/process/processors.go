package process

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/eventflow-go/eventflow/core"
)

// Processors manages processors.
type Processors struct {
	Ports
	to *destinations
	// changed has this node look at once which processors are to work.
	changed func()
}

// Create makes a processor, with a group of its name. It begins with the events to come,
// unless the spec says where. An empty mode is shared for a destination that takes one
// event at a time, and ordered for one that takes many.
func (s *Processors) Create(ctx context.Context, who core.Principal, stream string, spec core.ProcessorSpec) (core.CreatedProcessor, error) {
	var none core.CreatedProcessor
	if err := core.Authorize(s.Authorizer, who, core.ActionWriteProcessors, core.ID{}); err != nil {
		return none, err
	}
	spec.GroupSpec.Start = core.Start{End: true}
	if spec.Start != nil {
		spec.GroupSpec.Start = *spec.Start
	}
	draft := core.Processor{Filter: spec.Filter, Transform: spec.Transform, State: spec.State, CreatedBy: who.Creator()}
	if err := s.checkPipeline(&draft); err != nil {
		return none, err
	}
	var err error
	if draft.Destination, err = s.to.check(ctx, who, spec.Destination, core.Destination{}); err != nil {
		return none, err
	}
	if draft.State, err = firstState(spec.State); err != nil {
		return none, err
	}
	first, err := s.complete(ctx, who, stream, spec.GroupSpec, &draft)
	if err != nil {
		return none, err
	}
	secret := newSecret(spec.Destination, core.Destination{}, draft.Destination)
	draft.Destination = s.to.sealed(draft.Destination, draft.ID)
	if err := s.Store.CreateProcessor(ctx, draft, first); err != nil {
		return none, core.StoreFailed(err)
	}
	s.done(ctx, who, core.AuditProcessorCreated, &draft)
	return core.CreatedProcessor{Processor: draft, Secret: secret}, nil
}

// complete fills in the group of a new processor, and its mode.
func (s *Processors) complete(
	ctx context.Context, who core.Principal, stream string, spec core.GroupSpec, draft *core.Processor,
) (first core.Progress, err error) {
	if spec.Mode == "" {
		if spec.Mode, err = s.fittingMode(ctx, draft); err != nil {
			return first, err
		}
		if spec.OrderingKey != "" {
			spec.Mode = core.Shared
		}
	}
	if draft.Group, first, err = s.Groups.Draft(ctx, who, stream, spec, core.ActionWriteProcessors); err != nil {
		return first, err
	}
	draft.Processor = true
	return first, refuseCircle(ctx, s.Store, draft)
}

// fittingMode is the mode of a processor that names none.
func (s *Processors) fittingMode(ctx context.Context, draft *core.Processor) (core.Mode, error) {
	open := *draft
	open.Destination = s.to.sealed(open.Destination, open.ID)
	sink, err := s.to.open(ctx, &open)
	if err != nil {
		return "", err
	}
	defer sink.Close() //nolint:errcheck // it has sent nothing
	if sink.Traits().Batch > 1 {
		return core.Ordered, nil
	}
	return core.Shared, nil
}

func firstState(state core.ProcessorState) (core.ProcessorState, error) {
	switch state {
	case "", core.ProcessorRunning:
		return core.ProcessorRunning, nil
	case core.ProcessorPaused:
		return state, nil
	}
	return "", core.Invalid("state", "must be running or paused")
}

// checkPipeline refuses a filter or a transform that does not compile.
func (s *Processors) checkPipeline(p *core.Processor) error {
	for _, text := range []struct {
		field, text string
		longest     int
	}{{"filter", p.Filter, core.MaxFilterLength}, {"transform", p.Transform, core.MaxTransformLength}} {
		if length := utf8.RuneCountInString(text.text); length > text.longest {
			return core.Invalid(text.field, "must have at most %d characters, has %d", text.longest, length)
		}
		if err := core.CheckLines(text.field, text.text, 0, text.longest); err != nil {
			return err
		}
	}
	_, err := s.Compiler.Compile(p.Filter, p.Transform)
	return err
}

// done records a change and has it take effect on this node at once.
func (s *Processors) done(ctx context.Context, who core.Principal, action core.AuditAction, p *core.Processor) {
	s.Groups.Forget(p.Stream)
	s.Record.Record(ctx, who.Did(action, "processor", p.ID))
	s.changed()
}

// Get returns a processor of a stream, by id or name.
func (s *Processors) Get(ctx context.Context, who core.Principal, stream, ref string) (core.Processor, error) {
	return s.open(ctx, who, stream, ref, core.ActionReadProcessors)
}

// open finds a processor for a principal that wants to do something with it.
func (s *Processors) open(ctx context.Context, who core.Principal, stream, ref string, action core.Action) (core.Processor, error) {
	open, err := s.Streams.Open(ctx, who, stream, action)
	if err != nil {
		return core.Processor{}, err
	}
	id, err := core.ParseID(ref)
	if err != nil {
		group, err := s.Groups.Get(ctx, who, stream, ref)
		if core.IsNotFound(err) {
			return core.Processor{}, errNoProcessor
		}
		if err != nil {
			return core.Processor{}, err
		}
		id = group.ID
	}
	p, err := s.Store.Processor(ctx, open.Org, id)
	if core.IsNotFound(err) || err == nil && p.Stream != open.ID {
		return core.Processor{}, errNoProcessor
	}
	return p, core.StoreFailed(err)
}

var errNoProcessor = core.Errorf(core.CodeNotFound, "there is no such processor")

// List returns the processors of a stream, by id, in one piece:
// [core.MaxGroupsPerStream] bounds them.
func (s *Processors) List(ctx context.Context, who core.Principal, stream string) ([]core.ProcessorOverview, error) {
	open, err := s.Streams.Open(ctx, who, stream, core.ActionReadProcessors)
	if err != nil {
		return nil, err
	}
	all, err := s.Store.Processors(ctx, core.ProcessorScan{Org: who.Org, Streams: []core.ID{open.ID}, Limit: core.MaxGroupsPerStream})
	if err != nil {
		return nil, core.StoreFailed(err)
	}
	return s.overviews(ctx, who, all)
}

// All returns the processors of all streams that a principal may see, in pages, by id.
func (s *Processors) All(ctx context.Context, who core.Principal, cursor string, limit int) (core.Page[core.ProcessorOverview], error) {
	var none core.Page[core.ProcessorOverview]
	if err := core.Authorize(s.Authorizer, who, core.ActionReadProcessors, core.ID{}); err != nil {
		return none, err
	}
	limit, err := core.PageLimit(limit)
	if err != nil {
		return none, err
	}
	scope := fmt.Appendf(nil, "processors %s", who.Org)
	after, err := core.ParseIDCursor(scope, cursor)
	if err != nil {
		return none, err
	}
	all, err := s.Store.Processors(ctx, core.ProcessorScan{Org: who.Org, Streams: who.Streams, After: after, Limit: limit + 1})
	if err != nil {
		return none, core.StoreFailed(err)
	}
	page := core.Cut(all, limit, func(last *core.Processor) string { return core.IDCursor(scope, last.ID) })
	items, err := s.overviews(ctx, who, page.Items)
	return core.Page[core.ProcessorOverview]{Items: items, NextCursor: page.NextCursor, HasMore: page.HasMore}, err
}

// Overview returns a processor with how far it got and what it did in the last day.
func (s *Processors) Overview(ctx context.Context, who core.Principal, stream, ref string) (core.ProcessorOverview, error) {
	p, err := s.Get(ctx, who, stream, ref)
	if err != nil {
		return core.ProcessorOverview{}, err
	}
	all, err := s.overviews(ctx, who, []core.Processor{p})
	if err != nil || len(all) == 0 {
		return core.ProcessorOverview{}, err
	}
	if all[0].Unavailable { // the page of one processor says why
		all[0].Status, err = s.Groups.Status(ctx, who, p.Stream.String(), p.ID.String())
		all[0].Unavailable = false
	}
	return all[0], err
}

// overviews adds to processors what people want to know of them. One that is deleted
// meanwhile, with its stream perhaps, is left out. One of a shard that is away says so.
func (s *Processors) overviews(ctx context.Context, who core.Principal, all []core.Processor) ([]core.ProcessorOverview, error) {
	ids := make([]core.ID, len(all))
	for i := range all {
		ids[i] = all[i].ID
	}
	counts, err := s.Store.DeliveryCounts(ctx, ids, s.Now().Add(-24*time.Hour))
	if err != nil {
		return nil, core.StoreFailed(err)
	}
	groups := make([]core.Group, len(all))
	for i := range all {
		groups[i] = all[i].Group
	}
	statuses, err := s.Groups.Statuses(ctx, who, groups)
	if err != nil {
		return nil, err
	}
	views := make([]core.ProcessorOverview, 0, len(all))
	for i := range all {
		p := &all[i]
		stream, err := s.Streams.Open(ctx, who, p.Stream.String(), core.ActionReadProcessors)
		if core.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		group, there := statuses[p.ID]
		if !there {
			continue
		}
		view := core.ProcessorOverview{Processor: *p, StreamName: stream.Name, Unavailable: group.Unavailable, Status: group.Status, LastDay: counts[i]}
		if view.LastError, err = s.lastError(ctx, p); err != nil {
			return nil, err
		}
		views = append(views, view)
	}
	return views, nil
}

// lastError is why the last attempt failed that did, where none has succeeded since.
func (s *Processors) lastError(ctx context.Context, p *core.Processor) (string, error) {
	if p.FailingSince == nil {
		return "", nil
	}
	for _, outcome := range []core.DeliveryOutcome{core.Retrying, core.Dead} {
		last, err := s.Store.Deliveries(ctx, p.Org, p.ID, core.DeliveryScan{Outcome: outcome, Limit: 1})
		if err != nil {
			return "", core.StoreFailed(err)
		}
		if len(last) > 0 {
			return last[0].Error, nil
		}
	}
	return "", nil
}

// Delete removes a processor with its group, its dead letters and what is known of its
// deliveries. With a revision other than 0, a processor that has another one by now is a
// [core.CodePreconditionFailed].
func (s *Processors) Delete(ctx context.Context, who core.Principal, stream, ref string, expected int64) error {
	p, err := s.open(ctx, who, stream, ref, core.ActionWriteProcessors)
	if err != nil {
		return err
	}
	if expected != 0 && expected != p.Revision {
		return core.ChangedMeanwhile("processor", p.Revision, expected)
	}
	if err := s.Definitions.DeleteGroup(ctx, p.Stream, p.ID); err != nil {
		return core.StoreFailed(err)
	}
	s.done(ctx, who, core.AuditProcessorDeleted, &p)
	return nil
}
