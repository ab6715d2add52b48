package memory_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var letterFaults = []groupFault{
	{"scans the letters of all", []string{isolated}, func(f *faultyGroups) {
		seen := map[core.ID]bool{}
		f.advance = func(ctx context.Context, group core.ID, step core.Step) error {
			for _, l := range step.Letters {
				seen[l.Org] = true
			}
			return f.GroupStore.Advance(ctx, group, step)
		}
		f.letters = func(ctx context.Context, _ core.ID, scan core.LetterScan) (all []core.DeadLetter, _ error) {
			for org := range seen {
				page, _ := f.GroupStore.DeadLetters(ctx, org, scan)
				all = append(all, page...)
			}
			return all, nil
		}
	}},
	{"shows a letter to all", []string{isolated}, func(f *faultyGroups) {
		known := map[core.ID]core.DeadLetter{}
		f.advance = func(ctx context.Context, group core.ID, step core.Step) error {
			for _, l := range step.Letters {
				known[l.ID] = l
			}
			return f.GroupStore.Advance(ctx, group, step)
		}
		f.letter = func(ctx context.Context, org, id core.ID) (core.DeadLetter, error) {
			if l, ok := known[id]; ok {
				return l, nil
			}
			return f.GroupStore.DeadLetter(ctx, org, id)
		}
	}},
	{"includes before", []string{scanned}, func(f *faultyGroups) {
		f.letters = func(ctx context.Context, org core.ID, scan core.LetterScan) ([]core.DeadLetter, error) {
			for i := len(scan.Before) - 1; i >= 0 && !scan.Before.IsZero(); i-- {
				if scan.Before[i]++; scan.Before[i] != 0 {
					break
				}
			}
			return f.GroupStore.DeadLetters(ctx, org, scan)
		}
	}},
	{"includes after", []string{scanned}, func(f *faultyGroups) {
		f.letters = func(ctx context.Context, org core.ID, scan core.LetterScan) ([]core.DeadLetter, error) {
			for i := len(scan.After) - 1; i >= 0 && !scan.After.IsZero(); i-- {
				if scan.After[i]--; scan.After[i] != 0xff {
					break
				}
			}
			return f.GroupStore.DeadLetters(ctx, org, scan)
		}
	}},
	{"turns the first letters round", []string{scanned}, func(f *faultyGroups) {
		f.letters = func(ctx context.Context, org core.ID, scan core.LetterScan) ([]core.DeadLetter, error) {
			turn := scan.Backward
			scan.Backward = false
			all, err := f.GroupStore.DeadLetters(ctx, org, scan)
			if turn {
				slices.Reverse(all)
			}
			return all, err
		}
	}},
	{"scans a thousand letters at most", []string{scanned}, scansLetters(func(scan *core.LetterScan) { scan.Limit = min(scan.Limit, 1000) })},
	{"ignores the stream", []string{selected}, scansLetters(func(scan *core.LetterScan) { scan.Filter.Stream = core.ID{} })},
	{"ignores the group", []string{selected}, scansLetters(func(scan *core.LetterScan) { scan.Filter.Group = core.ID{} })},
	{"ignores the reason", []string{selected}, scansLetters(func(scan *core.LetterScan) { scan.Filter.Reason = "" })},
	{"ignores the type", []string{selected}, scansLetters(func(scan *core.LetterScan) { scan.Filter.Type = "" })},
	{"ignores the state", []string{selected, delivery}, scansLetters(func(scan *core.LetterScan) { scan.Filter.State = "" })},
	{"ignores the offset", []string{selected}, scansLetters(func(scan *core.LetterScan) { scan.Filter.Offset = nil })},
	{"ignores the streams", []string{selected}, scansLetters(func(scan *core.LetterScan) { scan.Streams = nil })},
	{"compacts the payload", []string{lettersKept}, changesLetters(func(l *core.DeadLetter) {
		l.Event.Payload = json.RawMessage(strings.ReplaceAll(string(l.Event.Payload), " ", ""))
	})},
	{"loses the context", []string{lettersKept}, changesLetters(func(l *core.DeadLetter) { l.Event.Context = nil })},
	{"loses the attempts of a letter", []string{lettersKept, delivery}, changesLetters(func(l *core.DeadLetter) { l.Attempts = nil })},
	{"keeps milliseconds", []string{lettersKept}, changesLetters(func(l *core.DeadLetter) { l.Event.ReceivedAt = l.Event.ReceivedAt.Truncate(time.Millisecond) })},
	{"counts off by one", []string{counted}, func(f *faultyGroups) {
		f.counts = func(ctx context.Context, org core.ID, scan core.LetterScan) ([]core.LetterCount, error) {
			all, err := f.GroupStore.CountDeadLetters(ctx, org, scan)
			for i := range all {
				all[i].Count++
			}
			return all, err
		}
	}},
	{"counts across groups", []string{counted}, func(f *faultyGroups) {
		f.counts = func(ctx context.Context, org core.ID, scan core.LetterScan) ([]core.LetterCount, error) {
			all, err := f.GroupStore.CountDeadLetters(ctx, org, scan)
			for i := 1; i < len(all); i++ {
				if all[i].Reason == all[0].Reason {
					all[0].Count += all[i].Count
				}
			}
			return all, err
		}
	}},
	{"counts the letters of all", []string{isolated}, func(f *faultyGroups) {
		f.counts = func(ctx context.Context, _ core.ID, scan core.LetterScan) ([]core.LetterCount, error) {
			return []core.LetterCount{{Count: int64(scan.Limit)}}, ctx.Err()
		}
	}},
}

// scansLetters changes what is asked for.
func scansLetters(change func(*core.LetterScan)) func(*faultyGroups) {
	return func(f *faultyGroups) {
		f.letters = func(ctx context.Context, org core.ID, scan core.LetterScan) ([]core.DeadLetter, error) {
			change(&scan)
			return f.GroupStore.DeadLetters(ctx, org, scan)
		}
	}
}

// changesLetters changes every letter that is read.
func changesLetters(change func(*core.DeadLetter)) func(*faultyGroups) {
	return func(f *faultyGroups) {
		f.letters = func(ctx context.Context, org core.ID, scan core.LetterScan) ([]core.DeadLetter, error) {
			all, err := f.GroupStore.DeadLetters(ctx, org, scan)
			for i := range all {
				change(&all[i])
			}
			return all, err
		}
		f.letter = func(ctx context.Context, org, id core.ID) (core.DeadLetter, error) {
			l, err := f.GroupStore.DeadLetter(ctx, org, id)
			change(&l)
			return l, err
		}
	}
}
