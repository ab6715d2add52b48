package identity

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// The time within which a key's use is written once, and that between writes.
const (
	usageGap   = time.Minute
	usageEvery = 10 * time.Second
)

// knownKey is a key as the hot path remembers it.
type knownKey struct {
	key core.APIKey
	who core.Principal
	// used is when its use was last noted, in microseconds since 1970. It stays
	// when the key is read again.
	used *atomic.Int64
	// as is the hash by which the key was found.
	as core.KeyHash
}

func newKnownKey(key core.APIKey, org core.Organization, as core.KeyHash, old *knownKey) *knownKey {
	known := &knownKey{key: key, as: as, who: key.Principal(org)}
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

// unnoted reports whether the use of a key at a time has to be noted: to one
// caller a minute.
func (k *knownKey) unnoted(now time.Time) bool {
	noted, at := k.used.Load(), now.UnixMicro()
	return at-noted >= usageGap.Microseconds() && k.used.CompareAndSwap(noted, at)
}

// usage collects when keys were used, until it is written.
type usage struct {
	mu      sync.Mutex
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

// giveBack makes pending again what could not be written, but for what is newer
// by now.
func (u *usage) giveBack(used map[core.ID]time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for key, at := range used {
		if _, newer := u.pending[key]; !newer && len(u.pending) < keyCacheSize {
			u.pending[key] = at
		}
	}
}

// WriteUsage writes when keys were last used, where it is not written yet. What
// cannot be written is kept for the next time.
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

// Run writes when keys were last used, every few seconds until ctx ends, and
// once more then. A catalog that fails is asked again: nobody waits for this.
func (a *Access) Run(ctx context.Context) {
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
		_ = a.WriteUsage(writing) // tried again the next time
		cancel()
		if ended {
			return
		}
	}
}
