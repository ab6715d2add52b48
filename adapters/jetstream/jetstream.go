// Package jetstream keeps the log in NATS JetStream, on one server or on several that
// hold copies of it. It is experimental. README.md tells the life of an event, what
// the servers must be set to, the limits, and what each failure does.
//
// The log is split into partitions, each of which is one JetStream stream. All events
// of one of EventFlow's streams are in one partition, and one append is to one
// partition.
package jetstream

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Storage is the log in the partitions of one name. It implements [core.Storage].
type Storage struct {
	settings   settings
	link       *link
	partitions []*partition
	homes      homes
	heads      *heads
	atlas      *atlas
	firsts     *firsts
	holes      *holes
	// guard is set once, by guarded.
	guard   *guard
	guarded sync.Once
	// calls is open while the storage is. Close waits for those that are within.
	calls gate
	// stop ends what runs beside the calls.
	stop func()
}

// Open connects to the servers that u names and looks at every partition. It makes
// nothing: a partition that is missing is an error, because it may have been lost.
// [Init] makes them. The URL's parameters are in README.md.
//
// The storage must be told by [Storage.SetHomes] where streams are, if there are several
// partitions, and by [Storage.Guard] how far they had come.
func Open(ctx context.Context, u *url.URL) (core.Storage, error) {
	s, err := connect(u)
	if err != nil {
		return nil, err
	}
	if err := s.prepare(ctx); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func connect(u *url.URL) (*Storage, error) {
	set, err := parse(u)
	if err != nil {
		return nil, fmt.Errorf("the store's URL: %w", err)
	}
	l, err := dial(set)
	if err != nil {
		return nil, err
	}
	s := &Storage{settings: set, link: l, homes: homes{known: map[core.ID]int{}}, heads: newHeads(), atlas: newAtlas(), firsts: newFirsts(), holes: newHoles()}
	for number := range set.partitions {
		s.partitions = append(s.partitions, newPartition(l, set, number))
	}
	s.stop = sync.OnceFunc(func() {
		s.closeGuard()
		l.close()
	})
	return s, nil
}

// openTimeout bounds the wait for servers that are choosing their leaders.
const openTimeout = 30 * time.Second

// prepare looks whether all partitions are there and keep what a log must keep.
func (s *Storage) prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	if err := s.link.await(ctx); err != nil {
		return err
	}
	return each(s.partitions, func(p *partition) error { return p.examine(ctx) })
}

func (s *Storage) partitionOf(ctx context.Context, stream core.ID) (*partition, error) {
	number, err := s.ShardOf(ctx, stream)
	if err != nil {
		return nil, err
	}
	return s.partitions[number], nil
}

// Close implements [core.Storage].
func (s *Storage) Close() error {
	s.calls.close()
	s.stop()
	return nil
}

// each calls do for all elements at once, up to sixteen at a time, and returns the
// first error by their order.
func each[E any](all []E, do func(E) error) error {
	errs := make([]error, len(all))
	slots := make(chan struct{}, 16)
	var running sync.WaitGroup
	for i := range all {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			errs[i] = do(all[i])
		})
	}
	running.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
