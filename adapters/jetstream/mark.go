package jetstream

import (
	"context"
	"sync"
	"time"
)

// Marks remembers, outside of JetStream, how far each partition has come. An engine that
// loses the end of its log would go on at an earlier place, and give offsets a second
// time. By the marks it is found out, even if every process that knew better has ended.
type Marks interface {
	// Marks returns the highest sequence of each partition of a store that was ever
	// raised, by the partition's number.
	Marks(ctx context.Context, store string) (map[int]uint64, error)
	// Raise remembers sequences. A mark never goes back.
	Raise(ctx context.Context, store string, marks map[int]uint64) error
}

// marking writes the marks from time to time.
type marking struct {
	marks Marks
	store string
	ended chan struct{}
	stop  chan struct{}
	once  sync.Once
	// told is what was raised last. Only run and close use it, one after the other.
	told map[int]uint64
}

// raiseEvery is how far a mark may be behind. What was stored since is guarded by the
// memory of the processes that run, and by the offsets of the streams.
const raiseEvery = time.Second

func newMarking(marks Marks, store string) *marking {
	return &marking{marks: marks, store: store, ended: make(chan struct{}), stop: make(chan struct{}), told: map[int]uint64{}}
}

// recall gives the partitions the marks.
func (m *marking) recall(ctx context.Context, partitions []*partition) error {
	if m.marks == nil {
		return nil
	}
	known, err := m.marks.Marks(ctx, m.store)
	if err != nil {
		return err
	}
	for _, p := range partitions {
		p.saw(known[p.number])
	}
	return nil
}

// run raises the marks until close.
func (m *marking) run(partitions []*partition) {
	if m.marks == nil {
		return
	}
	m.once.Do(func() {
		go func() {
			defer close(m.ended)
			tick := time.NewTicker(raiseEvery)
			defer tick.Stop()
			for {
				select {
				case <-m.stop:
					return
				case <-tick.C:
					m.raise(partitions)
				}
			}
		}()
	})
}

// raise tries once. What fails is tried with the next tick.
func (m *marking) raise(partitions []*partition) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	now := map[int]uint64{}
	for _, p := range partitions {
		if high := p.known(); high > m.told[p.number] {
			now[p.number] = high
		}
	}
	if len(now) == 0 || m.marks.Raise(ctx, m.store, now) != nil {
		return
	}
	for number, high := range now {
		m.told[number] = high
	}
}

// close raises the marks a last time.
func (m *marking) close(partitions []*partition) {
	if m.marks == nil {
		return
	}
	m.once.Do(func() { close(m.ended) }) // it never ran
	close(m.stop)
	<-m.ended
	m.raise(partitions)
}
