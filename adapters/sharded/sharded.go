// Package sharded makes one storage of several: each stream is on one of them, its home,
// and the catalog says which. What a stream's home does is the whole truth about the
// stream; a shard that is away hurts its own streams alone. README.md tells how shards are
// recognized, and how a stream moves.
package sharded

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Storage is several storages behind one. It implements [core.Storage].
type Storage struct {
	shards []*shard
	homes  *homes
}

var (
	_ core.Storage      = (*Storage)(nil)
	_ core.Sharded      = (*Storage)(nil)
	_ core.Homed        = (*Storage)(nil)
	_ core.ShardChecker = (*Storage)(nil)
	_ core.Copyable     = (*Storage)(nil)
	_ core.GroupLimited = (*Storage)(nil)
	_ core.Timekeeper   = (*Storage)(nil)
	_ core.Pooled       = (*Storage)(nil)
	_ core.Housed       = (*Storage)(nil)
	_ core.Preparer     = (*Storage)(nil)
	_ core.Rememberer   = (*Storage)(nil)
	_ core.Confirmer    = (*Storage)(nil)
	_ core.Examiner     = (*Storage)(nil)
	_ core.Migrated     = (*Storage)(nil)
)

// Shard is one of the storages.
type Shard struct {
	// Name is its address, as people who run the installation may see it. Clients
	// read only its number.
	Name string
	// Open opens it. The storage must be a [core.Movable] and a [core.Labelled]. Open is
	// called again after it has failed.
	Open func(ctx context.Context) (core.Storage, error)
}

// New opens the shards, which are numbered in their order from 0. It refuses a list that
// is not that of the installation: shards in another order, fewer than there were, one of
// another installation, or one that holds something and was none. A new shard, at the
// end, must be empty. A shard that cannot be reached may come later, if it was one before.
//
// Before [Storage.SetHomes] is called, the storage answers for no stream.
func New(ctx context.Context, shards []Shard) (*Storage, error) {
	s := &Storage{}
	for i, one := range shards {
		s.shards = append(s.shards, &shard{Shard: one, number: i, of: len(shards)})
	}
	s.homes = newHomes(len(shards), s.forget)
	if len(shards) == 0 {
		return nil, errors.New("there is no shard")
	}
	if err := s.recognize(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// SetHomes implements [core.Homed].
func (s *Storage) SetHomes(of core.Homes) { s.homes.set(of) }

// Shards implements [core.Sharded].
func (s *Storage) Shards() int { return len(s.shards) }

// ShardOf implements [core.Sharded].
func (s *Storage) ShardOf(ctx context.Context, stream core.ID) (int, error) {
	homes, err := s.homes.of(ctx, stream)
	if err != nil {
		return 0, err
	}
	return homes[0], nil
}

// forget has a shard forget what it remembers of a stream that may have been elsewhere.
func (s *Storage) forget(number int, stream core.ID) {
	if there, ok := s.shards[number].opened().(core.Movable); ok {
		there.Forget(stream)
	}
}

// home returns the shard of a stream.
func (s *Storage) home(ctx context.Context, stream core.ID) (*shard, error) {
	number, err := s.ShardOf(ctx, stream)
	if err != nil {
		return nil, err
	}
	return s.shards[number], nil
}

// each runs do for all shards at once, and returns the first error by their order.
func (s *Storage) each(do func(*shard) error) error { return together(s.shards, do) }

// together runs do for some shards at once, and returns the first error by their order.
func together(shards []*shard, do func(*shard) error) error {
	errs := make([]error, len(shards))
	var all sync.WaitGroup
	for i, one := range shards {
		all.Go(func() { errs[i] = do(one) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// GroupLimits implements [core.GroupLimited]: what every shard takes.
func (s *Storage) GroupLimits() (limits core.GroupLimits) {
	for _, one := range s.shards {
		its := core.GroupLimitsOf(one.opened())
		limits.Events, limits.Bytes, limits.Keyed = least(limits.Events, its.Events), least(limits.Bytes, its.Bytes), least(limits.Keyed, its.Keyed)
	}
	return limits
}

// least is the lower of two limits, of which zero is none.
func least(a, b int) int {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// Time implements [core.Timekeeper], by the first shard that has a clock.
func (s *Storage) Time(ctx context.Context) (now time.Time, err error) {
	for _, one := range s.shards {
		keeper, ok := one.opened().(core.Timekeeper)
		if !ok {
			continue
		}
		if now, err = keeper.Time(ctx); err == nil && !now.IsZero() {
			return now, nil
		}
	}
	return now, err
}

// Close implements [core.Storage].
func (s *Storage) Close() error {
	errs := make([]error, len(s.shards))
	for i, one := range s.shards {
		errs[i] = one.close()
	}
	return errors.Join(errs...)
}

// At returns a shard by its number, for whoever moves a stream from one to another.
func (s *Storage) At(ctx context.Context, number int) (core.Storage, error) {
	return s.shards[number].get(ctx)
}
