// Package cache keeps answers of the catalog for a moment.
package cache

import (
	"sync"
	"time"
)

// Cache keeps answers of the catalog for a short time, so that the hot path
// asks it about once a second per key however many requests there are. A
// change made by another node is seen after that time at the latest.
type Cache[K comparable, V any] struct {
	now  func() time.Time
	ttl  time.Duration
	size int

	mu      sync.RWMutex
	entries map[K]*cached[V]
}

// cached is one answer; its mutex lets one caller load while others wait.
type cached[V any] struct {
	mu     sync.Mutex
	loaded time.Time
	value  V
	err    error
}

// New returns a cache of at most size answers, each good for ttl.
func New[K comparable, V any](now func() time.Time, ttl time.Duration, size int) *Cache[K, V] {
	return &Cache[K, V]{now: now, ttl: ttl, size: size, entries: map[K]*cached[V]{}}
}

// Get returns the answer for key, loading it where there is none or it is too
// old. load is given the old answer. Errors are kept like values when keep
// says so.
func (c *Cache[K, V]) Get(key K, load func(old V) (V, error), keep func(error) bool) (V, error) {
	entry := c.find(key)
	entry.mu.Lock()
	defer entry.mu.Unlock()
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

// evict makes room by forgetting an arbitrary part; what is in use comes back
// with one question to the catalog.
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

// Drop forgets the answer for key.
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
