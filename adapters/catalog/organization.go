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
	defer c.serialize()()
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

// OldestOrganization implements [core.Organizations].
func (c *Catalog) OldestOrganization(ctx context.Context) (core.Organization, error) {
	var row organizationRow
	if err := c.db.WithContext(ctx).Order("created_at, id").Take(&row).Error; err != nil {
		return core.Organization{}, found(err, "organization")
	}
	id, err := parseID(row.ID)
	return core.Organization{ID: id, Name: row.Name, CreatedAt: fromMicros(row.CreatedAt)}, err
}

// Organization implements [core.Organizations].
func (c *Catalog) Organization(ctx context.Context, id core.ID) (core.Organization, error) {
	var row organizationRow
	if err := c.db.WithContext(ctx).Where("id = ?", id.String()).Take(&row).Error; err != nil {
		return core.Organization{}, found(err, "organization")
	}
	return core.Organization{ID: id, Name: row.Name, CreatedAt: fromMicros(row.CreatedAt)}, nil
}

// UpdateOrganization implements [core.Organizations].
func (c *Catalog) UpdateOrganization(ctx context.Context, org core.Organization) error {
	defer c.serialize()()
	updated := c.db.WithContext(ctx).Model(&organizationRow{}).Where("id = ?", org.ID.String()).UpdateColumn("name", org.Name)
	switch {
	case taken(updated.Error):
		return core.Errorf(core.CodeConflict, "there is an organization named %q already", org.Name)
	case updated.Error == nil && updated.RowsAffected == 0:
		return core.Errorf(core.CodeNotFound, "there is no such organization")
	}
	return updated.Error
}
