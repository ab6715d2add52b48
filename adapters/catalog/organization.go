package catalog

import (
	"context"

	"gorm.io/gorm/clause"

	"github.com/eventflow-go/eventflow/core"
)

type organizationRow struct {
	ID        string `gorm:"primaryKey"`
	Name      string
	CreatedAt int64 `gorm:"autoCreateTime:false"`
}

// TableName names the table for GORM.
func (organizationRow) TableName() string { return "organizations" }

// EnsureOrganization implements [core.Organizations].
func (c *Catalog) EnsureOrganization(ctx context.Context, org core.Organization) (core.Organization, error) {
	row := organizationRow{ID: org.ID.String(), Name: org.Name, CreatedAt: micros(org.CreatedAt)}
	db := c.db.WithContext(ctx)
	if err := db.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
		return core.Organization{}, err
	}
	var stored organizationRow
	if err := db.Where("name = ?", org.Name).Take(&stored).Error; err != nil {
		return core.Organization{}, err
	}
	id, err := parseID(stored.ID)
	return core.Organization{ID: id, Name: stored.Name, CreatedAt: fromMicros(stored.CreatedAt)}, err
}
