package catalog

import (
	"context"

	"gorm.io/gorm"
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
	if err := c.db.WithContext(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
		return core.Organization{}, err
	}
	return c.OrganizationNamed(ctx, org.Name)
}

// OrganizationNamed implements [core.Organizations].
func (c *Catalog) OrganizationNamed(ctx context.Context, name string) (core.Organization, error) {
	return takeOrganization(c.db.WithContext(ctx).Where("name = ?", name))
}

func takeOrganization(query *gorm.DB) (core.Organization, error) {
	var row organizationRow
	if err := query.Take(&row).Error; err != nil {
		return core.Organization{}, found(err, "organization")
	}
	id, err := parseID(row.ID)
	return core.Organization{ID: id, Name: row.Name, CreatedAt: fromMicros(row.CreatedAt)}, err
}

// OldestOrganization implements [core.Organizations].
func (c *Catalog) OldestOrganization(ctx context.Context) (core.Organization, error) {
	return takeOrganization(c.db.WithContext(ctx).Order("created_at, id"))
}

// Organization implements [core.Organizations].
func (c *Catalog) Organization(ctx context.Context, id core.ID) (core.Organization, error) {
	return takeOrganization(c.db.WithContext(ctx).Where("id = ?", id.String()))
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
