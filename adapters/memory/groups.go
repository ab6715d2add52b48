package memory

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Groups keeps consumer groups in memory. It implements [core.GroupStore].
type Groups struct {
	mu       sync.Mutex
	groups   map[core.ID]core.Group
	progress map[core.ID]core.Progress
	attempts map[core.ID][]core.Attempt
	letters  map[core.ID]core.DeadLetter
	replays  map[core.ID]core.Replay
}

// NewGroups returns an empty store of groups.
func NewGroups() *Groups {
	return &Groups{
		groups: map[core.ID]core.Group{}, progress: map[core.ID]core.Progress{}, attempts: map[core.ID][]core.Attempt{},
		letters: map[core.ID]core.DeadLetter{}, replays: map[core.ID]core.Replay{},
	}
}

var (
	errNoGroup = core.Errorf(core.CodeNotFound, "there is no such consumer group")
	errMoved   = core.Errorf(core.CodePreconditionFailed, "it was changed meanwhile; read it again")
)

// CreateGroup implements [core.Groups].
func (g *Groups) CreateGroup(ctx context.Context, group core.Group, first core.Progress) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.free(group); err != nil || ctx.Err() != nil {
		return cmp.Or(err, ctx.Err())
	}
	g.groups[group.ID] = group
	g.progress[group.ID] = core.Progress{Revision: first.Revision, State: bytes.Clone(first.State)}
	return nil
}

// free reports a conflict when another group of the stream has the name.
func (g *Groups) free(group core.Group) error {
	for _, other := range g.groups {
		if other.ID != group.ID && other.Stream == group.Stream && other.Name == group.Name {
			return core.Errorf(core.CodeConflict, "the stream has a consumer group named %q already", group.Name)
		}
	}
	return nil
}

// Groups implements [core.Groups].
func (g *Groups) Groups(_ context.Context, stream core.ID) ([]core.Group, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var groups []core.Group
	for _, group := range g.groups {
		if group.Stream == stream {
			groups = append(groups, group)
		}
	}
	slices.SortFunc(groups, func(a, b core.Group) int { return strings.Compare(a.Name, b.Name) })
	return groups, nil
}

// AllGroups implements [core.Groups].
func (g *Groups) AllGroups(_ context.Context, scan core.GroupScan) ([]core.GroupRecord, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []core.GroupRecord
	for id, group := range g.groups {
		if bytes.Compare(id[:], scan.After[:]) > 0 && (scan.Org.IsZero() || group.Org == scan.Org) &&
			(len(scan.Streams) == 0 || slices.Contains(scan.Streams, group.Stream)) {
			record := core.GroupRecord{Group: group, Progress: g.progress[id]}
			record.Progress.State = bytes.Clone(record.Progress.State)
			for _, letter := range g.letters {
				if letter.Group == id {
					record.DeadLetters++
				}
			}
			all = append(all, record)
		}
	}
	slices.SortFunc(all, func(a, b core.GroupRecord) int { return bytes.Compare(a.Group.ID[:], b.Group.ID[:]) })
	return all[:min(len(all), scan.Limit)], nil
}

// UpdateGroup implements [core.Groups].
func (g *Groups) UpdateGroup(_ context.Context, group core.Group) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	old, ok := g.groups[group.ID]
	switch {
	case !ok || old.Stream != group.Stream:
		return errNoGroup
	case old.Revision != group.Revision-1:
		return errMoved
	}
	if err := g.free(group); err != nil {
		return err
	}
	group.Org, group.Mode, group.CreatedAt = old.Org, old.Mode, old.CreatedAt
	g.groups[group.ID] = group
	return nil
}

// DeleteGroup implements [core.Groups].
func (g *Groups) DeleteGroup(_ context.Context, stream, id core.ID) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if old, ok := g.groups[id]; !ok || old.Stream != stream {
		return errNoGroup
	}
	delete(g.groups, id)
	delete(g.progress, id)
	delete(g.attempts, id)
	for letter := range g.letters {
		if g.letters[letter].Group == id {
			delete(g.letters, letter)
		}
	}
	return nil
}

// Progress implements [core.Progresses].
func (g *Groups) Progress(_ context.Context, group core.ID) (core.Progress, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	progress, ok := g.progress[group]
	if !ok {
		return core.Progress{}, errNoGroup
	}
	progress.State = bytes.Clone(progress.State)
	return progress, nil
}

// Advance implements [core.Progresses].
func (g *Groups) Advance(ctx context.Context, group core.ID, step core.Step) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	old, ok := g.progress[group]
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !ok:
		return errNoGroup
	case old.Revision != step.Revision-1:
		return errMoved
	}
	g.progress[group] = core.Progress{Revision: step.Revision, State: bytes.Clone(step.State)}
	g.attempts[group] = append(g.attempts[group], step.Attempts...)
	for _, letter := range step.Letters {
		letter.Event, letter.Attempts = clone(letter.Event), slices.Clone(letter.Attempts)
		g.letters[letter.ID] = letter
	}
	for _, id := range step.Remove {
		delete(g.letters, id)
	}
	return nil
}

// Attempts implements [core.Progresses].
func (g *Groups) Attempts(_ context.Context, group core.ID, offset core.Offset) ([]core.Attempt, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var covering []core.Attempt
	for _, a := range g.attempts[group] {
		if a.From <= offset && offset < a.To {
			covering = append(covering, a)
		}
	}
	slices.SortStableFunc(covering, func(a, b core.Attempt) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Number, b.Number)) })
	return covering, nil
}

// ForgetAttempts implements [core.Progresses].
func (g *Groups) ForgetAttempts(_ context.Context, before time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for group := range g.attempts {
		g.attempts[group] = slices.DeleteFunc(g.attempts[group], func(a core.Attempt) bool { return a.At.Before(before) })
	}
	return nil
}

// scan returns the letters that a scan is about, in its order.
func (g *Groups) scan(org core.ID, scan core.LetterScan) (all []core.DeadLetter) {
	for _, l := range g.letters {
		if l.Org == org && selects(scan.Filter, &l) && within(scan, &l) {
			all = append(all, l)
		}
	}
	slices.SortFunc(all, func(a, b core.DeadLetter) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	if scan.Backward {
		slices.Reverse(all)
	}
	return all
}

func selects(f core.LetterFilter, l *core.DeadLetter) bool {
	return (f.Stream.IsZero() || f.Stream == l.Stream) && (f.Group.IsZero() || f.Group == l.Group) &&
		(f.Reason == "" || f.Reason == l.Reason) && (f.Type == "" || f.Type == l.Event.Type) &&
		(f.State == "" || f.State == l.State) && (f.Offset == nil || *f.Offset == l.Event.Offset)
}

func within(scan core.LetterScan, l *core.DeadLetter) bool {
	return (len(scan.Streams) == 0 || slices.Contains(scan.Streams, l.Stream)) &&
		(scan.After.IsZero() || bytes.Compare(l.ID[:], scan.After[:]) > 0) &&
		(scan.Before.IsZero() || bytes.Compare(l.ID[:], scan.Before[:]) < 0)
}

// DeadLetters implements [core.DeadLetters].
func (g *Groups) DeadLetters(_ context.Context, org core.ID, scan core.LetterScan) ([]core.DeadLetter, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := g.scan(org, scan)
	all = all[:min(len(all), scan.Limit)]
	for i := range all {
		all[i].Event, all[i].Attempts = clone(all[i].Event), slices.Clone(all[i].Attempts)
	}
	return all, nil
}

// DeadLetter implements [core.DeadLetters].
func (g *Groups) DeadLetter(_ context.Context, org, id core.ID) (core.DeadLetter, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	letter, ok := g.letters[id]
	if !ok || letter.Org != org {
		return core.DeadLetter{}, core.Errorf(core.CodeNotFound, "there is no such dead letter")
	}
	letter.Event, letter.Attempts = clone(letter.Event), slices.Clone(letter.Attempts)
	return letter, nil
}

// CountDeadLetters implements [core.DeadLetters].
func (g *Groups) CountDeadLetters(_ context.Context, org core.ID, scan core.LetterScan) ([]core.LetterCount, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	counted := map[core.LetterCount]int64{}
	for _, l := range g.scan(org, scan) {
		counted[core.LetterCount{Stream: l.Stream, Group: l.Group, Reason: l.Reason}]++
	}
	counts := make([]core.LetterCount, 0, len(counted))
	for one, n := range counted {
		one.Count = n
		counts = append(counts, one)
	}
	slices.SortFunc(counts, func(a, b core.LetterCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), bytes.Compare(a.Stream[:], b.Stream[:]),
			bytes.Compare(a.Group[:], b.Group[:]), strings.Compare(a.Reason, b.Reason))
	})
	return counts[:min(len(counts), scan.Limit)], nil
}

// CreateReplay implements [core.Replays].
func (g *Groups) CreateReplay(_ context.Context, replay core.Replay) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.replays[replay.ID] = replay
	return nil
}

// Replay implements [core.Replays].
func (g *Groups) Replay(_ context.Context, org, id core.ID) (core.Replay, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	replay, ok := g.replays[id]
	if !ok || replay.Org != org {
		return core.Replay{}, core.Errorf(core.CodeNotFound, "there is no such replay")
	}
	return replay, nil
}

// UpdateReplay implements [core.Replays].
func (g *Groups) UpdateReplay(_ context.Context, replay core.Replay) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.replays[replay.ID].Revision != replay.Revision-1 {
		return errMoved
	}
	g.replays[replay.ID] = replay
	return nil
}

// RunningReplays implements [core.Replays].
func (g *Groups) RunningReplays(_ context.Context, at time.Time, limit int) ([]core.Replay, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var running []core.Replay
	for _, r := range g.replays {
		if r.State == core.ReplayRunning && !r.HeldUntil.After(at) {
			running = append(running, r)
		}
	}
	slices.SortFunc(running, func(a, b core.Replay) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	return running[:min(len(running), limit)], nil
}
