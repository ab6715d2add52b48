package memory_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var keyFaults = []fault{
	{"stores a retry again", duplicate, "must be a Duplicate", forgetsKeys(always)},
	{"stores a retry again, in a history", history, "Features.Seed", forgetsKeys(always)},
	{"answers a retry with a new id", duplicate, "ID and Offset of the first event", answers(func(e *core.Entry, _ time.Time) {
		if e.Outcome == core.Duplicate {
			e.ID[15]++
		}
	})},
	{"answers a retry with the time of the retry", duplicate, "ReceivedAt of the first event", answers(func(e *core.Entry, at time.Time) { e.ReceivedAt = at })},
	{"takes a mismatch for a duplicate", mismatch, "must be a Mismatch", answers(func(e *core.Entry, _ time.Time) {
		if e.Outcome == core.Mismatch {
			e.Outcome = core.Duplicate
		}
	})},
	{"stores a mismatch", mismatch, "events must be read", func(f *faulty) {
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			err := f.shared.Append(ctx, at, batches)
			for _, b := range batches {
				for _, e := range b.Entries {
					if e.Outcome == core.Mismatch {
						e.IdempotencyKey = ""
						b.Entries = []core.Entry{e}
						err = errors.Join(err, f.shared.Append(ctx, at, []core.Batch{b}))
					}
				}
			}
			return err
		}
	}},
	{"refuses a call with a known key", "keys/a refused entry takes no offset from its neighbours", "the other entries of the call must be stored", func(f *faulty) {
		known := map[string]bool{}
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			refuse := false
			eachEntry(batches, func(e *core.Entry) { refuse = refuse || known[e.IdempotencyKey] })
			return without(ctx, f.shared, at, batches, func(_ core.ID, e *core.Entry) bool {
				known[e.IdempotencyKey] = e.IdempotencyKey != ""
				e.Outcome = core.Mismatch
				if e.IdempotencyKey == "k" {
					e.Outcome = core.Duplicate
				}
				return refuse
			})
		}
	}},
	{"moves Last for a duplicate", "keys/an append that stores nothing moves no bound", "Bounds must be", func(f *faulty) {
		last := map[core.ID]time.Time{}
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			for _, b := range batches {
				last[b.Stream] = at
			}
			return f.shared.Append(ctx, at, batches)
		}
		f.bounds = func(stream core.ID, b core.Bounds) core.Bounds { b.Last = last[stream]; return b }
	}},
	{"takes keys in any case", "keys/keys differ when their bytes do", "each must have an event of its own", renamesKeys(strings.ToLower)},
	{"takes keys without blanks", "keys/keys differ when their bytes do", "each must have an event of its own", renamesKeys(strings.TrimSpace)},
	{"knows keys across streams", "keys/keys belong to one stream", "must mean nothing to another", func(f *faulty) {
		known := map[string]core.ID{}
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			return without(ctx, f.shared, at, batches, func(stream core.ID, e *core.Entry) bool {
				owner, taken := known[e.IdempotencyKey]
				if !taken && e.IdempotencyKey != "" {
					known[e.IdempotencyKey] = stream
				}
				e.Outcome = core.Duplicate
				return taken && owner != stream
			})
		}
	}},
	{"ignores the window", keyWindow, "must count as never seen", movesWindow(func(time.Time) time.Time { return time.Time{} })},
	{"ignores the window, in a history", history, "Features.Seed", movesWindow(func(time.Time) time.Time { return time.Time{} })},
	{"closes the window too early", keyWindow, "must be a Duplicate", movesWindow(func(since time.Time) time.Time { return since.Add(time.Microsecond) })},
	{"looks up a hundred keys at most", "keys/one call may hold a thousand known and a thousand new keys", "must be a Duplicate", forgetsKeys(
		func(_ *faulty, _ core.ID, e *core.Entry) bool { return len(e.IdempotencyKey) == len("key-100") })},
	{"remembers the keys of what was trimmed", "keys/keys go with the events that Trim removes", "must be forgotten", func(f *faulty) {
		known := map[string]core.Entry{}
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			err := without(ctx, f.shared, at, batches, func(stream core.ID, e *core.Entry) bool {
				old, ok := known[stream.String()+e.IdempotencyKey]
				if ok {
					e.Outcome, e.ID, e.Offset, e.ReceivedAt = core.Duplicate, old.ID, old.Offset, old.ReceivedAt
				}
				return ok
			})
			eachEntry(batches, func(e *core.Entry) {
				if e.IdempotencyKey != "" {
					known[e.Stream.String()+e.IdempotencyKey] = *e
				}
			})
			return err
		}
	}},
	{"forgets a key with its first event", "keys/a key taken over outlives its first event", "must outlive the first event", forgetsKeys(
		func(f *faulty, stream core.ID, _ *core.Entry) bool { return f.boundsOf(stream).First > 0 })},
	{"looks a key up outside of the transaction", "keys/a race for one key stores one event", "all who race for a key", ownKeys},
}

// answers changes what Append answers.
func answers(change func(*core.Entry, time.Time)) func(*faulty) {
	return func(f *faulty) {
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			err := f.shared.Append(ctx, at, batches)
			eachEntry(batches, func(e *core.Entry) { change(e, at) })
			return err
		}
	}
}

func always(*faulty, core.ID, *core.Entry) bool { return true }

// forgetsKeys appends some entries as if they had no idempotency key.
func forgetsKeys(of func(*faulty, core.ID, *core.Entry) bool) func(*faulty) {
	return func(f *faulty) {
		keys := map[core.ID]string{}
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			for _, b := range batches {
				eachEntry([]core.Batch{b}, func(e *core.Entry) {
					if of(f, b.Stream, e) {
						keys[e.ID], e.IdempotencyKey = e.IdempotencyKey, ""
					}
				})
			}
			err := f.shared.Append(ctx, at, batches)
			eachEntry(batches, func(e *core.Entry) { e.IdempotencyKey = cmp.Or(e.IdempotencyKey, keys[e.ID]) })
			return err
		}
		f.event = func(e *core.Event) { e.IdempotencyKey = cmp.Or(e.IdempotencyKey, keys[e.ID]) }
	}
}

func renamesKeys(rename func(string) string) func(*faulty) {
	return func(f *faulty) {
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			eachEntry(batches, func(e *core.Entry) { e.IdempotencyKey = rename(e.IdempotencyKey) })
			return f.shared.Append(ctx, at, batches)
		}
	}
}

func movesWindow(move func(time.Time) time.Time) func(*faulty) {
	return func(f *faulty) {
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			batches = slices.Clone(batches)
			for i := range batches {
				batches[i].KeysSince = move(batches[i].KeysSince)
			}
			return f.shared.Append(ctx, at, batches)
		}
	}
}

// ownKeys lets each handle know only the keys that it stored itself.
func ownKeys(f *faulty) {
	handle := fmt.Sprintf("%p:", f)
	f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
		eachEntry(batches, func(e *core.Entry) {
			if e.IdempotencyKey != "" {
				e.IdempotencyKey = handle + e.IdempotencyKey
			}
		})
		err := f.shared.Append(ctx, at, batches)
		eachEntry(batches, func(e *core.Entry) { e.IdempotencyKey = strings.TrimPrefix(e.IdempotencyKey, handle) })
		return err
	}
	f.event = func(e *core.Event) { e.IdempotencyKey = e.IdempotencyKey[strings.Index(e.IdempotencyKey, ":")+1:] }
}
