package memory_test

import (
	"context"
	"errors"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

func (f *faulty) Fence(ctx context.Context, org, stream core.ID, turn int64) error {
	leave, err := f.enter()
	if err != nil {
		return err
	}
	defer leave()
	return f.fence(ctx, org, stream, turn)
}

func (f *faulty) Lift(ctx context.Context, stream core.ID, turn int64) error {
	leave, err := f.enter()
	if err != nil {
		return err
	}
	defer leave()
	return f.lift(ctx, stream, turn)
}

func (f *faulty) Fenced(ctx context.Context) ([]core.ID, error) {
	leave, err := f.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	return f.shared.(core.Movable).Fenced(ctx)
}

func (f *faulty) Discard(ctx context.Context, stream core.ID, turn int64) error {
	leave, err := f.enter()
	if err != nil {
		return err
	}
	defer leave()
	return f.discard(ctx, stream, turn)
}

func (f *faulty) Forget(core.ID) {}

func (f *faulty) Label(ctx context.Context) (core.ShardLabel, error) {
	leave, err := f.enter()
	if err != nil {
		return core.ShardLabel{}, err
	}
	defer leave()
	return f.shared.(core.Labelled).Label(ctx)
}

func (f *faulty) SetLabel(ctx context.Context, label core.ShardLabel) (core.ShardLabel, error) {
	leave, err := f.enter()
	if err != nil {
		return core.ShardLabel{}, err
	}
	defer leave()
	return f.setLabel(ctx, label)
}

const (
	fenceRefuses = "move/an append to a fenced stream is refused and stores nothing"
	fenceThrough = "move/a fence lets copies and reads through"
	turnsKept    = "move/who was overtaken by a later move changes nothing"
	fenceTight   = "move/when a fence stands no append is under way"
	discardGone  = "move/a stream that was discarded was never written to"
	labelKept    = "move/a label is kept, and is the first one's"
)

var moveFaults = []fault{
	{"fences nothing", fenceRefuses, "must be refused with a *core.FencedError", func(f *faulty) {
		f.fence = func(context.Context, core.ID, core.ID, int64) error { return nil }
	}},
	{"fences what is there only", fenceRefuses, "must be refused with a *core.FencedError", func(f *faulty) {
		f.fence = func(ctx context.Context, org, stream core.ID, turn int64) error {
			if f.boundsOf(stream).Next == 0 {
				return nil
			}
			return f.shared.(core.Movable).Fence(ctx, org, stream, turn)
		}
	}},
	{"stores what is beside a fenced stream", fenceRefuses, "events must be read", func(f *faulty) {
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			err := f.shared.Append(ctx, at, batches)
			for i := range batches {
				if err != nil {
					_ = f.shared.Append(ctx, at, batches[i:i+1])
				}
			}
			return err
		}
	}},
	{"is not sure whether a fence held", fenceRefuses, "must be refused with a *core.FencedError", func(f *faulty) {
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			if err := f.shared.Append(ctx, at, batches); err != nil {
				return errors.Join(err, core.ErrUnknownOutcome)
			}
			return nil
		}
	}},
	{"lifts every fence", fenceRefuses, "must be refused with a *core.FencedError", func(f *faulty) {
		f.lift = func(ctx context.Context, _ core.ID, turn int64) error {
			all, _ := f.shared.(core.Movable).Fenced(ctx)
			for _, stream := range all {
				_ = f.shared.(core.Movable).Lift(ctx, stream, turn)
			}
			return nil
		}
	}},
	{"puts into no fenced stream", fenceThrough, "Put: unexpected error", func(f *faulty) {
		f.put = func(ctx context.Context, stretch core.Stretch) error {
			if all, _ := f.shared.(core.Movable).Fenced(ctx); len(all) > 0 {
				return &core.FencedError{Stream: stretch.Stream}
			}
			return f.shared.(core.Copyable).Put(ctx, stretch)
		}
	}},
	{"keeps fences in the memory of a handle", "move/a fence stays until it is lifted, in every process", "must be refused with a *core.FencedError", func(f *faulty) {
		fenced := map[core.ID]bool{}
		f.fence = func(_ context.Context, _, stream core.ID, _ int64) error { fenced[stream] = true; return nil }
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			if fenced[batches[0].Stream] {
				return &core.FencedError{Stream: batches[0].Stream}
			}
			return f.shared.Append(ctx, at, batches)
		}
	}},
	{"looks at the fence before it stores", fenceTight, "nothing may be stored any more", func(f *faulty) {
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			if all, _ := f.shared.(core.Movable).Fenced(ctx); len(all) > 0 {
				return &core.FencedError{Stream: all[0]}
			}
			f.mu.Unlock() // a moment in which it may be fenced
			time.Sleep(time.Millisecond)
			f.mu.Lock()
			for i := range batches {
				_ = f.shared.(core.Movable).Lift(ctx, batches[i].Stream, 7) // the turn of the suite's moves
			}
			return f.shared.Append(ctx, at, batches)
		}
	}},
	{"discards without a fence", "move/a stream that is not fenced is not discarded", "Discard without a fence must be a", func(f *faulty) {
		f.discard = func(ctx context.Context, stream core.ID, turn int64) error {
			_ = f.shared.(core.Movable).Fence(ctx, core.ID{}, stream, turn)
			return f.shared.(core.Movable).Discard(ctx, stream, turn)
		}
	}},
	{"discards the fence, too", discardGone, "Discard: unexpected error", func(f *faulty) {
		f.discard = func(ctx context.Context, stream core.ID, turn int64) error {
			return errors.Join(f.shared.(core.Movable).Discard(ctx, stream, turn), f.shared.(core.Movable).Lift(ctx, stream, turn))
		}
	}},
	{"discards by a trim", discardGone, "must have zero bounds", func(f *faulty) {
		f.discard = func(ctx context.Context, stream core.ID, _ int64) error {
			return f.shared.Trim(ctx, stream, time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC))
		}
	}},
	{"fences for whoever comes late", turnsKept, "Fence by a lower turn must be a", func(f *faulty) {
		f.fence = func(ctx context.Context, org, stream core.ID, turn int64) error {
			err := f.shared.(core.Movable).Fence(ctx, org, stream, turn)
			if core.CodeOf(err) == core.CodeConflict {
				return nil
			}
			return err
		}
	}},
	{"lifts for whoever comes late", turnsKept, "Lift by a lower turn must be a", func(f *faulty) {
		f.lift = func(ctx context.Context, stream core.ID, _ int64) error {
			return f.shared.(core.Movable).Lift(ctx, stream, 1<<40)
		}
	}},
	{"discards for whoever comes late", turnsKept, "Discard by a lower turn must be a", func(f *faulty) {
		f.discard = func(ctx context.Context, stream core.ID, turn int64) error {
			for ; turn < 100; turn++ {
				if f.shared.(core.Movable).Discard(ctx, stream, turn) == nil {
					return nil
				}
			}
			return core.Overtaken(stream)
		}
	}},
	{"takes any label", labelKept, "Label must be", func(f *faulty) {
		f.setLabel = func(_ context.Context, label core.ShardLabel) (core.ShardLabel, error) { return label, nil }
	}},
}
