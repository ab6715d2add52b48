package identity

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// usageGap is the time within which the use of a key is written once, usageEvery
// the time between writes.
const (
	usageGap   = time.Minute
	usageEvery = 10 * time.Second
)

// knownKey is a key as the hot path remembers it.
type knownKey struct {
	key core.APIKey
	who core.Principal
	// makers are the keys that the key descends from, the nearest first.
	makers []core.APIKey
	// used is when the key's use was last noted, in microseconds since 1970. A
	// knownKey never changes but for this number. When the key is read again, the
	// new knownKey takes it over, so that one use a minute is noted however often
	// the key is read.
	used *atomic.Int64
	// as is the hash by which the key was found.
	as core.KeyHash
}

func newKnownKey(key core.APIKey, org core.Organization, as core.KeyHash, makers []core.APIKey, old *knownKey) *knownKey {
	known := &knownKey{key: key, as: as, who: key.Principal(org), makers: makers}
	for i := range makers {
		known.who.Makers = append(known.who.Makers, core.Maker{Key: makers[i].ID, Limit: makers[i].Principal(org).Limit})
	}
	if old != nil {
		known.used = old.used
	} else {
		known.used = &atomic.Int64{}
	}
	if key.LastUsedAt != nil && known.used.Load() < key.LastUsedAt.UnixMicro() {
		known.used.Store(key.LastUsedAt.UnixMicro()) // another node noted it
	}
	return known
}

// unnoted reports whether the caller has to note the use of a key. Within a
// minute, one caller is told so.
func (k *knownKey) unnoted(now time.Time) bool {
	noted, at := k.used.Load(), now.UnixMicro()
	return at-noted >= usageGap.Microseconds() && k.used.CompareAndSwap(noted, at)
}

// usage collects the times at which keys were used, until they are written.
type usage struct {
	// mu guards pending. It is not held while pending is written: take swaps the
	// map, so that no request waits for the catalog.
	mu sync.Mutex
	// pending has at most keyCacheSize keys, however long the catalog fails. What
	// does not fit is lost.
	pending map[core.ID]time.Time
}

// note notes that a key is used.
func (u *usage) note(key core.ID, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.pending) < keyCacheSize {
		u.pending[key] = now
	}
}

// take returns what is pending.
func (u *usage) take() map[core.ID]time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	taken := u.pending
	u.pending = map[core.ID]time.Time{}
	return taken
}

// giveBack returns times that could not be written. A newer time of the same key
// stays.
func (u *usage) giveBack(used map[core.ID]time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for key, at := range used {
		if _, newer := u.pending[key]; !newer && len(u.pending) < keyCacheSize {
			u.pending[key] = at
		}
	}
}

// WriteUsage writes the times at which keys were used since the last call. If
// the catalog fails, the times are kept for the next call.
func (a *Access) WriteUsage(ctx context.Context) error {
	used := a.usage.take()
	if len(used) == 0 {
		return nil
	}
	err := a.credentials.TouchKeys(ctx, used)
	if err != nil {
		a.usage.giveBack(used)
	}
	return err
}

// Run calls [Access.WriteUsage] every few seconds until ctx ends, and once more
// then. It ignores a catalog that fails, because the times are written later, but tells
// ran of `key_usage`.
func (a *Access) Run(ctx context.Context, ran core.Ran) {
	ticker := time.NewTicker(usageEvery)
	defer ticker.Stop()
	for {
		ended := false
		select {
		case <-ticker.C:
		case <-ctx.Done():
			ended = true
		}
		writing, cancel := context.WithTimeout(context.WithoutCancel(ctx), usageEvery/2)
		err := a.WriteUsage(writing) // tried again the next time
		cancel()
		if ended {
			return
		}
		ran.Tell("key_usage", err)
	}
}
