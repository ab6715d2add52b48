package deliver

import (
	"context"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/internal/cache"
)

// Groups manages consumer groups: their settings, their progress, and resets to
// another place in the stream.
type Groups struct {
	streams *eventlog.Streams
	store   core.GroupStore
	log     core.Reader
	turns   *turns
	shares  *eventlog.Shares
	record  core.Recorder
	now     core.Clock
	// known are the groups of each stream, for groupTTL: every poll, ack and nack asks
	// for its group. A change on this node drops them at once, one on another node
	// shows after groupTTL.
	known *cache.Cache[core.ID, []core.Group]
}

const (
	// groupTTL is how long a stream's groups are used without asking the store.
	groupTTL = time.Second
	// groupCacheSize is of how many streams they are kept.
	groupCacheSize = 10_000
)

// errNoGroup answers for a group that does not exist, or does not any more.
var errNoGroup = core.Errorf(core.CodeNotFound, "there is no such consumer group")

// Create makes a consumer group that begins where the spec says, at the start of the
// stream by default. A taken name is a [core.CodeConflict].
func (s *Groups) Create(ctx context.Context, who core.Principal, stream string, spec core.GroupSpec) (core.Group, error) {
	group, first, err := s.Draft(ctx, who, stream, spec, core.ActionWriteGroups)
	if err != nil {
		return core.Group{}, err
	}
	if err := s.store.CreateGroup(ctx, group, first); err != nil {
		return core.Group{}, core.StoreFailed(err)
	}
	s.Forget(group.Stream)
	s.record.Record(ctx, who.Did(core.AuditGroupCreated, "group", group.ID))
	return group, nil
}

// Draft checks all that Create does, for a principal that may take an action on the
// stream, and returns what is to be stored.
func (s *Groups) Draft(
	ctx context.Context, who core.Principal, stream string, spec core.GroupSpec, action core.Action,
) (group core.Group, first core.Progress, err error) {
	open, err := s.streams.Open(ctx, who, stream, action)
	if err != nil {
		return group, first, err
	}
	if group, err = newGroup(spec, open.Org, open.ID, s.now.Stamp()); err != nil {
		return group, first, err
	}
	next, err := s.resolve(ctx, open.ID, spec.Start, "start")
	if err != nil {
		return group, first, err
	}
	if err := s.roomForGroup(ctx, open.Org, open.ID); err != nil {
		return group, first, err
	}
	// Everything before the start counts as settled, and nothing of it as missed.
	return group, core.Progress{Revision: 1, State: (&groupState{Next: next}).encode()}, nil
}

// Forget has this node read the groups of a stream anew.
func (s *Groups) Forget(stream core.ID) { s.known.Drop(stream) }

// newGroup checks a spec and fills in the defaults.
func newGroup(spec core.GroupSpec, org, stream core.ID, now time.Time) (core.Group, error) {
	group := core.Group{
		ID: core.RandomID(now), Org: org, Stream: stream, Mode: spec.Mode, OrderingKey: spec.OrderingKey,
		Visibility: core.DefaultVisibility, MaxAttempts: core.DefaultMaxAttempts,
		Backoff:  core.Backoff{Initial: core.DefaultBackoffInitial, Max: core.DefaultBackoffMax},
		Revision: 1, CreatedAt: now, UpdatedAt: now,
	}
	if group.Mode == "" {
		group.Mode = core.Ordered
	}
	if group.Mode != core.Ordered && group.Mode != core.Shared {
		return core.Group{}, core.Invalid("mode", "must be ordered or shared")
	}
	if err := checkOrdering(group.Mode, group.OrderingKey); err != nil {
		return core.Group{}, err
	}
	err := group.Apply(core.GroupChange{Name: &spec.Name, Visibility: spec.Visibility, MaxAttempts: spec.MaxAttempts, Backoff: spec.Backoff})
	return group, err
}

// checkOrdering refuses an ordering key that cannot be read, or that has nothing to
// order.
func checkOrdering(mode core.Mode, ordering string) error {
	if ordering != "" && mode == core.Ordered {
		return core.Invalid("ordering_key", "is for groups of mode shared: an ordered group keeps the order of all events")
	}
	return eventjson.CheckOrdering(ordering)
}

// roomForGroup refuses one group too many. Two nodes may each see the last place at
// the same time; the bound is there for the size of lists and may be passed by one.
func (s *Groups) roomForGroup(ctx context.Context, org, stream core.ID) error {
	groups, err := s.store.Groups(ctx, stream)
	if err == nil && len(groups) >= core.MaxGroupsPerStream {
		return core.Errorf(core.CodeConflict, "the stream has %d consumer groups and may not have more; delete one first", len(groups))
	}
	if err != nil {
		return core.StoreFailed(err)
	}
	return s.shares.Room(ctx, org, core.ShareGroups)
}

// resolve returns the offset that a start means at this moment. An offset beyond the
// end of the stream is refused, because the group would skip events that are yet to
// come. One that retention has passed becomes the first that is left.
func (s *Groups) resolve(ctx context.Context, stream core.ID, start core.Start, field string) (core.Offset, error) {
	bounds, err := s.log.Bounds(ctx, []core.ID{stream})
	if err != nil {
		return 0, core.StoreFailed(err)
	}
	switch {
	case start.Offset != nil:
		return bounds[0].Behind(field, *start.Offset-1) // from the offset on is behind the one before it
	case !start.Time.IsZero():
		offset, err := s.log.OffsetAt(ctx, stream, start.Time)
		return offset, core.StoreFailed(err)
	case start.End:
		return bounds[0].Next, nil
	}
	return bounds[0].First, nil
}

// List returns the groups of a stream in the order of their names, without pages:
// [core.MaxGroupsPerStream] bounds them.
func (s *Groups) List(ctx context.Context, who core.Principal, stream string) ([]core.Group, error) {
	open, err := s.streams.Open(ctx, who, stream, core.ActionReadGroups)
	if err != nil {
		return nil, err
	}
	groups, err := s.store.Groups(ctx, open.ID)
	return groups, core.StoreFailed(err)
}

// Get returns a group by id or name.
func (s *Groups) Get(ctx context.Context, who core.Principal, stream, ref string) (core.Group, error) {
	g, err := s.open(ctx, who, stream, ref, core.ActionReadGroups)
	if err != nil {
		return core.Group{}, err
	}
	return *g, nil
}

// open resolves a group for a principal that wants to do something with it.
func (s *Groups) open(ctx context.Context, who core.Principal, stream, ref string, action core.Action) (*core.Group, error) {
	g, err := s.find(ctx, who, stream, ref, action)
	if err == nil && g.Processor && action == core.ActionConsume {
		return nil, errServers
	}
	return g, err
}

// errServers answers whoever wants to consume, change or delete a processor's group.
var errServers = core.Errorf(core.CodeConflict, "the server itself reads this group, for a processor; change or delete the processor, or make a consumer group of your own")

// find is open without a look at who reads the group.
func (s *Groups) find(ctx context.Context, who core.Principal, stream, ref string, action core.Action) (*core.Group, error) {
	open, err := s.streams.Open(ctx, who, stream, action)
	if err != nil {
		return nil, err
	}
	load := func([]core.Group) ([]core.Group, error) { return s.store.Groups(ctx, open.ID) }
	// A group that is not among the known ones may have been made a moment ago on
	// another node, so the store is asked once more before the answer is no.
	for range 2 {
		groups, err := s.known.Get(ctx, open.ID, load, func(error) bool { return false })
		if err != nil {
			return nil, core.StoreFailed(err)
		}
		if i := slices.IndexFunc(groups, func(g core.Group) bool { return g.Name == ref || g.ID.String() == ref }); i >= 0 {
			return &groups[i], nil
		}
		s.known.Drop(open.ID)
	}
	return nil, errNoGroup
}

// Change changes a group. With a revision other than 0, a group that has another one
// by now is a [core.CodePreconditionFailed].
func (s *Groups) Change(ctx context.Context, who core.Principal, stream, ref string, change core.GroupChange, expected int64) (core.Group, error) {
	group, err := core.Revision[core.Group]{
		Noun:   "group",
		Read:   func() (core.Group, error) { return s.fresh(ctx, who, stream, ref) },
		Number: func(group *core.Group) *int64 { return &group.Revision },
		Change: func(group *core.Group) error {
			group.UpdatedAt = s.now.Stamp()
			return group.Apply(change)
		},
		Store: func(group core.Group) error {
			err := s.store.UpdateGroup(ctx, group)
			s.known.Drop(group.Stream)
			return err
		},
	}.Revise(ctx, expected)
	if err != nil {
		return core.Group{}, err
	}
	s.record.Record(ctx, who.Did(core.AuditGroupChanged, "group", group.ID))
	return group, nil
}

// fresh reads a group that is to be changed from the store, whatever is known of it.
func (s *Groups) fresh(ctx context.Context, who core.Principal, stream, ref string) (core.Group, error) {
	open, err := s.streams.Open(ctx, who, stream, core.ActionWriteGroups)
	if err != nil {
		return core.Group{}, err
	}
	s.known.Drop(open.ID)
	g, err := s.open(ctx, who, stream, ref, core.ActionWriteGroups)
	if err != nil {
		return core.Group{}, err
	}
	if g.Processor {
		return core.Group{}, errServers
	}
	return *g, nil
}

// Delete removes a group with its progress and its dead letters. With a revision other
// than 0, a group that has another one by now is a [core.CodePreconditionFailed].
func (s *Groups) Delete(ctx context.Context, who core.Principal, stream, ref string, expected int64) error {
	g, err := s.fresh(ctx, who, stream, ref)
	if err != nil {
		return err
	}
	if expected != 0 && expected != g.Revision {
		return core.ChangedMeanwhile("group", g.Revision, expected)
	}
	err = s.store.DeleteGroup(ctx, g.Stream, g.ID)
	s.known.Drop(g.Stream) // whatever the answer is: it may have been lost
	if err != nil {
		return core.StoreFailed(err)
	}
	s.record.Record(ctx, who.Did(core.AuditGroupDeleted, "group", g.ID))
	return nil
}

// Reset moves a group to a place in its stream and returns the offset of that place.
// Everything from there on is handed out again, and nothing before it. All leases are
// lost: consumers that work on events hear so when they settle them.
func (s *Groups) Reset(ctx context.Context, who core.Principal, stream, ref string, to core.Start) (core.Offset, error) {
	g, err := s.open(ctx, who, stream, ref, core.ActionWriteGroups)
	if err != nil {
		return 0, err
	}
	// The place is found before the turn. A time that moved on meanwhile is no
	// mistake: the caller meant the moment of the call.
	offset, err := s.resolve(ctx, g.Stream, to, "to")
	if err != nil {
		return 0, err
	}
	err = s.turns.do(ctx, g, func(t *turn) error {
		t.state.seek(t.now, offset)
		t.changed = true
		return nil
	})
	if err != nil {
		return 0, err
	}
	s.record.Record(ctx, who.Did(core.AuditGroupReset, "group", g.ID))
	return offset, nil
}

// Status says how far a group got, as of the last step that any node stored. Events
// that retention has removed since count as missed already.
func (s *Groups) Status(ctx context.Context, who core.Principal, stream, ref string) (core.GroupStatus, error) {
	g, err := s.open(ctx, who, stream, ref, core.ActionReadGroups)
	if err != nil {
		return core.GroupStatus{}, err
	}
	record, err := s.recordOf(ctx, g)
	if err != nil {
		return core.GroupStatus{}, err
	}
	bounds, err := s.log.Bounds(ctx, []core.ID{g.Stream})
	if err != nil {
		return core.GroupStatus{}, core.StoreFailed(err)
	}
	return statusOf(ctx, s.log, s.streams.Archive, record, bounds[0], s.now())
}

// Statuses is Status for groups of many streams, by the ids of the groups. A group that is
// deleted meanwhile is missing, and one of a shard that is away says so.
func (s *Groups) Statuses(ctx context.Context, who core.Principal, groups []core.Group) (map[core.ID]core.GroupOverview, error) {
	var records []core.GroupRecord
	for i := range groups {
		g, err := s.open(ctx, who, groups[i].Stream.String(), groups[i].ID.String(), core.ActionReadGroups)
		var record core.GroupRecord
		if err == nil {
			record, err = s.recordOf(ctx, g)
		}
		if core.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		records = append(records, record)
	}
	statuses, unavailable, err := statusesOf(ctx, s.log, s.streams.Archive, records, s.now())
	if err != nil {
		return nil, err
	}
	all := make(map[core.ID]core.GroupOverview, len(records))
	for i := range records {
		all[records[i].Group.ID] = core.GroupOverview{Group: records[i].Group, Unavailable: unavailable[i], Status: statuses[i]}
	}
	return all, nil
}

// recordOf reads what the store has of a group.
func (s *Groups) recordOf(ctx context.Context, g *core.Group) (core.GroupRecord, error) {
	progress, err := s.store.Progress(ctx, g.ID)
	if err != nil {
		return core.GroupRecord{}, core.StoreFailed(err)
	}
	counts, err := s.store.CountDeadLetters(ctx, g.Org, core.LetterScan{Filter: core.LetterFilter{Stream: g.Stream, Group: g.ID}, Limit: core.MaxPageSize})
	if err != nil {
		return core.GroupRecord{}, core.StoreFailed(err)
	}
	record := core.GroupRecord{Group: *g, Progress: progress}
	for _, count := range counts {
		record.DeadLetters += count.Count
	}
	return record, nil
}
