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
	// expected is the offset of the next block, once there was one. Before that it is the
	// offset from which on is read, and the first block may begin before.
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

// blocksFrom reads blocks from an offset on. The block that holds it is at a sequence or
// behind it.
func (s *Storage) blocksFrom(p *partition, stream core.ID, seq uint64, offset core.Offset) *blocks {
	return &blocks{s: s, p: p, stream: stream, seq: seq, bytes: firstBytes, expected: offset}
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
	if err == nil {
		err = r.follows(ctx, b)
	}
	if err != nil {
		r.ahead = nil // more of the same
		if b = r.elsewhere(ctx, err); b == nil {
			if errors.Is(err, errDamaged) {
				r.s.holes.met(r.stream, r.expected)
			}
			return nil, err
		}
	}
	r.s.holes.read(b)
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

// follows is nil where a block is the next one. Else it says why it is not.
func (r *blocks) follows(ctx context.Context, b *block) error {
	if b.offset == r.expected || !r.begun && b.offset < r.expected {
		return nil
	}
	begin, err := r.s.startOf(ctx, r.p, r.stream)
	switch {
	case err != nil:
		return err
	case begin.first != nil && r.begun && begin.offset > r.expected:
		return errTrimmed
	case begin.first != nil && !r.begun && begin.offset >= b.offset:
		return nil // the stream begins there
	case b.offset < r.expected:
		return fmt.Errorf("%w: the log of stream %s is damaged: at sequence %d a block begins with offset %d, where %d should be", errDamaged, r.stream, b.seq, b.offset, r.expected)
	}
	return hole(r.stream, max(r.expected, begin.offset), b.offset, b.seq)
}

// elsewhere gets the next block from another replica, if one of them is damaged, or
// returns nil. The leader is asked first; of the others any may answer.
func (r *blocks) elsewhere(ctx context.Context, damaged error) *block {
	if r.p.replicas == 1 || errors.Is(damaged, errTrimmed) {
		return nil
	}
	ask := get{Seq: r.seq, NextFor: r.p.blocks(r.stream)}
	for try := range 4 * r.p.replicas {
		look := r.p.direct
		if try == 0 {
			look = r.p.newest
		}
		m, err := look(ctx, ask)
		if err != nil || m == nil {
			continue
		}
		if b, err := decodeBlock(m); err == nil && (b.offset == r.expected || !r.begun && b.offset < r.expected) {
			return b
		}
	}
	return nil
}
