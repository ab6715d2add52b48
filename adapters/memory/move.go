package memory

import (
	"bytes"
	"context"
	"slices"

	"github.com/eventflow-go/eventflow/core"
)

var _ interface {
	core.Movable
	core.Labelled
} = (*Storage)(nil)

// change runs do unless the storage is closed.
func (s *Storage) change(ctx context.Context, do func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	return do()
}

// fence is what holds appends to a stream, and the highest turn that it has seen.
type fence struct {
	up   bool
	turn int64
}

// turned changes a fence, unless a later move has been there.
func (s *Storage) turned(ctx context.Context, stream core.ID, turn int64, up bool) error {
	return s.change(ctx, func() error {
		if s.fences[stream].turn > turn {
			return core.Overtaken(stream)
		}
		s.fences[stream] = fence{up, turn}
		return nil
	})
}

// Fence implements [core.Movable].
func (s *Storage) Fence(ctx context.Context, _, stream core.ID, turn int64) error {
	return s.turned(ctx, stream, turn, true)
}

// Lift implements [core.Movable].
func (s *Storage) Lift(ctx context.Context, stream core.ID, turn int64) error {
	return s.turned(ctx, stream, turn, false)
}

// Fenced implements [core.Movable].
func (s *Storage) Fenced(ctx context.Context) (all []core.ID, err error) {
	err = s.change(ctx, func() error {
		for stream, one := range s.fences {
			if one.up {
				all = append(all, stream)
			}
		}
		slices.SortFunc(all, func(a, b core.ID) int { return bytes.Compare(a[:], b[:]) })
		return nil
	})
	return all, err
}

// Discard implements [core.Movable].
func (s *Storage) Discard(ctx context.Context, stream core.ID, turn int64) error {
	return s.change(ctx, func() error {
		if s.fences[stream] != (fence{true, turn}) {
			return core.Overtaken(stream)
		}
		delete(s.streams, stream)
		return nil
	})
}

// Forget implements [core.Movable]. Nothing is remembered beside what is stored.
func (s *Storage) Forget(core.ID) {}

// Label implements [core.Labelled].
func (s *Storage) Label(ctx context.Context) (label core.ShardLabel, err error) {
	err = s.change(ctx, func() error {
		label = s.label
		return nil
	})
	return label, err
}

// SetLabel implements [core.Labelled].
func (s *Storage) SetLabel(ctx context.Context, label core.ShardLabel) (stored core.ShardLabel, err error) {
	err = s.change(ctx, func() error {
		switch {
		case s.label.IsZero():
			s.label = label
		case s.label.Installation == label.Installation && s.label.Number == label.Number:
			s.label.Of = max(s.label.Of, label.Of)
		}
		stored = s.label
		return nil
	})
	return stored, err
}
