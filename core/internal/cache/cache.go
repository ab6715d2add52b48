// Package cache keeps answers of the catalog for a moment.
package cache

import (
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
	// mu is held while the answer is loaded: one caller asks the catalog, and others
	// that want the same answer wait for it. It guards what follows. Cache.mu may be
	// taken under it, but not the other way round.
	mu sync.Mutex
	// loaded is when the answer was asked for, zero before the first.
	loaded time.Time
	// value and err are the answer as load returned it.
	value V
	err   error
}

// New returns a cache of at most size answers, each good for ttl.
func New[K comparable, V any](now func() time.Time, ttl time.Duration, size int) *Cache[K, V] {
	return &Cache[K, V]{now: now, ttl: ttl, size: size, entries: map[K]*cached[V]{}}
}

// Get returns the answer for key. It calls load when there is no answer or it is too
// old, and gives it the old one. An error is kept like a value when keep says so;
// otherwise the next caller loads again.
//
// An answer counts from the time before load, because the catalog may change while
// the answer is on its way.
func (c *Cache[K, V]) Get(key K, load func(old V) (V, error), keep func(error) bool) (V, error) {
	entry := c.find(key)
	entry.mu.Lock()
	defer entry.mu.Unlock()
	// A clock that was set back would keep an answer for hours, so it counts as old.
	if now := c.now(); entry.loaded.IsZero() || now.Sub(entry.loaded) >= c.ttl || now.Before(entry.loaded) {
		value, err := load(entry.value)
		if err != nil && !keep(err) {
			c.Drop(key)
			return value, err
		}
		entry.value, entry.err, entry.loaded = value, err, now
	}
	return entry.value, entry.err
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
