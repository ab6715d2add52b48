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
		seq, err := s.cut(ctx, p, stream, found, hour(before))
		switch {
		case errors.Is(err, errOvertaken) && pause(ctx, 10*time.Millisecond) == nil:
			continue // an append came meanwhile
		case err != nil || seq == 0:
			return err
		case seq == found.first.seq:
			return s.forgetBefore(ctx, p, stream, firstBlock{seq: seq})
		}
		return s.removeBefore(ctx, p, stream, seq)
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

// cut returns the sequence of the first block that retention keeps, or 0 where retention
// has removed it meanwhile. Where it keeps none, it adds an empty one first: by it the
// stream keeps its next offset and its clock, and no append can take it for a new one.
func (s *Storage) cut(ctx context.Context, p *partition, stream core.ID, found *ends, before time.Time) (uint64, error) {
	g := timeGoal(before)
	switch {
	case g.reached(found.first.place()):
		return found.first.seq, nil
	case !g.reached(found.last.place()) && found.last.count == 0:
		return found.last.seq, nil
	case !g.reached(found.last.place()):
		return s.addEmpty(ctx, p, found.last, found.last.next(), found.last.last)
	}
	b, err := s.between(ctx, p, stream, g, found.first.place(), found.last.place())
	if err != nil || b == nil {
		return 0, err
	}
	return b.seq, nil
}

// addEmpty ends a stream, whose last block is given, with a block of no event.
func (s *Storage) addEmpty(ctx context.Context, p *partition, last *block, next core.Offset, at time.Time) (uint64, error) {
	if err := p.trust(ctx); err != nil {
		return 0, err
	}
	b := &block{org: last.org, stream: last.stream, offset: next, first: at, last: at}
	_, _ = rand.Read(b.id[:]) // never fails: see the package's documentation
	s.heads.doubt(last.stream)
	seq, err := p.settle(ctx, []outgoing{{p.blocks(b.stream), b.encode(), int64(last.seq)}})
	if err == nil {
		p.saw(seq)
	}
	return seq, err
}

// removeBefore removes a stream's blocks before a sequence, and then their keys. A key
// of an event is behind its block and before the next one. In the other order a crash
// between the two would leave events whose keys are forgotten.
func (s *Storage) removeBefore(ctx context.Context, p *partition, stream core.ID, seq uint64) error {
	for _, subject := range []string{p.blocks(stream), p.keys(stream)} {
		if err := p.purge(ctx, subject, seq); err != nil {
			return err
		}
	}
	s.atlas.removed(stream, seq)
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
