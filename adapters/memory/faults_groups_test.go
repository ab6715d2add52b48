package memory_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var groupFaults = slices.Concat(stepFaults, letterFaults, definitionFaults)

var stepFaults = []groupFault{
	{"advances from any revision", []string{fenced, oneMade, whole, delivery}, func(f *faultyGroups) {
		f.advance = func(ctx context.Context, group core.ID, step core.Step) error {
			err := f.GroupStore.Advance(ctx, group, step)
			for core.CodeOf(err) == core.CodePreconditionFailed {
				progress, _ := f.GroupStore.Progress(ctx, group)
				step.Revision = progress.Revision + 1
				err = f.GroupStore.Advance(ctx, group, step)
			}
			return err
		}
	}},
	{"checks the revision before the transaction", []string{oneMade}, func(f *faultyGroups) {
		old := map[core.ID]int64{}
		var next core.ID
		f.advance = func(ctx context.Context, group core.ID, step core.Step) error {
			progress, err := f.GroupStore.Progress(ctx, group)
			if err != nil {
				return err
			}
			if seen := old[group]; next == group && seen == step.Revision-1 && progress.Revision == step.Revision {
				return nil // the other's step is overwritten
			}
			old[group], next = progress.Revision, group
			return f.GroupStore.Advance(ctx, group, step)
		}
	}},
	{"loses dead letters", []string{whole, lettersKept, delivery}, changesSteps(func(step *core.Step) { step.Letters = nil })},
	{"keeps one dead letter of a step", []string{whole, lettersKept, delivery}, changesSteps(func(step *core.Step) { step.Letters = step.Letters[:min(len(step.Letters), 1)] })},
	{"loses attempts", []string{whole, covered}, changesSteps(func(step *core.Step) { step.Attempts = nil })},
	{"keeps a thousand attempts of a step", []string{covered}, changesSteps(func(step *core.Step) { step.Attempts = step.Attempts[:min(len(step.Attempts), 1000)] })},
	{"forgets what to remove", []string{whole, delivery}, changesSteps(func(step *core.Step) { step.Remove = nil })},
	{"stores a letter once only", []string{whole}, func(f *faultyGroups) {
		f.advance = func(ctx context.Context, group core.ID, step core.Step) error {
			step.Letters = slices.DeleteFunc(slices.Clone(step.Letters), func(l core.DeadLetter) bool {
				_, err := f.GroupStore.DeadLetter(ctx, l.Org, l.ID)
				return err == nil
			})
			return f.GroupStore.Advance(ctx, group, step)
		}
	}},
	{"stores letters and not the state", []string{fenced, delivery}, func(f *faultyGroups) {
		f.advance = func(ctx context.Context, group core.ID, step core.Step) error {
			old, err := f.GroupStore.Progress(ctx, group)
			if err == nil {
				step.State = old.State
			}
			return f.GroupStore.Advance(ctx, group, step)
		}
	}},
	{"stores letters of a step that it refuses", []string{whole}, func(f *faultyGroups) {
		f.advance = func(ctx context.Context, group core.ID, step core.Step) error {
			err := f.GroupStore.Advance(ctx, group, step)
			if progress, e := f.GroupStore.Progress(ctx, group); err != nil && e == nil {
				step.Progress = core.Progress{Revision: progress.Revision + 1, State: progress.State}
				_ = f.GroupStore.Advance(context.WithoutCancel(ctx), group, step)
			}
			return err
		}
	}},
	{"stores the state and not the letters of some", []string{delivery}, func(f *faultyGroups) {
		n := 0
		f.advance = func(ctx context.Context, group core.ID, step core.Step) error {
			if n++; n%7 == 0 {
				step.Letters, step.Remove = nil, nil
			}
			return f.GroupStore.Advance(ctx, group, step)
		}
	}},
	{"acknowledges one in twenty without storing it", []string{delivery, oneMade}, func(f *faultyGroups) {
		n := 0
		f.advance = func(ctx context.Context, group core.ID, step core.Step) error {
			if progress, err := f.GroupStore.Progress(ctx, group); err == nil && progress.Revision == step.Revision-1 {
				if n++; n%20 == 0 || n == 7 {
					return nil
				}
			}
			return f.GroupStore.Advance(ctx, group, step)
		}
	}},
	{"makes a step whose context has ended", []string{whole}, func(f *faultyGroups) {
		f.advance = func(ctx context.Context, group core.ID, step core.Step) error {
			return errors.Join(f.GroupStore.Advance(context.WithoutCancel(ctx), group, step), ctx.Err())
		}
	}},
	{"does not know a deleted group", []string{fenced, deleted}, func(f *faultyGroups) {
		f.advance = func(ctx context.Context, group core.ID, step core.Step) error {
			err := f.GroupStore.Advance(ctx, group, step)
			if core.CodeOf(err) == core.CodeNotFound {
				return core.Errorf(core.CodePreconditionFailed, "it has changed since it was read")
			}
			return err
		}
	}},
	{"shows the progress of one step before", []string{fenced, delivery}, func(f *faultyGroups) {
		before := map[core.ID]core.Progress{}
		f.advance = func(ctx context.Context, group core.ID, step core.Step) error {
			old, _ := f.GroupStore.Progress(ctx, group)
			err := f.GroupStore.Advance(ctx, group, step)
			if err == nil {
				before[group] = old
			}
			return err
		}
		f.look = func(ctx context.Context, group core.ID) (core.Progress, error) {
			if old, ok := before[group]; ok {
				return old, nil
			}
			return f.GroupStore.Progress(ctx, group)
		}
	}},
	{"serialises the state anew", []string{fenced}, func(f *faultyGroups) {
		f.look = func(ctx context.Context, group core.ID) (core.Progress, error) {
			progress, err := f.GroupStore.Progress(ctx, group)
			progress.State = bytes.ReplaceAll(progress.State, []byte(`":`), []byte(`": `))
			return progress, err
		}
	}},
	{"finds attempts by their beginning", []string{covered}, keepsAttempts(func(a core.Attempt, offset core.Offset) bool { return a.From == offset })},
	{"includes the end of attempts", []string{covered}, func(f *faultyGroups) {
		f.tries = func(ctx context.Context, group core.ID, offset core.Offset) ([]core.Attempt, error) {
			all, err := f.GroupStore.Attempts(ctx, group, offset)
			last, _ := f.GroupStore.Attempts(ctx, group, offset-1)
			return append(all, slices.DeleteFunc(last, func(a core.Attempt) bool { return a.To != offset })...), err
		}
	}},
	{"shows the newest attempts first", []string{covered}, func(f *faultyGroups) {
		f.tries = func(ctx context.Context, group core.ID, offset core.Offset) ([]core.Attempt, error) {
			all, err := f.GroupStore.Attempts(ctx, group, offset)
			slices.Reverse(all)
			return all, err
		}
	}},
	{"forgets an attempt too many", []string{forgotten}, func(f *faultyGroups) {
		f.forget = func(ctx context.Context, before time.Time) error {
			return f.GroupStore.ForgetAttempts(ctx, before.Add(time.Microsecond))
		}
	}},
	{"forgets no attempt", []string{forgotten}, func(f *faultyGroups) { f.forget = func(context.Context, time.Time) error { return nil } }},
}

// changesSteps changes what is stored of a step.
func changesSteps(change func(*core.Step)) func(*faultyGroups) {
	return func(f *faultyGroups) {
		f.advance = func(ctx context.Context, group core.ID, step core.Step) error {
			change(&step)
			return f.GroupStore.Advance(ctx, group, step)
		}
	}
}

// keepsAttempts answers some of the attempts.
func keepsAttempts(some func(core.Attempt, core.Offset) bool) func(*faultyGroups) {
	return func(f *faultyGroups) {
		f.tries = func(ctx context.Context, group core.ID, offset core.Offset) ([]core.Attempt, error) {
			all, err := f.GroupStore.Attempts(ctx, group, offset)
			return slices.DeleteFunc(all, func(a core.Attempt) bool { return !some(a, offset) }), err
		}
	}
}

var definitionFaults = []groupFault{
	{"keeps the letters of a deleted group", []string{deleted}, func(f *faultyGroups) {
		f.remove = func(ctx context.Context, stream, id core.ID) error {
			letters, _ := f.GroupStore.DeadLetters(ctx, core.ID{0: 0x0a, 6: 0x70, 8: 0x80}, core.LetterScan{Filter: core.LetterFilter{Group: id}, Limit: 100})
			err := f.GroupStore.DeleteGroup(ctx, stream, id)
			old := f.letter
			f.letter = func(ctx context.Context, org, id core.ID) (core.DeadLetter, error) {
				if i := slices.IndexFunc(letters, func(l core.DeadLetter) bool { return l.ID == id }); i >= 0 {
					return letters[i], nil
				}
				return old(ctx, org, id)
			}
			return err
		}
	}},
	{"keeps the attempts of a deleted group", []string{deleted}, func(f *faultyGroups) {
		kept := map[core.ID][]core.Attempt{}
		f.advance = func(ctx context.Context, group core.ID, step core.Step) error {
			err := f.GroupStore.Advance(ctx, group, step)
			if err == nil {
				kept[group] = append(kept[group], step.Attempts...)
			}
			return err
		}
		f.tries = func(_ context.Context, group core.ID, _ core.Offset) ([]core.Attempt, error) { return kept[group], nil }
	}},
	{"deletes a group of another stream", []string{deleted}, func(f *faultyGroups) {
		streams := map[core.ID]core.ID{}
		f.create = func(ctx context.Context, group core.Group, first core.Progress) error {
			streams[group.ID] = group.Stream
			return f.GroupStore.CreateGroup(ctx, group, first)
		}
		f.remove = func(ctx context.Context, _, id core.ID) error { return f.GroupStore.DeleteGroup(ctx, streams[id], id) }
	}},
	{"does not say that there was no group", []string{deleted}, func(f *faultyGroups) {
		f.remove = func(ctx context.Context, stream, id core.ID) error {
			_ = f.GroupStore.DeleteGroup(ctx, stream, id)
			return nil
		}
	}},
	{"changes a group from any revision", []string{changed}, func(f *faultyGroups) {
		f.update = func(ctx context.Context, group core.Group) error {
			for _, old := range f.groupsOf(ctx, group.Stream) {
				if old.ID == group.ID {
					group.Revision = old.Revision + 1
				}
			}
			return f.GroupStore.UpdateGroup(ctx, group)
		}
	}},
	{"forgets the backoff of a change", []string{changed}, func(f *faultyGroups) {
		f.update = func(ctx context.Context, group core.Group) error {
			for _, old := range f.groupsOf(ctx, group.Stream) {
				if old.ID == group.ID {
					group.Backoff = old.Backoff
				}
			}
			return f.GroupStore.UpdateGroup(ctx, group)
		}
	}},
	{"keeps seconds", []string{stored}, func(f *faultyGroups) {
		f.create = func(ctx context.Context, group core.Group, first core.Progress) error {
			group.Visibility = core.Seconds(group.Visibility.Duration().Truncate(time.Second))
			return f.GroupStore.CreateGroup(ctx, group, first)
		}
	}},
	{"sorts groups regardless of case", []string{stored}, func(f *faultyGroups) {
		f.list = func(ctx context.Context, stream core.ID) ([]core.Group, error) {
			all, err := f.GroupStore.Groups(ctx, stream)
			slices.SortStableFunc(all, func(a, b core.Group) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
			return all, err
		}
	}},
	{"takes a name twice", []string{unique}, func(f *faultyGroups) {
		f.create = func(ctx context.Context, group core.Group, first core.Progress) error {
			_ = f.GroupStore.CreateGroup(ctx, group, first)
			return nil
		}
	}},
	{"shows a replay to all", []string{isolated}, func(f *faultyGroups) {
		f.replay = func(ctx context.Context, _, id core.ID) (core.Replay, error) {
			return f.GroupStore.Replay(ctx, core.ID{0: 0x0a, 6: 0x70, 8: 0x80}, id)
		}
	}},
	{"ignores who holds a replay", []string{replaying}, func(f *faultyGroups) {
		f.running = func(ctx context.Context, at time.Time, limit int) ([]core.Replay, error) {
			return f.GroupStore.DueReplays(ctx, at.Add(time.Hour), limit)
		}
	}},
	{"holds a replay a moment longer", []string{replaying}, func(f *faultyGroups) {
		f.running = func(ctx context.Context, at time.Time, limit int) ([]core.Replay, error) {
			return f.GroupStore.DueReplays(ctx, at.Add(-time.Microsecond), limit)
		}
	}},
	{"gives the turns to who has the most replays", []string{turning}, func(f *faultyGroups) {
		f.running = func(ctx context.Context, at time.Time, limit int) (due []core.Replay, err error) {
			for _, org := range []core.ID{{0: 0x0a, 6: 0x70, 8: 0x80}, {0: 0x0b, 6: 0x70, 8: 0x80}} {
				all, err := f.GroupStore.Replays(ctx, org, core.ReplayScan{State: core.ReplayRunning, Limit: limit})
				due = append(due, slices.DeleteFunc(all, func(r core.Replay) bool { return r.HeldUntil.After(at) })...)
				if err != nil {
					return nil, err
				}
			}
			return due, nil
		}
	}},
	{"lists the replays of all", []string{turning}, func(f *faultyGroups) {
		f.replays = func(ctx context.Context, org core.ID, scan core.ReplayScan) ([]core.Replay, error) {
			scan.State = ""
			return f.GroupStore.Replays(ctx, org, scan)
		}
	}},
	{"changes a replay from any revision", []string{replaying}, func(f *faultyGroups) {
		f.save = func(ctx context.Context, replay core.Replay) error {
			if old, err := f.GroupStore.Replay(ctx, replay.Org, replay.ID); err == nil {
				replay.Revision = old.Revision + 1
			}
			return f.GroupStore.UpdateReplay(ctx, replay)
		}
	}},
	{"loses the cursor of a replay", []string{replaying}, func(f *faultyGroups) {
		f.save = func(ctx context.Context, replay core.Replay) error {
			replay.Cursor = core.ID{}
			return f.GroupStore.UpdateReplay(ctx, replay)
		}
	}},
}

// groupsOf is for faults.
func (f *faultyGroups) groupsOf(ctx context.Context, stream core.ID) []core.Group {
	all, _ := f.GroupStore.Groups(ctx, stream)
	return all
}
