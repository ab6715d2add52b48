package jetstream

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// trimTimeout bounds one call of Trim.
const trimTimeout = 2 * time.Minute

// Trim implements [core.Trimmer], in whole hours.
func (s *Storage) Trim(ctx context.Context, stream core.ID, before time.Time) error {
	leave, err := s.calls.enter()
	if err != nil {
		return err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, trimTimeout)
	defer cancel()
	p, err := s.partitionOf(ctx, stream)
	if err != nil {
		return err
	}
	if first, ok := s.firsts.get(stream); ok && !first.last.Before(hour(before)) {
		return s.forgetBefore(ctx, p, stream, first)
	}
	for {
		found, err := s.endsOf(ctx, p, stream)
		if err != nil || found == nil {
			return err
		}
		keep, err := s.cut(ctx, p, stream, found, hour(before))
		switch {
		case errors.Is(err, errOvertaken) && pause(ctx, 10*time.Millisecond) == nil:
			continue // an append came meanwhile
		case err != nil || keep.seq == 0:
			return err
		case keep.seq == found.first.seq && found.damaged():
			return nil // the keys before it are of events that were not removed
		case keep.seq == found.first.seq:
			return s.forgetBefore(ctx, p, stream, firstBlock{seq: keep.seq})
		}
		return s.removeBefore(ctx, p, stream, keep)
	}
}

// forgetBefore removes the keys of blocks that are gone, if there are any: an earlier call
// may have been interrupted between the blocks and their keys. That is asked first, because
// a purge is work for every replica.
func (s *Storage) forgetBefore(ctx context.Context, p *partition, stream core.ID, first firstBlock) error {
	if first.clean {
		return nil
	}
	m, err := p.fromLeader(ctx, get{Seq: 1, NextFor: p.keys(stream)})
	if err == nil && m != nil && m.seq < first.seq {
		err = p.purge(ctx, p.keys(stream), first.seq)
	}
	if err == nil {
		s.firsts.cleaned(stream, first.seq)
	}
	return err
}

// cut returns the first block that retention keeps, or none where retention has removed it
// meanwhile. Where it keeps none, it adds an empty one first.
func (s *Storage) cut(ctx context.Context, p *partition, stream core.ID, found *ends, before time.Time) (place, error) {
	g := timeGoal(before)
	switch {
	case g.reached(found.first.place()):
		return found.first.place(), nil
	case !g.reached(found.last.place()):
		seq, err := s.endEmpty(ctx, p, found.last)
		return place{seq: seq, offset: found.last.next()}, err
	}
	b, err := s.between(ctx, p, stream, g, found.first.place(), found.last.place())
	if err != nil || b == nil {
		return place{}, err
	}
	return b.place(), nil
}

// endEmpty returns the sequence of a block of no event that ends a stream, whose last block
// is given. By it the stream keeps its next offset and its clock where all its events are
// removed, and no append can take it for a new one.
func (s *Storage) endEmpty(ctx context.Context, p *partition, last *block) (uint64, error) {
	if last.count == 0 {
		return last.seq, nil
	}
	if err := p.trust(ctx); err != nil {
		return 0, err
	}
	b := &block{org: last.org, stream: last.stream, offset: last.next(), first: last.last, last: last.last}
	_, _ = rand.Read(b.id[:]) // never fails: see the package's documentation
	s.heads.doubt(last.stream)
	seq, err := p.settle(ctx, []outgoing{{p.blocks(b.stream), b.encode(), int64(last.seq)}})
	if err == nil {
		p.saw(seq)
	}
	return seq, err
}

// removeBefore has a stream begin at an offset, removes its blocks before a sequence, and
// then their keys. A key of an event is behind its block and before the next one. In the
// other order a crash between the two would leave events whose keys are forgotten.
func (s *Storage) removeBefore(ctx context.Context, p *partition, stream core.ID, keep place) error {
	if err := p.setFloor(ctx, stream, keep.offset); err != nil {
		return err
	}
	for _, subject := range []string{p.blocks(stream), p.keys(stream)} {
		if err := p.purge(ctx, subject, keep.seq); err != nil {
			return err
		}
	}
	s.atlas.removed(stream, keep.seq)
	s.holes.removed(stream, keep.offset)
	return nil
}

// purge removes the messages of a subject before a sequence.
func (p *partition) purge(ctx context.Context, subject string, before uint64) error {
	var done struct {
		Purged uint64 `json:"purged"`
	}
	return p.again(ctx, func() error {
		return p.api(ctx, "STREAM.PURGE", map[string]any{"filter": subject, "seq": before}, &done)
	})
}
