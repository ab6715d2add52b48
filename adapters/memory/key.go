package memory

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

func ownKey(key core.APIKey) core.APIKey {
	key.Streams = slices.Clone(key.Streams)
	key.CreatedAt = utc(key.CreatedAt)
	key.LastUsedAt, key.RotatedAt, key.ExpiresAt = utcOrNone(key.LastUsedAt), utcOrNone(key.RotatedAt), utcOrNone(key.ExpiresAt)
	key.RevokedAt, key.PreviousValidUntil = utcOrNone(key.RevokedAt), utcOrNone(key.PreviousValidUntil)
	if key.PreviousValidUntil == nil {
		key.PreviousHash = core.KeyHash{} // without a time there is none
	}
	return key
}

// keyOf returns a key of an organization. It is still the catalog's own.
func (c *Catalog) keyOf(org, id core.ID) (core.APIKey, error) {
	key, ok := c.keys[id]
	if !ok || key.Org != org {
		return core.APIKey{}, missing("API key")
	}
	return key, nil
}

func (c *Catalog) keyByHash(hash core.KeyHash) (core.APIKey, bool) {
	return find(c.keys, func(key core.APIKey) bool {
		return key.Hash == hash || key.PreviousValidUntil != nil && key.PreviousHash == hash
	})
}

// CreateKey implements [core.Credentials].
func (c *Catalog) CreateKey(ctx context.Context, key core.APIKey) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	if _, taken := c.keyByHash(key.Hash); taken {
		return errTaken
	}
	return add(c.keys, key.ID, ownKey(key))
}

// KeyByHash implements [core.Credentials].
func (c *Catalog) KeyByHash(ctx context.Context, hash core.KeyHash) (core.APIKey, error) {
	if err := c.enter(ctx); err != nil {
		return core.APIKey{}, err
	}
	defer c.mu.Unlock()
	key, ok := c.keyByHash(hash)
	if !ok {
		return core.APIKey{}, missing("API key")
	}
	return ownKey(key), nil
}

// Key implements [core.Credentials].
func (c *Catalog) Key(ctx context.Context, org, id core.ID) (core.APIKey, error) {
	if err := c.enter(ctx); err != nil {
		return core.APIKey{}, err
	}
	defer c.mu.Unlock()
	key, err := c.keyOf(org, id)
	return ownKey(key), err
}

// newestFirst is the order of a list of keys.
func newestFirst(a, b core.KeyPlace) int {
	return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), byID(b.ID, a.ID))
}

func place(key core.APIKey) core.KeyPlace {
	return core.KeyPlace{CreatedAt: key.CreatedAt, ID: key.ID}
}

// Keys implements [core.Credentials].
func (c *Catalog) Keys(ctx context.Context, org core.ID, scan core.KeyScan) ([]core.APIKey, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	all := sorted(c.keys, func(key core.APIKey) bool {
		return key.Org == org && (scan.Kind == "" || key.Kind == scan.Kind) &&
			(scan.CreatedBy.IsZero() || key.CreatedBy == scan.CreatedBy) &&
			(scan.After == core.KeyPlace{} || newestFirst(place(key), scan.After) > 0)
	}, func(a, b core.APIKey) int { return newestFirst(place(a), place(b)) })
	return page(all, cmp.Or(scan.Limit, math.MaxInt), ownKey), nil
}

// RotateKey implements [core.Credentials].
func (c *Catalog) RotateKey(ctx context.Context, key core.APIKey) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	stored, err := c.keyOf(key.Org, key.ID)
	if err != nil {
		return err
	}
	if stored.Hash != key.PreviousHash || stored.RevokedAt != nil {
		return core.Errorf(core.CodePreconditionFailed, "the API key has been rotated or revoked since it was read")
	}
	if other, taken := c.keyByHash(key.Hash); taken && other.ID != key.ID {
		return errTaken
	}
	stored.Masked, stored.Hash, stored.RotatedAt = key.Masked, key.Hash, key.RotatedAt
	stored.PreviousHash, stored.PreviousValidUntil = key.PreviousHash, key.PreviousValidUntil
	c.keys[key.ID] = ownKey(stored)
	return nil
}

// RevokeKey implements [core.Credentials].
func (c *Catalog) RevokeKey(ctx context.Context, org, id core.ID, at time.Time) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	key, err := c.keyOf(org, id)
	if err != nil || key.RevokedAt != nil {
		return err
	}
	key.RevokedAt = new(utc(at))
	c.keys[id] = key
	return nil
}

// HandOverKey implements [core.Credentials].
func (c *Catalog) HandOverKey(ctx context.Context, org, id, to core.ID) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	key, err := c.keyOf(org, id)
	if err != nil {
		return err
	}
	key.CreatedBy = to
	c.keys[id] = key
	return nil
}

// TouchKeys implements [core.Credentials].
func (c *Catalog) TouchKeys(ctx context.Context, used map[core.ID]time.Time) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	for id, at := range used {
		key, ok := c.keys[id]
		if ok && (key.LastUsedAt == nil || key.LastUsedAt.Before(at)) {
			key.LastUsedAt = new(utc(at))
			c.keys[id] = key
		}
	}
	return nil
}
