package catalog

import (
	"context"
	"encoding/json"
	"fmt"

	"gorm.io/gorm"

	"github.com/eventflow-go/eventflow/core"
)

type organizationRow struct {
	ID            string `gorm:"primaryKey"`
	Name          string
	CreatedAt     int64 `gorm:"autoCreateTime:false"`
	KeyPerMinute  int
	KeyPerSecond  int
	UserPerMinute int
	UserPerSecond int
	Shares        string
}

// TableName names the table for GORM.
func (organizationRow) TableName() string { return "organizations" }

func organizationRowOf(org core.Organization) organizationRow {
	shares, _ := json.Marshal(org.Shares) // never fails: it is made of numbers
	return organizationRow{
		ID: org.ID.String(), Name: org.Name, CreatedAt: micros(org.CreatedAt),
		KeyPerMinute: org.KeyRate.PerMinute, KeyPerSecond: org.KeyRate.PerSecond,
		UserPerMinute: org.UserRate.PerMinute, UserPerSecond: org.UserRate.PerSecond, Shares: string(shares),
	}
}

func (r organizationRow) organization() (core.Organization, error) {
	org := core.Organization{
		Name: r.Name, CreatedAt: fromMicros(r.CreatedAt),
		KeyRate:  core.Rate{PerMinute: r.KeyPerMinute, PerSecond: r.KeyPerSecond},
		UserRate: core.Rate{PerMinute: r.UserPerMinute, PerSecond: r.UserPerSecond},
	}
	if err := json.Unmarshal([]byte(r.Shares), &org.Shares); err != nil {
		return core.Organization{}, fmt.Errorf("the shares of the organization %s are damaged: %w", r.ID, err)
	}
	return org, parseIDs(into{r.ID, &org.ID})
}

// CreateOrganization implements [core.Organizations].
func (c *Catalog) CreateOrganization(ctx context.Context, org core.Organization) error {
	row := organizationRowOf(org)
	return c.write(ctx, func(tx *gorm.DB) error { return tx.Create(&row).Error })
}

// EnsureOrganization implements [core.Organizations]. Names are not unique, so the
// look and the making are one: on SQLite by the transaction, which lets nobody else
// write, on PostgreSQL by a lock on those who make one.
func (c *Catalog) EnsureOrganization(ctx context.Context, org core.Organization) (there core.Organization, err error) {
	row := organizationRowOf(org)
	err = c.write(ctx, func(tx *gorm.DB) error {
		if c.writing == nil {
			if err := tx.Exec(`lock table organizations in share row exclusive mode`).Error; err != nil {
				return err
			}
		}
		there, err = oldestNamed(tx, org.Name)
		if !core.IsNotFound(err) {
			return err
		}
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		there, err = oldestNamed(tx, org.Name) // as it is read from now on
		return err
	})
	return there, err
}

func oldestNamed(tx *gorm.DB, name string) (core.Organization, error) {
	return takeOrganization(tx.Where("name = ?", name).Order("created_at, id"))
}

// OrganizationsNamed implements [core.Organizations].
func (c *Catalog) OrganizationsNamed(ctx context.Context, name string) ([]core.Organization, error) {
	return list(c.db.WithContext(ctx).Where("name = ?", name).Order("created_at, id"), organizationRow.organization)
}

func takeOrganization(query *gorm.DB) (core.Organization, error) {
	return take(query, "organization", organizationRow.organization)
}

// OldestOrganization implements [core.Organizations].
func (c *Catalog) OldestOrganization(ctx context.Context) (core.Organization, error) {
	return takeOrganization(c.db.WithContext(ctx).Order("created_at, id"))
}

// Organization implements [core.Organizations].
func (c *Catalog) Organization(ctx context.Context, id core.ID) (core.Organization, error) {
	return takeOrganization(c.db.WithContext(ctx).Where("id = ?", id.String()))
}

// Organizations implements [core.Organizations].
func (c *Catalog) Organizations(ctx context.Context, after core.ID, limit int) ([]core.Organization, error) {
	return list(c.db.WithContext(ctx).Where("id > ?", after.String()).Order("id").Limit(limit), organizationRow.organization)
}

// UpdateOrganization implements [core.Organizations].
func (c *Catalog) UpdateOrganization(ctx context.Context, org core.Organization) error {
	defer c.serialize(ctx)()
	updated := c.db.WithContext(ctx).Model(&organizationRow{}).Where("id = ?", org.ID.String()).UpdateColumn("name", org.Name)
	return changed(updated, errNoOrganization)
}

// LimitOrganization implements [core.Organizations].
func (c *Catalog) LimitOrganization(ctx context.Context, org core.Organization) error {
	row := organizationRowOf(org)
	defer c.serialize(ctx)()
	updated := c.db.WithContext(ctx).Model(&organizationRow{}).Where("id = ?", row.ID).
		Select("key_per_minute", "key_per_second", "user_per_minute", "user_per_second", "shares").UpdateColumns(&row)
	return changed(updated, errNoOrganization)
}

var errNoOrganization = core.Errorf(core.CodeNotFound, "there is no such organization")

// Held implements [core.Holdings].
func (c *Catalog) Held(ctx context.Context, org core.ID) (held core.Shares, err error) {
	const counts = `select
		(select count(*) from streams where org = @org and deleted_at is null) as streams,
		(select count(*) from consumer_groups join streams on streams.id = consumer_groups.stream
			where streams.org = @org and streams.deleted_at is null) as "groups",
		(select count(*) from api_keys where org = @org and revoked_at is null) as keys,
		(select count(*) from users where org = @org) as users,
		(select count(*) from quarantine join streams on streams.id = quarantine.stream
			where quarantine.org = @org and streams.deleted_at is null) as quarantine,
		(select count(*) from sources where org = @org) as sources,
		(select count(*) from replays where org = @org and state = @running) as replays`
	err = c.db.WithContext(ctx).Raw(counts, map[string]any{"org": org.String(), "running": string(core.ReplayRunning)}).Scan(&held).Error
	return held, err
}
