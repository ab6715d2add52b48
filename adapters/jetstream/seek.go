package jetstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// goal is what is looked for in a stream: the first block that reached is true for.
// share guesses how far between two places it lies, from 0 to 1.
type goal struct {
	reached func(place) bool
	share   func(before, at place) float64
}

func offsetGoal(offset core.Offset) goal {
	return goal{
		reached: func(p place) bool { return p.next > offset },
		share: func(before, at place) float64 {
			return float64(offset-before.next) / float64(max(at.offset-before.next, 1))
		},
	}
}

func timeGoal(at time.Time) goal {
	return goal{
		reached: func(p place) bool { return !p.last.Before(at) },
		share: func(before, behind place) float64 {
			return float64(at.Sub(before.last)) / float64(max(behind.last.Sub(before.last), 1))
		},
	}
}

// ends are where a stream begins, and its last block, as the leader has them.
type ends struct {
	start
	last *block
}

// endsOf asks the leader for a stream's ends, which are nil where it was never written
// to, or is of an organization that the context may not see.
func (s *Storage) endsOf(ctx context.Context, p *partition, stream core.ID) (*ends, error) {
	var found ends
	err := both(
		func() (err error) { found.start, err = s.startOf(ctx, p, stream); return err },
		func() (err error) { found.last, err = s.lastOf(ctx, p, stream); return err },
	)
	if err != nil {
		return nil, err
	}
	if found.first == nil || found.last == nil || !core.SeesOrganization(ctx, found.last.org) {
		return nil, nil
	}
	return &found, nil
}

// firstOf asks the leader for the first block of a stream that it can read.
func (s *Storage) firstOf(ctx context.Context, p *partition, stream core.ID) (*block, error) {
	m, err := p.find(ctx, get{Seq: 1, NextFor: p.blocks(stream)})
	if err != nil || m == nil {
		return nil, err
	}
	b, err := decodeBlock(m)
	if err == nil {
		s.atlas.removed(stream, b.seq)
		s.atlas.saw(b)
	}
	return b, err
}

// seek finds the first block of a stream that reaches a goal, or nil. What lies behind
// every block that this process knows is asked of the leader. before is a known place
// before the goal and at one that reaches it; either may be nil.
func (s *Storage) seek(ctx context.Context, p *partition, stream core.ID, g goal) (*block, error) {
	before, at := s.atlas.around(stream, g.reached)
	if before == nil {
		first, err := s.firstOf(ctx, p, stream)
		if err != nil || first == nil || g.reached(first.place()) {
			return first, err
		}
		before = &place{}
		*before = first.place()
	}
	if at == nil {
		last, err := s.lastOf(ctx, p, stream)
		if err != nil || last == nil || !g.reached(last.place()) {
			return nil, err
		}
		s.atlas.saw(last)
		at = &place{}
		*at = last.place()
	}
	return s.between(ctx, p, stream, g, *before, *at)
}

// between finds the first block that reaches a goal. The block at before does not, and
// the one at the other place does. Guesses by share and by halves take turns, so that neither an
// uneven stream nor an even one takes long.
func (s *Storage) between(ctx context.Context, p *partition, stream core.ID, g goal, before, at place) (*block, error) {
	var found *block
	upper := at.seq
	for turn := 0; before.next < at.offset && before.seq+1 < upper; turn++ {
		share := 0.5
		if turn%2 == 0 {
			share = min(max(g.share(before, at), 0), 1)
		}
		guess := before.seq + 1 + uint64(share*float64(upper-before.seq-2))
		b, err := s.blockFrom(ctx, p, stream, guess)
		if err != nil {
			return nil, err
		}
		switch {
		case b == nil:
			return nil, nil // retention has removed all that was here
		case g.reached(b.place()):
			found, at, upper = b, b.place(), guess
		default:
			before = b.place()
		}
	}
	if found == nil || found.seq != at.seq {
		return s.blockFrom(ctx, p, stream, at.seq)
	}
	return found, nil
}

// blockFrom returns the first block of a stream at or behind a sequence.
func (s *Storage) blockFrom(ctx context.Context, p *partition, stream core.ID, seq uint64) (*block, error) {
	ask := get{Seq: seq, NextFor: p.blocks(stream)}
	m, err := p.direct(ctx, ask)
	if errors.Is(err, errNoAnswer) || err == nil && m == nil {
		m, err = p.newest(ctx, ask)
	}
	if err != nil || m == nil {
		return nil, err
	}
	b, err := decodeBlock(m)
	if err == nil {
		s.atlas.saw(b)
	}
	return b, err
}

// Bounds implements [core.Reader].
func (s *Storage) Bounds(ctx context.Context, streams []core.ID) ([]core.Bounds, error) {
	ctx, end, err := s.reading(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	bounds, unknown, at := make([]core.Bounds, len(streams)), make([]bool, len(streams)), make([]int, len(streams))
	for i := range at {
		at[i] = i
	}
	err = each(at, func(i int) (err error) {
		bounds[i], err = s.boundsOf(ctx, streams[i])
		unknown[i] = err != nil
		return err
	})
	if err != nil {
		return nil, &core.BoundsError{Bounds: bounds, Unknown: unknown, Err: err}
	}
	return bounds, nil
}

func (s *Storage) boundsOf(ctx context.Context, stream core.ID) (core.Bounds, error) {
	p, err := s.partitionOf(ctx, stream)
	if err != nil {
		return core.Bounds{}, err
	}
	found, err := s.endsOf(ctx, p, stream)
	if err != nil || found == nil {
		return core.Bounds{}, err
	}
	return core.Bounds{First: found.offset, Next: found.last.next(), Last: found.last.last}, nil
}

// OffsetAt implements [core.Reader].
func (s *Storage) OffsetAt(ctx context.Context, stream core.ID, at time.Time) (core.Offset, error) {
	ctx, end, err := s.reading(ctx)
	if err != nil {
		return 0, err
	}
	defer end()
	p, err := s.partitionOf(ctx, stream)
	if err != nil {
		return 0, err
	}
	return s.offsetAt(ctx, p, stream, at)
}

func (s *Storage) offsetAt(ctx context.Context, p *partition, stream core.ID, at time.Time) (core.Offset, error) {
	found, err := s.endsOf(ctx, p, stream)
	if err != nil || found == nil {
		return 0, err
	}
	g := timeGoal(at)
	var b *block
	switch {
	case found.damaged() && !at.After(found.first.first):
		return 0, hole(stream, found.offset, found.first.offset, found.first.seq)
	case g.reached(found.first.place()):
		b = found.first
	case !g.reached(found.last.place()):
		return found.last.next(), nil
	default:
		if b, err = s.between(ctx, p, stream, g, found.first.place(), found.last.place()); err != nil {
			return 0, err
		}
	}
	if b == nil {
		return 0, fmt.Errorf("retention removed what was looked for in stream %s", stream)
	}
	for i := range b.entries {
		if !b.entries[i].ReceivedAt.Before(at) {
			return max(b.entries[i].Offset, found.offset), nil
		}
	}
	return max(b.next(), found.offset), nil
}
