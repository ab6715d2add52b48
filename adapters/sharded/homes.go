package sharded

import (
	"context"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// maxHomes bounds the memory. A stream that is forgotten costs a look at the catalog.
const maxHomes = 200_000

// homes remembers where streams are. What it says may be out of date by [core.HomeTTL], and by
// more where this process was paused after it has looked: an append is then refused by
// the fence that stands where the stream was.
type homes struct {
	shards int
	// changed is told of a stream whose home is another one than the last time, or may
	// have been meanwhile.
	changed func(shard int, stream core.ID)

	// mu guards what follows, and is held for a look or a change only.
	mu      sync.RWMutex
	catalog core.Homes
	known   map[core.ID]home
}

type home struct {
	shard int
	// at is when the catalog was asked, by the clock that no setting moves.
	at time.Time
}

func newHomes(shards int, changed func(int, core.ID)) *homes {
	return &homes{shards: shards, changed: changed, known: map[core.ID]home{}}
}

func (h *homes) set(catalog core.Homes) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.catalog = catalog
	clear(h.known)
}

// of returns the homes of streams, in their order.
func (h *homes) of(ctx context.Context, streams ...core.ID) ([]int, error) {
	shards := make([]int, len(streams))
	var unknown []core.ID
	var at []int
	h.mu.RLock()
	catalog := h.catalog
	for i, stream := range streams {
		if one, ok := h.known[stream]; ok && time.Since(one.at) < core.HomeTTL {
			shards[i] = one.shard
			continue
		}
		unknown, at = append(unknown, stream), append(at, i)
	}
	h.mu.RUnlock()
	if len(unknown) == 0 {
		return shards, nil
	}
	if catalog == nil {
		return nil, core.Unavailable(nil, time.Second, "the store does not know yet where the streams are; try again")
	}
	asked := time.Now() // before the look: what is older than it counts from here
	found, err := catalog.HomesOf(ctx, unknown)
	if err != nil {
		return nil, core.StoreFailed(err)
	}
	for i, shard := range found {
		if shard < 0 || shard >= h.shards {
			return nil, core.Unavailable(nil, 5*time.Second, "the stream is on a shard of the store that this server does not know yet: it has to be restarted with the whole list")
		}
		shards[at[i]] = shard
		h.keep(unknown[i], home{shard, asked})
	}
	return shards, nil
}

// keep remembers a home, and tells if the stream may have been elsewhere since it was
// looked up last.
func (h *homes) keep(stream core.ID, now home) {
	h.mu.Lock()
	before, known := h.known[stream]
	if len(h.known) > maxHomes {
		clear(h.known)
	}
	if !known || now.at.After(before.at) {
		h.known[stream] = now
	}
	h.mu.Unlock()
	if !known || before.shard != now.shard || now.at.Sub(before.at) > 2*core.HomeTTL {
		h.changed(now.shard, stream)
	}
}

// drop has the next look at a stream ask the catalog.
func (h *homes) drop(stream core.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.known, stream)
}
