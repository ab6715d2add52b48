package jetstream

import (
	"context"
	"errors"
	"fmt"

	"github.com/eventflow-go/eventflow/core"
)

// blocks reads a stream's blocks one after the other. It asks replicas, which may be
// behind, and the leader for what follows when they know of no more. So every block is
// there whose append was acknowledged before.
type blocks struct {
	s      *Storage
	p      *partition
	stream core.ID
	// seq is where to go on.
	seq uint64
	// ahead has what was fetched and not returned yet.
	ahead []*message
	// bytes is how much to ask for.
	bytes int
	// expected is the offset of the next block, once there was one.
	expected core.Offset
	begun    bool
}

const (
	// firstBytes is what is asked for at first, mostBytes at most. Asking for many large
	// blocks to serve few events costs more than asking twice.
	firstBytes, mostBytes = 64 << 10, 4 << 20
	mostBlocks            = 500
)

// errTrimmed says that retention has removed what was about to be read.
var errTrimmed = errors.New("retention removed what was about to be read")

func (s *Storage) blocksFrom(p *partition, stream core.ID, seq uint64) *blocks {
	return &blocks{s: s, p: p, stream: stream, seq: seq, bytes: firstBytes}
}

// next returns the next block, or nil behind the last one. wanted is how many blocks
// the caller expects to need.
func (r *blocks) next(ctx context.Context, wanted int) (*block, error) {
	if len(r.ahead) == 0 {
		if err := r.fetch(ctx, min(max(wanted, 1), mostBlocks)); err != nil || len(r.ahead) == 0 {
			return nil, err
		}
	}
	m := r.ahead[0]
	r.ahead = r.ahead[1:]
	b, err := decodeBlock(m)
	if err != nil {
		return nil, err
	}
	if r.begun && b.offset != r.expected {
		return nil, r.gap(ctx, b)
	}
	r.begun, r.expected, r.seq = true, b.next(), b.seq+1
	r.s.atlas.saw(b)
	return b, nil
}

func (r *blocks) fetch(ctx context.Context, wanted int) (err error) {
	ask := get{Seq: r.seq, NextFor: r.p.blocks(r.stream), Batch: wanted, Bytes: r.bytes}
	if r.ahead, err = r.p.batch(ctx, ask); err != nil || len(r.ahead) > 0 {
		r.bytes = min(4*r.bytes, mostBytes)
		return err
	}
	if r.p.replicas == 1 && r.p.sure(believed) {
		return nil
	}
	seen := r.s.heads.seen(r.stream)
	if seen < r.seq {
		seen = 0 // it has come so far
	}
	return r.p.fresh(ctx, func() (uint64, error) {
		m, err := r.p.newest(ctx, get{Seq: r.seq, NextFor: r.p.blocks(r.stream)})
		if err != nil || m == nil {
			return 0, err
		}
		r.ahead = []*message{m}
		return seen, nil
	}, seen)
}

// gap says why a block does not begin where the one before it ended.
func (r *blocks) gap(ctx context.Context, b *block) error {
	first, err := r.s.firstOf(ctx, r.p, r.stream)
	if err != nil {
		return err
	}
	if first != nil && first.offset > r.expected {
		return errTrimmed
	}
	return fmt.Errorf("the log of stream %s is damaged: behind offset %d the next block, at sequence %d, begins with %d", r.stream, r.expected-1, b.seq, b.offset)
}
