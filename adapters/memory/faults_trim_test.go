package memory_test

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

const day = 24 * time.Hour

var trimFaults = []fault{
	{"trims too much", "trim/no event received at or after the time is removed", "must keep the event received at", trims(day)},
	{"trims too much, in a history", history, "must keep the event received at", trims(day)},
	{"trims too little", "trim/all of a period that ended before the time is removed", "must remove the event received at", trims(-2 * day)},
	{"counts anew after a trim", "trim/offsets of what remains do not change", "Offset of the event", func(f *faulty) {
		f.read = func(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
			events, err := f.shared.Read(ctx, stream, scan)
			for i := range events {
				events[i].Offset -= f.boundsOf(stream).First
			}
			return events, err
		}
	}},
	{"shows what was trimmed in another list", "trim/offsets of what remains do not change", "events must be read", func(f *faulty) {
		removed := map[core.ID][]core.Event{}
		f.trim = func(ctx context.Context, stream core.ID, before time.Time) error {
			events, _ := f.shared.Read(ctx, stream, core.Scan{Limit: 1})
			removed[stream] = append(removed[stream], events...)
			return f.shared.Trim(ctx, stream, before)
		}
		f.readAll = func(ctx context.Context, org core.ID, scan core.AllScan) ([]core.Event, error) {
			events, err := f.shared.ReadAll(ctx, org, scan)
			for _, more := range removed {
				events = append(events, more...)
			}
			return events, err
		}
	}},
	{"gives offsets again", "trim/removed offsets are never given again", "must be", startsAnew},
	{"forgets the clock with the events", "trim/an earlier time is refused even when nothing is left", "must be refused with a *core.ClockError", func(f *faulty) {
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			if b := f.boundsOf(batches[0].Stream); b.First == b.Next {
				return late(ctx, f.shared, at, batches)
			}
			return f.shared.Append(ctx, at, batches)
		}
	}},
	{"trims every stream", "trim/other streams keep their events", "events must be read", func(f *faulty) {
		seen := map[core.ID]bool{}
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			for _, b := range batches {
				seen[b.Stream] = true
			}
			return f.shared.Append(ctx, at, batches)
		}
		f.trim = func(ctx context.Context, _ core.ID, before time.Time) error {
			var errs []error
			for stream := range seen {
				errs = append(errs, f.shared.Trim(ctx, stream, before))
			}
			return errors.Join(errs...)
		}
	}},
	{"trims on when called again", "trim/calling again changes nothing", "Bounds must be", func(f *faulty) {
		var last time.Time
		f.trim = func(ctx context.Context, stream core.ID, before time.Time) error {
			if !before.After(last) {
				before = last.Add(day)
			}
			last = before
			return f.shared.Trim(ctx, stream, before)
		}
	}},
	{"trims what comes meanwhile", "trim/appends and reads go on meanwhile", "must be", func(f *faulty) {
		trimming := false
		f.trim = func(ctx context.Context, stream core.ID, before time.Time) error {
			trimming = true
			return f.shared.Trim(ctx, stream, before)
		}
		f.read = func(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
			events, err := f.shared.Read(ctx, stream, scan)
			if trimming {
				events = nil
			}
			return events, err
		}
	}},
}

func trims(by time.Duration) func(*faulty) {
	return func(f *faulty) {
		f.trim = func(ctx context.Context, stream core.ID, before time.Time) error {
			return f.shared.Trim(ctx, stream, before.Add(by))
		}
	}
}

// startsAnew begins at offset 0 when a stream has been emptied.
func startsAnew(f *faulty) {
	base := map[core.ID]core.Offset{}
	f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
		for _, b := range batches {
			if bounds := f.boundsOf(b.Stream); bounds.First == bounds.Next {
				base[b.Stream] = bounds.Next
			}
		}
		err := f.shared.Append(ctx, at, batches)
		eachEntry(batches, func(e *core.Entry) { e.Offset -= base[e.Stream] })
		return err
	}
	f.event = func(e *core.Event) { e.Offset -= base[e.Stream] }
}

var handleFaults = []fault{
	{"lets events become visible late", follow, "an event became visible late", func(f *faulty) {
		hidden := map[core.ID]bool{}
		f.read = func(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
			events, err := f.shared.Read(ctx, stream, scan)
			if len(events) > 1 && !hidden[events[0].ID] {
				hidden[events[0].ID] = true
				events = events[1:]
			}
			return events, err
		}
	}},
	{"tells offsets from its own count", follow, "is not there", ownOffsets},
	{"goes on from its own count", secondSees, "offsets must be gapless", ownOffsets},
	{"reads what was there the last time", acked, "Read must see the event", func(f *faulty) {
		then := map[core.ID]core.Offset{}
		f.read = func(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
			events, err := f.shared.Read(ctx, stream, scan)
			events = slices.DeleteFunc(events, func(e core.Event) bool { return e.Offset >= then[stream] })
			then[stream] = f.boundsOf(stream).Next
			return events, err
		}
	}},
	{"does not say that it forgets", "check and close/Check is honest about durability", "Check: unexpected error", func(f *faulty) {
		f.check = core.ErrRelaxedDurability
	}},
	{"stays open", closing, "after Close must fail", func(f *faulty) { f.close = func() error { return nil } }},
	{"does not know what became of a call after Close", closing, "must fail for certain", func(f *faulty) {
		f.closedError = core.ErrUnknownOutcome
	}},
	{"goes on writing after Close", "check and close/Close waits for running calls", "Append must fail after Close", func(f *faulty) {
		f.close = func() error { return nil }
	}},
	{"loses the last event", reopening, "events must be read", losesLast},
	{"loses what was written last", "reopen/what was acknowledged while closing survives", "while closing must be there", losesLast},
	{"loses the keys", "reopen/idempotency keys survive", "must be a Duplicate", forgetsKeys(func(f *faulty, _ core.ID, _ *core.Entry) bool { return f.reopened })},
	{"loses the bounds", reopening, "Bounds must be", func(f *faulty) {
		if f.reopened {
			f.bounds = func(_ core.ID, b core.Bounds) core.Bounds { b.Last = time.Time{}; return b }
		}
	}},
	{"loses the clock", reopening, "must be refused with a *core.ClockError", func(f *faulty) {
		if f.reopened {
			f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
				return late(ctx, f.shared, at, batches)
			}
		}
	}},
	{"loses the trim", "reopen/what was trimmed stays gone", "Bounds must be", func(f *faulty) {
		if f.reopened {
			f.bounds = func(_ core.ID, b core.Bounds) core.Bounds { b.First = 0; return b }
		}
	}},
	{"keeps a clock of its own", "second/the clock is one", "must be refused with a *core.ClockError", func(f *faulty) {
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			return late(ctx, f.shared, at, batches)
		}
	}},
	{"keeps keys of its own", "second/idempotency keys are one", "must be a Duplicate", ownKeys},
	{"remembers the first bounds", "second/what one trims is gone for the other", "Bounds must be", func(f *faulty) {
		first := map[core.ID]core.Offset{}
		f.trim = func(ctx context.Context, stream core.ID, before time.Time) error {
			err := f.shared.Trim(ctx, stream, before)
			first[stream] = f.boundsOf(stream).First
			return err
		}
		f.bounds = func(stream core.ID, b core.Bounds) core.Bounds { b.First = first[stream]; return b }
	}},
	{"closes the others", "second/closing one leaves the other", "Append: unexpected error", func(f *faulty) { f.close = f.shared.Close }},
}

// ownOffsets tells offsets that each handle counts by itself.
func ownOffsets(f *faulty) {
	next := map[core.ID]core.Offset{}
	f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
		err := f.shared.Append(ctx, at, batches)
		eachEntry(batches, func(e *core.Entry) {
			e.Offset = next[e.Stream]
			next[e.Stream]++
		})
		return err
	}
}

func losesLast(f *faulty) {
	if !f.reopened {
		return
	}
	f.read = func(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
		events, err := f.shared.Read(ctx, stream, scan)
		return events[:max(0, len(events)-1)], err
	}
}
