package jetstream

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// readTimeout bounds one read. It is longer than an election takes.
const readTimeout = 20 * time.Second

// reading begins a call that reads, which end ends.
func (s *Storage) reading(ctx context.Context) (bounded context.Context, end func(), err error) {
	leave, err := s.calls.enter()
	if err != nil {
		return nil, nil, err
	}
	bounded, cancel := context.WithTimeout(ctx, readTimeout)
	return bounded, func() { cancel(); leave() }, nil
}

// Read implements [core.Reader].
func (s *Storage) Read(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
	ctx, end, err := s.reading(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	p, err := s.partitionOf(ctx, stream)
	if err != nil {
		return nil, err
	}
	return s.read(ctx, p, stream, scan)
}

// read begins anew while retention takes away what is being read, or replicas were asked
// that cannot read what others can.
func (s *Storage) read(ctx context.Context, p *partition, stream core.ID, scan core.Scan) (events []core.Event, err error) {
	for range 5 {
		if scan.Backward {
			events, err = s.readBackward(ctx, p, stream, scan)
		} else {
			events, err = s.readForward(ctx, p, stream, scan)
		}
		if !errors.Is(err, errTrimmed) && (p.replicas == 1 || !errors.Is(err, errDamaged)) {
			break
		}
	}
	return events, err
}

// page gathers the events of a scan.
type page struct {
	scan   core.Scan
	events []core.Event
	held   int
}

// add takes an event if it matches, and says whether the page is full then.
func (p *page) add(event *core.Event) (full bool) {
	if p.scan.Filter.Matches(event) {
		p.events = append(p.events, *event)
		p.held += event.Size()
	}
	return len(p.events) >= p.scan.Limit || p.scan.Bytes > 0 && p.held >= p.scan.Bytes
}

// wanted is how many more events a page needs. With a filter nobody knows.
func (p *page) wanted() int {
	if p.scan.Filter != (core.Filter{}) {
		return math.MaxInt
	}
	return p.scan.Limit - len(p.events)
}

func (s *Storage) readForward(ctx context.Context, p *partition, stream core.ID, scan core.Scan) ([]core.Event, error) {
	got := page{scan: scan}
	err := s.walk(ctx, p, stream, scan.From, scan.To, got.wanted, got.add)
	return got.events, err
}

// walk calls visit with the events of a stream from an offset up to another one, which
// is not included, zero being the end, until visit says that it was the last.
func (s *Storage) walk(ctx context.Context, p *partition, stream core.ID, from, to core.Offset, wanted func() int, visit func(*core.Event) bool) error {
	seq, floor, err := s.enter(ctx, p, stream, from)
	if err != nil || seq == 0 {
		return err
	}
	from = max(from, floor)
	r, size := s.blocksFrom(p, stream, seq, from), 1
	for {
		b, err := r.next(ctx, wanted()/size+1)
		if err != nil || b == nil || !core.SeesOrganization(ctx, b.org) {
			return err
		}
		for i := range b.entries {
			e := &b.entries[i].Event
			if to > 0 && e.Offset >= to {
				return nil
			}
			if e.Offset >= from && visit(e) {
				return nil
			}
		}
		if to > 0 && b.next() >= to {
			return nil
		}
		size = max(b.count, 1)
	}
}

// near is how many events may be passed over rather than sought.
const near = 64

// enter returns a sequence at or a little before the block that holds an offset, or 0
// where there is none, and where the stream begins, if that is not where a block does.
func (s *Storage) enter(ctx context.Context, p *partition, stream core.ID, offset core.Offset) (seq uint64, floor core.Offset, err error) {
	g := offsetGoal(offset)
	before, at := s.atlas.around(stream, g.reached)
	switch {
	case before != nil && offset-before.next < near:
		return before.seq + 1, 0, nil
	case before != nil && at != nil && at.offset == offset:
		return at.seq, 0, nil
	case before == nil:
		begin, err := s.startOf(ctx, p, stream)
		if err != nil || begin.first == nil {
			return 0, 0, err
		}
		if floor = begin.offset; g.reached(begin.first.place()) || offset-begin.first.next() < near {
			return begin.first.seq, floor, nil
		}
	}
	b, err := s.seek(ctx, p, stream, g)
	if err != nil || b == nil {
		return 0, 0, err
	}
	return b.seq, floor, nil
}

// readBackward reads stretches forwards, from the end on, and turns each.
func (s *Storage) readBackward(ctx context.Context, p *partition, stream core.ID, scan core.Scan) ([]core.Event, error) {
	found, err := s.endsOf(ctx, p, stream)
	if err != nil || found == nil {
		return nil, err
	}
	low, high := max(scan.From, found.offset), found.last.next()
	if scan.To > 0 {
		high = min(high, scan.To)
	}
	got := page{scan: scan}
	for size := core.Offset(min(scan.Limit, 256)); high > low; size = min(2*size, 4000) {
		from := max(low, high-size)
		stretch, err := s.readForward(ctx, p, stream, core.Scan{From: from, To: high, Limit: int(high - from)})
		if err != nil {
			return nil, err
		}
		for i := len(stretch) - 1; i >= 0; i-- {
			if got.add(&stretch[i]) {
				return got.events, nil
			}
		}
		high = from
	}
	return got.events, nil
}
