package core

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"time"
)

// GroupSpec describes a group to be created.
type GroupSpec struct {
	Name        string       `json:"name"`
	Mode        Mode         `json:"mode"`
	Start       Start        `json:"start"`
	Visibility  *Seconds     `json:"visibility"`
	MaxAttempts *int         `json:"max_attempts"`
	Backoff     *BackoffSpec `json:"backoff"`
}

// GroupChange describes changes to a group; a nil field changes nothing. A
// group's mode and start do not change: make another group, or reset this one.
type GroupChange struct {
	Name        *string      `json:"name,omitempty"`
	Visibility  *Seconds     `json:"visibility,omitempty"`
	MaxAttempts *int         `json:"max_attempts,omitempty"`
	Backoff     *BackoffSpec `json:"backoff,omitempty"`
}

// BackoffSpec describes a backoff; a nil field changes nothing.
type BackoffSpec struct {
	Initial *Seconds `json:"initial,omitempty"`
	Max     *Seconds `json:"max,omitempty"`
}

// Start is a place in a stream, as people name it: `start`, `end`, an offset,
// or a time. In JSON it is one of these two words, a number, or a text of RFC
// 3339. The zero value is the start.
type Start struct {
	End    bool
	Offset *Offset
	Time   time.Time
}

// MarshalJSON implements [json.Marshaler].
func (s Start) MarshalJSON() ([]byte, error) {
	switch {
	case s.Offset != nil:
		return json.Marshal(*s.Offset)
	case !s.Time.IsZero():
		return json.Marshal(s.Time)
	case s.End:
		return []byte(`"end"`), nil
	}
	return []byte(`"start"`), nil
}

// UnmarshalJSON implements [json.Unmarshaler].
func (s *Start) UnmarshalJSON(text []byte) error {
	var offset Offset
	if json.Unmarshal(text, &offset) == nil && offset >= 0 && text[0] != 'n' {
		*s = Start{Offset: &offset}
		return nil
	}
	switch string(text) {
	case `"start"`:
		*s = Start{}
		return nil
	case `"end"`:
		*s = Start{End: true}
		return nil
	}
	var at time.Time
	if json.Unmarshal(text, &at) != nil || at.IsZero() {
		return &json.UnmarshalTypeError{Value: jsonKind(text), Type: reflect.TypeFor[Start]()}
	}
	*s = Start{Time: at}
	return nil
}

// GroupStatus says how far a group got.
type GroupStatus struct {
	// CommittedOffset is the last offset up to which everything is settled, -1
	// when nothing is.
	CommittedOffset Offset `json:"committed_offset"`
	// CommittedAt is when something was last settled, nil when nothing was.
	CommittedAt *time.Time `json:"committed_at"`
	// NextOffset is the first offset that was never handed out, EndOffset the
	// next one of the stream.
	NextOffset Offset `json:"next_offset"`
	EndOffset  Offset `json:"end_offset"`
	// Lag is how many events are not settled: those never handed out, Leased
	// that consumers hold, and Waiting that are to be tried again.
	Lag     int64 `json:"lag"`
	Leased  int64 `json:"leased"`
	Waiting int64 `json:"waiting"`
	// LagSeconds is the age of the oldest event that is not settled.
	LagSeconds float64 `json:"lag_seconds"`
	// Missed is how many events retention removed before they were settled.
	Missed      int64 `json:"missed"`
	DeadLetters int64 `json:"dead_letters"`
}

// CreateGroup makes a consumer group. A taken name is a [CodeConflict].
func (c *Consumers) CreateGroup(ctx context.Context, who Principal, stream string, spec GroupSpec) (Group, error) {
	open, err := c.streams.open(ctx, who, stream, ActionWriteGroups)
	if err != nil {
		return Group{}, err
	}
	now := c.now.Stamp()
	group := Group{
		ID: newID(now), Org: open.Org, Stream: open.ID, Name: spec.Name, Mode: spec.Mode, Visibility: DefaultVisibility,
		MaxAttempts: DefaultMaxAttempts, Backoff: Backoff{DefaultBackoffInitial, DefaultBackoffMax}, Revision: 1, CreatedAt: now, UpdatedAt: now,
	}
	if group.Mode == "" {
		group.Mode = Ordered
	}
	if group.Mode != Ordered && group.Mode != Shared {
		return Group{}, Invalid("mode", "must be ordered or shared")
	}
	if err := group.apply(GroupChange{Visibility: spec.Visibility, MaxAttempts: spec.MaxAttempts, Backoff: spec.Backoff}); err != nil {
		return Group{}, err
	}
	next, err := c.resolve(ctx, open.ID, spec.Start, "start")
	if err != nil {
		return Group{}, err
	}
	if err := c.roomForGroup(ctx, open.ID); err != nil {
		return Group{}, err
	}
	first := Progress{Revision: 1, State: (&groupState{Next: next}).encode()}
	if err := c.store.CreateGroup(ctx, group, first); err != nil {
		return Group{}, StoreFailed(err)
	}
	c.known.drop(open.ID)
	return group, nil
}

func (c *Consumers) roomForGroup(ctx context.Context, stream ID) error {
	groups, err := c.store.Groups(ctx, stream)
	if err == nil && len(groups) >= MaxGroupsPerStream {
		return Errorf(CodeConflict, "the stream has %d consumer groups, which is as many as it may have; delete one", len(groups))
	}
	return StoreFailed(err)
}

// resolve returns the offset that a start means now. One beyond the end of the
// stream is refused: it would skip what is yet to come.
func (c *Consumers) resolve(ctx context.Context, stream ID, start Start, field string) (Offset, error) {
	bounds, err := c.log.Bounds(ctx, []ID{stream})
	if err != nil {
		return 0, StoreFailed(err)
	}
	switch {
	case start.Offset != nil && *start.Offset > bounds[0].Next:
		return 0, Invalid(field, "is beyond the end of the stream, whose next offset is %d", bounds[0].Next)
	case start.Offset != nil:
		return max(*start.Offset, bounds[0].First), nil
	case !start.Time.IsZero():
		offset, err := c.log.OffsetAt(ctx, stream, start.Time)
		return offset, StoreFailed(err)
	case start.End:
		return bounds[0].Next, nil
	}
	return bounds[0].First, nil
}

// apply checks a change and makes it.
func (g *Group) apply(change GroupChange) error {
	set(&g.Name, change.Name)
	set(&g.Visibility, change.Visibility)
	set(&g.MaxAttempts, change.MaxAttempts)
	if change.Backoff != nil {
		set(&g.Backoff.Initial, change.Backoff.Initial)
		set(&g.Backoff.Max, change.Backoff.Max)
		if change.Backoff.Max == nil {
			g.Backoff.Max = max(g.Backoff.Max, g.Backoff.Initial)
		}
	}
	if err := checkStreamName(g.Name); err != nil {
		return err
	}
	switch {
	case g.Visibility < MinVisibility || g.Visibility > MaxVisibility:
		return Invalid("visibility", "must be %v to %v seconds", MinVisibility.Duration().Seconds(), MaxVisibility.Duration().Seconds())
	case g.MaxAttempts < 1 || g.MaxAttempts > MaxMaxAttempts:
		return Invalid("max_attempts", "must be 1 to %d", MaxMaxAttempts)
	case g.Backoff.Initial < 0 || g.Backoff.Initial > MaxBackoff:
		return Invalid("backoff.initial", "must be 0 to %v seconds", MaxBackoff.Duration().Seconds())
	case g.Backoff.Max < g.Backoff.Initial || g.Backoff.Max > MaxBackoff:
		return Invalid("backoff.max", "must be at least backoff.initial and at most %v seconds", MaxBackoff.Duration().Seconds())
	}
	return nil
}

func set[T any](field, value *T) {
	if value != nil {
		*field = *value
	}
}

// Groups returns the groups of a stream, by name.
func (c *Consumers) Groups(ctx context.Context, who Principal, stream string) ([]Group, error) {
	open, err := c.streams.open(ctx, who, stream, ActionReadGroups)
	if err != nil {
		return nil, err
	}
	groups, err := c.store.Groups(ctx, open.ID)
	return groups, StoreFailed(err)
}

// Group returns a group by id or name.
func (c *Consumers) Group(ctx context.Context, who Principal, stream, ref string) (Group, error) {
	g, err := c.open(ctx, who, stream, ref, ActionReadGroups)
	if err != nil {
		return Group{}, err
	}
	return *g, nil
}

// open resolves a group for a principal that wants to do something with it.
func (c *Consumers) open(ctx context.Context, who Principal, stream, ref string, action Action) (*Group, error) {
	open, err := c.streams.open(ctx, who, stream, action)
	if err != nil {
		return nil, err
	}
	load := func([]Group) ([]Group, error) { return c.store.Groups(ctx, open.ID) }
	for range 2 {
		groups, err := c.known.get(open.ID, load, func(error) bool { return false })
		if err != nil {
			return nil, StoreFailed(err)
		}
		if i := slices.IndexFunc(groups, func(g Group) bool { return g.Name == ref || g.ID.String() == ref }); i >= 0 {
			return &groups[i], nil
		}
		c.known.drop(open.ID) // it may have been made a moment ago, on another node
	}
	return nil, errNoGroup
}

// ChangeGroup changes a group. With a revision other than 0, a group that has
// another one by now is a [CodePreconditionFailed].
func (c *Consumers) ChangeGroup(ctx context.Context, who Principal, stream, ref string, change GroupChange, expected int64) (Group, error) {
	return revision[Group]{
		noun:   "group",
		read:   func() (Group, error) { return c.fresh(ctx, who, stream, ref) },
		number: func(group *Group) *int64 { return &group.Revision },
		change: func(group *Group) error {
			group.UpdatedAt = c.now.Stamp()
			return group.apply(change)
		},
		store: func(group Group) error {
			err := c.store.UpdateGroup(ctx, group)
			c.known.drop(group.Stream)
			return err
		},
	}.revise(ctx, expected)
}

// fresh reads a group that is to be changed.
func (c *Consumers) fresh(ctx context.Context, who Principal, stream, ref string) (Group, error) {
	open, err := c.streams.open(ctx, who, stream, ActionWriteGroups)
	if err != nil {
		return Group{}, err
	}
	c.known.drop(open.ID)
	g, err := c.open(ctx, who, stream, ref, ActionWriteGroups)
	if err != nil {
		return Group{}, err
	}
	return *g, nil
}

// DeleteGroup removes a group with its progress and its dead letters.
func (c *Consumers) DeleteGroup(ctx context.Context, who Principal, stream, ref string, expected int64) error {
	g, err := c.fresh(ctx, who, stream, ref)
	if err != nil {
		return err
	}
	if expected != 0 && expected != g.Revision {
		return changedMeanwhile("group", g.Revision, expected)
	}
	err = c.store.DeleteGroup(ctx, g.Stream, g.ID)
	c.known.drop(g.Stream)
	return StoreFailed(err)
}

// Reset moves a group to a place in its stream: what comes from there on is
// handed out again, and nothing before it. All leases are lost. It returns the
// offset.
func (c *Consumers) Reset(ctx context.Context, who Principal, stream, ref string, to Start) (Offset, error) {
	g, err := c.open(ctx, who, stream, ref, ActionWriteGroups)
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
func (c *Consumers) Status(ctx context.Context, who Principal, stream, ref string) (GroupStatus, error) {
	g, err := c.open(ctx, who, stream, ref, ActionReadGroups)
	if err != nil {
		return GroupStatus{}, err
	}
	status, err := c.status(ctx, g)
	return status, StoreFailed(err)
}

func (c *Consumers) status(ctx context.Context, g *Group) (GroupStatus, error) {
	progress, err := c.store.Progress(ctx, g.ID)
	if err != nil {
		return GroupStatus{}, err
	}
	counts, err := c.store.CountDeadLetters(ctx, g.Org, LetterScan{Filter: LetterFilter{Stream: g.Stream, Group: g.ID}, Limit: MaxPageSize})
	if err != nil {
		return GroupStatus{}, err
	}
	var letters int64
	for _, count := range counts {
		letters += count.Count
	}
	return c.statusOf(ctx, g, progress, letters)
}

func (c *Consumers) statusOf(ctx context.Context, g *Group, progress Progress, letters int64) (GroupStatus, error) {
	bounds, err := c.log.Bounds(ctx, []ID{g.Stream})
	if err != nil {
		return GroupStatus{}, err
	}
	group, err := standingOf(GroupRecord{Group: *g, Progress: progress}, bounds[0])
	if err != nil {
		return GroupStatus{}, err
	}
	state := group.state
	status := GroupStatus{
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
func (c *Consumers) age(ctx context.Context, g *Group, from, to Offset) (float64, error) {
	if from >= to {
		return 0, nil
	}
	events, err := c.log.Read(ctx, g.Stream, Scan{From: from, To: to, Limit: 1, Bytes: 1})
	if err != nil || len(events) == 0 {
		return 0, err
	}
	return max(c.now().Sub(events[0].ReceivedAt).Seconds(), 0), nil
}
