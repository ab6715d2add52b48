// Package cache keeps answers of the catalog for a moment.
package cache

import (
	"context"
	"sync"
	"time"
)

// Cache keeps answers of the catalog for a short time. So the hot path asks the
// catalog about once a second for each key, however many requests there are. A
// change that another node makes is seen after that time at the latest.
type Cache[K comparable, V any] struct {
	now  func() time.Time
	ttl  time.Duration
	size int

	// mu guards the map and not the answers in it. It is never held while the catalog
	// is asked, so a slow answer holds up only those who wait for the same one.
	mu      sync.RWMutex
	entries map[K]*cached[V]
}

// cached is one answer.
type cached[V any] struct {
	// mu guards what follows. It is not held while the catalog is asked.
	mu sync.Mutex
	// loading is closed when the caller that asks the catalog has its answer; others
	// that want the same one wait for that. It is nil while nobody asks.
	loading chan struct{}
	// loaded is when the answer was asked for, zero before the first.
	loaded time.Time
	// answer is what load returned, nil before the first.
	answer *answer[V]
}

// answer is what load returned. It does not change.
type answer[V any] struct {
	value V
	err   error
}

// New returns a cache of at most size answers, each good for ttl.
func New[K comparable, V any](now func() time.Time, ttl time.Duration, size int) *Cache[K, V] {
	return &Cache[K, V]{now: now, ttl: ttl, size: size, entries: map[K]*cached[V]{}}
}

// Get returns the answer for key. It calls load when there is no answer or it is too
// old, and gives it the old one. An error is kept like a value when keep says so;
// otherwise the next caller loads again. While another caller loads, Get waits for
// that as long as ctx lasts, and returns the error of ctx after that.
//
// An answer counts from the time before load, because the catalog may change while
// the answer is on its way.
func (c *Cache[K, V]) Get(ctx context.Context, key K, load func(old V) (V, error), keep func(error) bool) (V, error) {
	entry := c.find(key)
	for {
		now := c.now()
		kept, first, loading := entry.look(now, c.ttl)
		switch {
		case kept != nil:
			return kept.value, kept.err
		case loading == nil:
			return c.load(entry, key, now, func() (V, error) { return load(first) }, keep)
		}
		select {
		case <-loading:
		case <-ctx.Done():
			var none V
			return none, ctx.Err()
		}
	}
}

// look returns the answer that is kept, if it is good. If it is not, look says whom to
// wait for, or makes the caller the one who loads, with the answer that there was.
func (e *cached[V]) look(now time.Time, ttl time.Duration) (kept *answer[V], old V, loading chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	// A clock that was set back would keep an answer for hours, so it counts as old.
	if age := now.Sub(e.loaded); !e.loaded.IsZero() && age >= 0 && age < ttl {
		return e.answer, old, nil
	}
	if e.loading != nil {
		return nil, old, e.loading
	}
	e.loading = make(chan struct{})
	if e.answer != nil {
		old = e.answer.value
	}
	return nil, old, nil
}

// load asks for the answer, which counts from a time, and lets the others go on that
// wait for it. They do so also when load panics.
func (c *Cache[K, V]) load(entry *cached[V], key K, from time.Time, load func() (V, error), keep func(error) bool) (value V, err error) {
	kept := false
	defer func() {
		entry.mu.Lock()
		defer entry.mu.Unlock()
		if kept {
			entry.answer, entry.loaded = &answer[V]{value, err}, from
		}
		close(entry.loading)
		entry.loading = nil
	}()
	value, err = load()
	if kept = err == nil || keep(err); !kept {
		c.Drop(key)
	}
	return value, err
}

// find returns the entry for key, and makes an empty one when there is none. Most
// calls find one, under a lock that they share.
func (c *Cache[K, V]) find(key K) *cached[V] {
	c.mu.RLock()
	entry := c.entries[key]
	c.mu.RUnlock()
	if entry != nil {
		return entry
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if entry = c.entries[key]; entry != nil {
		return entry
	}
	if len(c.entries) >= c.size {
		c.evict()
	}
	entry = &cached[V]{}
	c.entries[key] = entry
	return entry
}

// evict makes room by forgetting an arbitrary eighth. That costs less than to know
// what was used last: an answer in use comes back with one question to the catalog.
func (c *Cache[K, V]) evict() {
	room := max(c.size/8, 1)
	for key := range c.entries {
		if room == 0 {
			return
		}
		delete(c.entries, key)
		room--
	}
}

// Drop forgets the answer for key. A load that is under way keeps its entry, which
// nobody finds any more: a change that was made before Drop is seen by every Get
// that begins after it.
func (c *Cache[K, V]) Drop(key K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, key)
}

// Clear forgets everything.
func (c *Cache[K, V]) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.entries)
}
