package jetstream

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// appendTimeout bounds one append. It is longer than an election takes. The caller's
// context does not end an append that has begun: its outcome would be unknown.
const appendTimeout = 30 * time.Second

// errOvertaken says that nothing was stored, because a stream or a key is not where the
// append believed it to be.
var errOvertaken = errors.New("another append was faster")

// Append implements [core.Appender].
func (s *Storage) Append(ctx context.Context, at time.Time, batches []core.Batch) error {
	leave, err := s.calls.enter()
	if err != nil {
		return err
	}
	defer leave()
	if err := ctx.Err(); err != nil || len(batches) == 0 {
		return err
	}
	p, err := s.onePartition(ctx, batches)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), appendTimeout)
	defer cancel()
	of := newPlan(at, batches)
	for tries := 0; ; tries++ {
		err := s.attempt(ctx, p, of, tries)
		if !errors.Is(err, errOvertaken) {
			return err
		}
		s.heads.doubt(of.streams()...)
		// Two that wait for the same time overtake each other again.
		if pause(ctx, time.Duration(rand.Int64N(int64(min(tries+1, 20))*int64(5*time.Millisecond)))) != nil { //nolint:gosec // any number does
			return core.Unavailable(err, time.Second, "other nodes keep writing to the same streams; try again")
		}
	}
}

// onePartition returns the partition of all batches. Nothing is stored in two at once.
func (s *Storage) onePartition(ctx context.Context, batches []core.Batch) (*partition, error) {
	p, err := s.partitionOf(ctx, batches[0].Stream)
	if err != nil {
		return nil, err
	}
	for i := range batches[1:] {
		other, err := s.partitionOf(ctx, batches[i+1].Stream)
		if err != nil {
			return nil, err
		}
		if other != p {
			return nil, fmt.Errorf("streams %s and %s are in partitions %d and %d: %w",
				batches[0].Stream, batches[i+1].Stream, p.number, other.number, core.ErrManyShards)
		}
	}
	return p, nil
}

// attempt makes one append with what is known of its streams.
func (s *Storage) attempt(ctx context.Context, p *partition, of *plan, tries int) error {
	if err := p.trust(ctx); err != nil {
		return err
	}
	if err := s.fill(ctx, p, of); err != nil {
		return err
	}
	if err := s.recall(ctx, p, of, tries > 0); err != nil {
		return err
	}
	if err := of.checkClock(); err != nil {
		return err
	}
	if of.place() == 0 {
		return s.answerOnly(ctx, p, of)
	}
	first, err := s.publish(ctx, p, of)
	if err != nil {
		s.heads.doubt(of.streams()...)
		return err
	}
	s.remember(of, first)
	of.tell()
	return nil
}

// fill gets the ends of the plan's streams.
func (s *Storage) fill(ctx context.Context, p *partition, of *plan) error {
	return each(of.shares, func(one *share) (err error) {
		head, ok := s.heads.get(one.stream)
		if !ok {
			head, err = s.headOf(ctx, p, one.stream)
		}
		one.head = head
		return err
	})
}

// answerOnly ends an append that has nothing to store. What it says is not checked by
// the leader as an append is, so the ends of the streams must be those of now.
func (s *Storage) answerOnly(ctx context.Context, p *partition, of *plan) error {
	for _, one := range of.shares {
		now, err := s.headOf(ctx, p, one.stream)
		if err != nil {
			return err
		}
		if now != one.head {
			return errOvertaken
		}
	}
	of.tell()
	return nil
}

// remember keeps where the streams end after an append.
func (s *Storage) remember(of *plan, first uint64) {
	seq := first
	for _, one := range of.shares {
		for _, b := range one.blocks {
			b.seq = seq
			seq++
			s.atlas.saw(b)
		}
		seq += uint64(len(one.keys()))
		if len(one.blocks) > 0 && one.head.seq == 0 {
			seq++ // the mark of a new stream
		}
		if n := len(one.blocks); n > 0 {
			s.heads.set(one.stream, head{one.blocks[n-1].seq, one.org, one.head.next + core.Offset(one.stored), of.at})
		}
	}
}
