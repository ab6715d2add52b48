package deliver

import (
	"context"
	"slices"

	"github.com/eventflow-go/eventflow/core"
)

// CreateGroup makes a consumer group. A taken name is a [core.CodeConflict].
func (c *Consumers) CreateGroup(ctx context.Context, who core.Principal, stream string, spec core.GroupSpec) (core.Group, error) {
	open, err := c.streams.Open(ctx, who, stream, core.ActionWriteGroups)
	if err != nil {
		return core.Group{}, err
	}
	now := c.now.Stamp()
	group := core.Group{
		ID: core.RandomID(now), Org: open.Org, Stream: open.ID, Name: spec.Name, Mode: spec.Mode, Visibility: core.DefaultVisibility,
		MaxAttempts: core.DefaultMaxAttempts, Backoff: core.Backoff{Initial: core.DefaultBackoffInitial, Max: core.DefaultBackoffMax}, Revision: 1, CreatedAt: now, UpdatedAt: now,
	}
	if group.Mode == "" {
		group.Mode = core.Ordered
	}
	if group.Mode != core.Ordered && group.Mode != core.Shared {
		return core.Group{}, core.Invalid("mode", "must be ordered or shared")
	}
	if err := group.Apply(core.GroupChange{Visibility: spec.Visibility, MaxAttempts: spec.MaxAttempts, Backoff: spec.Backoff}); err != nil {
		return core.Group{}, err
	}
	next, err := c.resolve(ctx, open.ID, spec.Start, "start")
	if err != nil {
		return core.Group{}, err
	}
	if err := c.roomForGroup(ctx, open.ID); err != nil {
		return core.Group{}, err
	}
	first := core.Progress{Revision: 1, State: (&groupState{Next: next}).encode()}
	if err := c.store.CreateGroup(ctx, group, first); err != nil {
		return core.Group{}, core.StoreFailed(err)
	}
	c.known.Drop(open.ID)
	return group, nil
}

func (c *Consumers) roomForGroup(ctx context.Context, stream core.ID) error {
	groups, err := c.store.Groups(ctx, stream)
	if err == nil && len(groups) >= core.MaxGroupsPerStream {
		return core.Errorf(core.CodeConflict, "the stream has %d consumer groups, which is as many as it may have; delete one", len(groups))
	}
	return core.StoreFailed(err)
}

// resolve returns the offset that a start means now. One beyond the end of the
// stream is refused: it would skip what is yet to come.
func (c *Consumers) resolve(ctx context.Context, stream core.ID, start core.Start, field string) (core.Offset, error) {
	bounds, err := c.log.Bounds(ctx, []core.ID{stream})
	if err != nil {
		return 0, core.StoreFailed(err)
	}
	switch {
	case start.Offset != nil && *start.Offset > bounds[0].Next:
		return 0, core.Invalid(field, "is beyond the end of the stream, whose next offset is %d", bounds[0].Next)
	case start.Offset != nil:
		return max(*start.Offset, bounds[0].First), nil
	case !start.Time.IsZero():
		offset, err := c.log.OffsetAt(ctx, stream, start.Time)
		return offset, core.StoreFailed(err)
	case start.End:
		return bounds[0].Next, nil
	}
	return bounds[0].First, nil
}

// Groups returns the groups of a stream, by name.
func (c *Consumers) Groups(ctx context.Context, who core.Principal, stream string) ([]core.Group, error) {
	open, err := c.streams.Open(ctx, who, stream, core.ActionReadGroups)
	if err != nil {
		return nil, err
	}
	groups, err := c.store.Groups(ctx, open.ID)
	return groups, core.StoreFailed(err)
}

// Group returns a group by id or name.
func (c *Consumers) Group(ctx context.Context, who core.Principal, stream, ref string) (core.Group, error) {
	g, err := c.open(ctx, who, stream, ref, core.ActionReadGroups)
	if err != nil {
		return core.Group{}, err
	}
	return *g, nil
}

// open resolves a group for a principal that wants to do something with it.
func (c *Consumers) open(ctx context.Context, who core.Principal, stream, ref string, action core.Action) (*core.Group, error) {
	open, err := c.streams.Open(ctx, who, stream, action)
	if err != nil {
		return nil, err
	}
	load := func([]core.Group) ([]core.Group, error) { return c.store.Groups(ctx, open.ID) }
	for range 2 {
		groups, err := c.known.Get(open.ID, load, func(error) bool { return false })
		if err != nil {
			return nil, core.StoreFailed(err)
		}
		if i := slices.IndexFunc(groups, func(g core.Group) bool { return g.Name == ref || g.ID.String() == ref }); i >= 0 {
			return &groups[i], nil
		}
		c.known.Drop(open.ID) // it may have been made a moment ago, on another node
	}
	return nil, errNoGroup
}

// ChangeGroup changes a group. With a revision other than 0, a group that has
// another one by now is a [core.CodePreconditionFailed].
func (c *Consumers) ChangeGroup(ctx context.Context, who core.Principal, stream, ref string, change core.GroupChange, expected int64) (core.Group, error) {
	return core.Revision[core.Group]{
		Noun:   "group",
		Read:   func() (core.Group, error) { return c.fresh(ctx, who, stream, ref) },
		Number: func(group *core.Group) *int64 { return &group.Revision },
		Change: func(group *core.Group) error {
			group.UpdatedAt = c.now.Stamp()
			return group.Apply(change)
		},
		Store: func(group core.Group) error {
			err := c.store.UpdateGroup(ctx, group)
			c.known.Drop(group.Stream)
			return err
		},
	}.Revise(ctx, expected)
}

// fresh reads a group that is to be changed.
func (c *Consumers) fresh(ctx context.Context, who core.Principal, stream, ref string) (core.Group, error) {
	open, err := c.streams.Open(ctx, who, stream, core.ActionWriteGroups)
	if err != nil {
		return core.Group{}, err
	}
	c.known.Drop(open.ID)
	g, err := c.open(ctx, who, stream, ref, core.ActionWriteGroups)
	if err != nil {
		return core.Group{}, err
	}
	return *g, nil
}

// DeleteGroup removes a group with its progress and its dead letters.
func (c *Consumers) DeleteGroup(ctx context.Context, who core.Principal, stream, ref string, expected int64) error {
	g, err := c.fresh(ctx, who, stream, ref)
	if err != nil {
		return err
	}
	if expected != 0 && expected != g.Revision {
		return core.ChangedMeanwhile("group", g.Revision, expected)
	}
	err = c.store.DeleteGroup(ctx, g.Stream, g.ID)
	c.known.Drop(g.Stream)
	return core.StoreFailed(err)
}

// Reset moves a group to a place in its stream: what comes from there on is
// handed out again, and nothing before it. All leases are lost. It returns the
// offset.
func (c *Consumers) Reset(ctx context.Context, who core.Principal, stream, ref string, to core.Start) (core.Offset, error) {
	g, err := c.open(ctx, who, stream, ref, core.ActionWriteGroups)
	if err != nil {
		return 0, err
	}
	offset, err := c.resolve(ctx, g.Stream, to, "to")
	if err != nil {
		return 0, err
	}
	return offset, c.do(ctx, g, func(t *turn) error {
		t.state.seek(t.now, offset)
		t.changed = true
		return nil
	})
}

// Status says how far a group got.
func (c *Consumers) Status(ctx context.Context, who core.Principal, stream, ref string) (core.GroupStatus, error) {
	g, err := c.open(ctx, who, stream, ref, core.ActionReadGroups)
	if err != nil {
		return core.GroupStatus{}, err
	}
	status, err := c.status(ctx, g)
	return status, core.StoreFailed(err)
}

func (c *Consumers) status(ctx context.Context, g *core.Group) (core.GroupStatus, error) {
	progress, err := c.store.Progress(ctx, g.ID)
	if err != nil {
		return core.GroupStatus{}, err
	}
	counts, err := c.store.CountDeadLetters(ctx, g.Org, core.LetterScan{Filter: core.LetterFilter{Stream: g.Stream, Group: g.ID}, Limit: core.MaxPageSize})
	if err != nil {
		return core.GroupStatus{}, err
	}
	var letters int64
	for _, count := range counts {
		letters += count.Count
	}
	return c.statusOf(ctx, g, progress, letters)
}

func (c *Consumers) statusOf(ctx context.Context, g *core.Group, progress core.Progress, letters int64) (core.GroupStatus, error) {
	bounds, err := c.log.Bounds(ctx, []core.ID{g.Stream})
	if err != nil {
		return core.GroupStatus{}, err
	}
	group, err := standingOf(core.GroupRecord{Group: *g, Progress: progress}, bounds[0])
	if err != nil {
		return core.GroupStatus{}, err
	}
	state := group.state
	status := core.GroupStatus{
		CommittedOffset: state.committed() - 1, NextOffset: state.Next, EndOffset: max(bounds[0].Next, state.Next), Missed: state.Missed,
		DeadLetters: letters,
	}
	if !state.CommittedAt.IsZero() {
		status.CommittedAt = &state.CommittedAt
	}
	status.Leased, status.Waiting = state.counts()
	status.Lag = group.lag()
	status.LagSeconds, err = c.age(ctx, g, state.committed(), status.EndOffset)
	return status, err
}

// age is how old the oldest event in a range is, in seconds.
func (c *Consumers) age(ctx context.Context, g *core.Group, from, to core.Offset) (float64, error) {
	if from >= to {
		return 0, nil
	}
	events, err := c.log.Read(ctx, g.Stream, core.Scan{From: from, To: to, Limit: 1, Bytes: 1})
	if err != nil || len(events) == 0 {
		return 0, err
	}
	return max(c.now().Sub(events[0].ReceivedAt).Seconds(), 0), nil
}
