package memory

import (
	"context"
	"maps"
)

// Extents implements [core.Extents].
func (c *Catalog) Extents(ctx context.Context, store string) (map[int]uint64, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	extents := map[int]uint64{}
	maps.Copy(extents, c.extents[store])
	return extents, nil
}

// KeepExtents implements [core.Extents].
func (c *Catalog) KeepExtents(ctx context.Context, store string, extents map[int]uint64) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	kept := c.extents[store]
	if kept == nil {
		kept = map[int]uint64{}
		c.extents[store] = kept
	}
	for shard, reached := range extents {
		kept[shard] = max(kept[shard], reached)
	}
	return nil
}
