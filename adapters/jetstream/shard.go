package jetstream

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var (
	_ core.Sharded      = (*Storage)(nil)
	_ core.ShardChecker = (*Storage)(nil)
	_ core.Homed        = (*Storage)(nil)
	_ core.GroupLimited = (*Storage)(nil)
)

// Shards implements [core.Sharded]. A partition is a shard.
func (s *Storage) Shards() int { return len(s.partitions) }

// CheckShards implements [core.ShardChecker]. A partition that lacks a replica stores.
func (s *Storage) CheckShards(ctx context.Context) []error {
	wrong := make([]error, len(s.partitions))
	leave, err := s.calls.enter()
	if err != nil {
		for i := range wrong {
			wrong[i] = err
		}
		return wrong
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	_ = each(s.partitions, func(p *partition) error {
		wrong[p.number] = p.verify(ctx)
		return nil
	})
	return wrong
}

// SetHomes implements [core.Homed].
func (s *Storage) SetHomes(homes core.Homes) {
	s.homes.mu.Lock()
	defer s.homes.mu.Unlock()
	s.homes.from = homes
	clear(s.homes.known)
}

// ShardOf implements [core.Sharded].
func (s *Storage) ShardOf(ctx context.Context, stream core.ID) (int, error) {
	if len(s.partitions) == 1 {
		return 0, nil
	}
	number, err := s.homes.of(ctx, stream)
	if err != nil {
		return 0, err
	}
	if number < 0 || number >= len(s.partitions) {
		return 0, core.Unavailable(nil, time.Minute, fmt.Sprintf(
			"stream %s is said to be in partition %d, and the store's URL names %d partitions", stream, number, len(s.partitions)))
	}
	return number, nil
}

// groupEvents bounds a group so that it fits into one batch, even if each event is the
// first of its stream and has a key. Then it is three messages.
const groupEvents = leastBatch * 3 / 10

// GroupLimits implements [core.GroupLimited].
func (s *Storage) GroupLimits() core.GroupLimits { return core.GroupLimits{Events: groupEvents} }

// homes remembers which partitions hold the streams. They are never moved to another.
type homes struct {
	// mu guards what follows. It is not held while the catalog is asked.
	mu    sync.RWMutex
	from  core.Homes
	known map[core.ID]int
}

func (h *homes) of(ctx context.Context, stream core.ID) (int, error) {
	h.mu.RLock()
	number, ok := h.known[stream]
	from := h.from
	h.mu.RUnlock()
	if ok {
		return number, nil
	}
	if from == nil {
		return 0, core.Unavailable(nil, time.Second, "the event store does not know yet which partitions hold the streams")
	}
	numbers, err := from.HomesOf(ctx, []core.ID{stream})
	if err != nil {
		return 0, err
	}
	number = numbers[0]
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.known) >= maxHeads {
		clear(h.known)
	}
	h.known[stream] = number
	return number, nil
}
