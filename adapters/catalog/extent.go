package catalog

import (
	"context"
	"maps"
	"slices"

	"gorm.io/gorm"

	"github.com/eventflow-go/eventflow/core"
)

// Extents implements [core.Extents]. They belong to the installation, so this looks past
// the wall.
func (c *Catalog) Extents(ctx context.Context, store string) (map[int]uint64, error) {
	var rows []struct {
		Shard   int
		Reached int64
	}
	err := c.db.WithContext(core.ContextWithOrganization(ctx, core.ID{})).Table("eventflow_extents").Where("store = ?", store).Find(&rows).Error
	extents := make(map[int]uint64, len(rows))
	for _, row := range rows {
		extents[row.Shard] = uint64(row.Reached)
	}
	return extents, err
}

// KeepExtents implements [core.Extents]. The shards come in one order, so that two nodes
// do not wait for each other.
func (c *Catalog) KeepExtents(ctx context.Context, store string, extents map[int]uint64) error {
	return c.write(core.ContextWithOrganization(ctx, core.ID{}), func(tx *gorm.DB) error {
		for _, shard := range slices.Sorted(maps.Keys(extents)) {
			err := tx.Exec(`insert into eventflow_extents (store, shard, reached) values (?, ?, ?)
				on conflict (store, shard) do update set reached = excluded.reached where excluded.reached > eventflow_extents.reached`,
				store, shard, int64(extents[shard])).Error
			if err != nil {
				return err
			}
		}
		return nil
	})
}
