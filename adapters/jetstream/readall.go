package jetstream

import (
	"bytes"
	"cmp"
	"container/heap"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// owned is a stream of an organization.
type owned struct {
	org, stream core.ID
	p           *partition
}

// owned returns the streams of an organization, or of all, as the leaders know them.
func (s *Storage) owned(ctx context.Context, org core.ID) ([]owned, error) {
	found := make([][]owned, len(s.partitions))
	err := each(s.partitions, func(p *partition) (err error) {
		found[p.number], err = p.owners(ctx, org)
		return err
	})
	return slices.Concat(found...), err
}

func (p *partition) owners(ctx context.Context, org core.ID) (all []owned, err error) {
	mine := p.prefix + "o."
	filter := mine + ">"
	if !org.IsZero() {
		filter = mine + short(org) + ".*"
	}
	for {
		state, err := p.whole(ctx, map[string]any{"subjects_filter": filter, "offset": len(all)})
		if err != nil {
			return nil, err
		}
		for subject := range state.State.Subjects {
			org, stream, _ := strings.Cut(strings.TrimPrefix(subject, mine), ".")
			one := owned{p: p}
			var good, also bool
			one.org, good = long(org)
			one.stream, also = long(stream)
			if good && also {
				all = append(all, one)
			}
		}
		if len(state.State.Subjects) == 0 || len(all) >= state.Total {
			return all, nil
		}
	}
}

// ReadAll implements [core.Reader]. It merges the streams of the organization, so it
// costs the more the more streams there are.
func (s *Storage) ReadAll(ctx context.Context, org core.ID, scan core.AllScan) ([]core.Event, error) {
	ctx, end, err := s.reading(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	if !core.SeesOrganization(ctx, org) {
		return nil, nil
	}
	streams, err := s.owned(ctx, org)
	if err != nil {
		return nil, err
	}
	queues := make([]*queue, len(streams))
	for i := range streams {
		queues[i] = &queue{s: s, owned: streams[i], scan: scan}
	}
	if err := each(queues, func(q *queue) error { return q.begin(ctx) }); err != nil {
		return nil, err
	}
	return merge(ctx, queues, scan)
}

func merge(ctx context.Context, queues []*queue, scan core.AllScan) ([]core.Event, error) {
	order := &queueHeap{backward: scan.Backward}
	for _, q := range queues {
		if len(q.ahead) > 0 {
			order.queues = append(order.queues, q)
		}
	}
	heap.Init(order)
	got := page{scan: core.Scan{Limit: scan.Limit, Bytes: scan.Bytes}}
	for order.Len() > 0 {
		q := order.queues[0]
		if got.add(&q.ahead[0]) {
			break
		}
		q.ahead = q.ahead[1:]
		if len(q.ahead) == 0 {
			if err := q.fetch(ctx); err != nil {
				return nil, err
			}
		}
		if len(q.ahead) == 0 {
			heap.Pop(order)
		} else {
			heap.Fix(order, 0)
		}
	}
	return got.events, nil
}

// queue is what comes next of one stream.
type queue struct {
	s *Storage
	owned
	scan core.AllScan
	// low and high are the offsets between which there is more.
	low, high core.Offset
	ahead     []core.Event
	size      int
}

// firstQueue is how many events of a stream are fetched at first.
const firstQueue = 16

func (q *queue) begin(ctx context.Context) error {
	q.size = firstQueue
	found, err := q.s.endsOf(ctx, q.p, q.stream)
	if err != nil || found == nil {
		return err
	}
	q.low, q.high = found.offset, found.last.next()
	if after := q.scan.After; !after.IsZero() {
		if q.low, err = q.s.offsetAt(ctx, q.p, q.stream, after.ReceivedAt); err != nil {
			return err
		}
	}
	if before := q.scan.Before; !before.IsZero() {
		if q.high, err = q.s.offsetAt(ctx, q.p, q.stream, before.ReceivedAt.Add(time.Microsecond)); err != nil {
			return err
		}
	}
	return q.fetch(ctx)
}

// fetch gets the next events that are in the range.
func (q *queue) fetch(ctx context.Context) error {
	for q.low < q.high && len(q.ahead) == 0 {
		scan := core.Scan{From: q.low, To: q.high, Limit: min(q.size, q.scan.Limit), Backward: q.scan.Backward}
		events, err := q.s.read(ctx, q.p, q.stream, scan)
		if err != nil {
			return err
		}
		if len(events) == 0 {
			q.low = q.high
			return nil
		}
		q.size = min(2*q.size, 1000)
		if last := events[len(events)-1].Offset; q.scan.Backward {
			q.high = last
		} else {
			q.low = last + 1
		}
		q.ahead = slices.DeleteFunc(events, q.outside)
	}
	return nil
}

func (q *queue) outside(e core.Event) bool {
	at := position(&e)
	return !q.scan.After.IsZero() && compare(at, q.scan.After) <= 0 || !q.scan.Before.IsZero() && compare(at, q.scan.Before) >= 0
}

func position(e *core.Event) core.Position {
	return core.Position{ReceivedAt: e.ReceivedAt, Stream: e.Stream, Offset: e.Offset}
}

func compare(a, b core.Position) int {
	return cmp.Or(a.ReceivedAt.Compare(b.ReceivedAt), bytes.Compare(a.Stream[:], b.Stream[:]), cmp.Compare(a.Offset, b.Offset))
}

// queueHeap has the queue whose event is next in front.
type queueHeap struct {
	queues   []*queue
	backward bool
}

// Len implements [heap.Interface].
func (h *queueHeap) Len() int { return len(h.queues) }

// Swap implements [heap.Interface].
func (h *queueHeap) Swap(i, j int) { h.queues[i], h.queues[j] = h.queues[j], h.queues[i] }

// Push implements [heap.Interface]. Queues only leave.
func (h *queueHeap) Push(any) {}

// Less implements [heap.Interface].
func (h *queueHeap) Less(i, j int) bool {
	c := compare(position(&h.queues[i].ahead[0]), position(&h.queues[j].ahead[0]))
	if h.backward {
		return c > 0
	}
	return c < 0
}

// Pop implements [heap.Interface].
func (h *queueHeap) Pop() any {
	last := h.queues[len(h.queues)-1]
	h.queues = h.queues[:len(h.queues)-1]
	return last
}
