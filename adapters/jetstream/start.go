package jetstream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// start is where a stream begins.
type start struct {
	// first is the first block that can be read, nil where there is none.
	first *block
	// offset is of the first event. Where it is before the first block, what lies between
	// the two is damaged.
	offset core.Offset
}

func (s *start) damaged() bool { return s.first != nil && s.offset < s.first.offset }

// startOf asks the leader where a stream begins. A server says of a first block that it
// cannot read that there is none, as if retention had removed it.
func (s *Storage) startOf(ctx context.Context, p *partition, stream core.ID) (start, error) {
	var first *block
	var at floor
	err := both(
		func() (err error) { first, err = s.firstOf(ctx, p, stream); return err },
		func() (err error) { at, err = p.floorOf(ctx, stream); return err },
	)
	if err != nil || first == nil {
		return start{}, err
	}
	found := start{first, at.offset}
	if found.damaged() {
		if found, err = s.doubted(ctx, p, first); err != nil {
			return start{}, err
		}
	}
	if found.damaged() {
		s.holes.met(stream, found.offset)
		return found, nil
	}
	s.firsts.saw(found.first)
	s.holes.removed(stream, found.offset)
	s.holes.read(found.first)
	return found, nil
}

// doubted finds out whether what is missing before a first block was removed. The floor is
// asked for after the block: it is set before what is below it is removed.
func (s *Storage) doubted(ctx context.Context, p *partition, first *block) (start, error) {
	at, err := p.surelyFloorOf(ctx, first.org, first.stream)
	if err != nil {
		return start{}, err
	}
	if !at.complete { // a version before this one may have removed it
		return start{first, max(first.offset, at.offset)}, nil
	}
	if first.offset > at.offset {
		if b := firstElsewhere(ctx, p, first.stream, at.offset); b != nil {
			first = b
		}
	}
	return start{first, at.offset}, nil
}

// firstElsewhere gets a stream's first block, at an offset or before it, from any replica
// that can read it, or returns nil.
func firstElsewhere(ctx context.Context, p *partition, stream core.ID, offset core.Offset) *block {
	for range 4 * (p.replicas - 1) {
		m, err := p.direct(ctx, get{Seq: 1, NextFor: p.blocks(stream)})
		if err != nil || m == nil {
			continue
		}
		if b, err := decodeBlock(m); err == nil && b.offset <= offset {
			return b
		}
	}
	return nil
}

// both calls two at once.
func both(one, other func() error) error {
	return each([]func() error{one, other}, func(ask func() error) error { return ask() })
}

// errDamaged says that a block cannot be read where it must be, at least by those
// servers that were asked.
var errDamaged = errors.New("a block cannot be read")

// hole says which events of a stream cannot be read: those from an offset up to another
// one, at which the block at a sequence begins.
func hole(stream core.ID, from, to core.Offset, seq uint64) error {
	return core.Unavailable(errDamaged, time.Minute, fmt.Sprintf(
		"the log of stream %s is damaged: its events from offset %d to %d can be read nowhere. They were not removed. "+
			"What follows can be read, from offset %d on, which is at sequence %d of the partition; see adapters/jetstream/README.md", stream, from, to-1, to, seq))
}

// holes remembers where streams could not be read, so that Check tells of it, until what is
// there can be read, or is removed.
type holes struct {
	mu sync.Mutex
	at map[core.ID]core.Offset
}

func newHoles() *holes { return &holes{at: map[core.ID]core.Offset{}} }

func (h *holes) met(stream core.ID, at core.Offset) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at[stream] = at
}

// read forgets a hole that a block covers.
func (h *holes) read(b *block) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if at, known := h.at[b.stream]; known && b.offset <= at && at < b.next() {
		delete(h.at, b.stream)
	}
}

// removed forgets a hole before an offset.
func (h *holes) removed(stream core.ID, before core.Offset) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if at, known := h.at[stream]; known && at < before {
		delete(h.at, stream)
	}
}

// mostNamed is how many streams Check names.
const mostNamed = 5

// wrong says where streams could not be read, or is nil.
func (h *holes) wrong() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.at) == 0 {
		return nil
	}
	var all []string
	for stream, at := range h.at {
		all = append(all, fmt.Sprintf("stream %s from offset %d", stream, at))
	}
	slices.Sort(all)
	more := ""
	if len(all) > mostNamed {
		all, more = all[:mostNamed], fmt.Sprintf(", and %d more", len(all)-mostNamed)
	}
	return &fewer{"the log is damaged, and can be read nowhere, in " + strings.Join(all, ", ") + more}
}
