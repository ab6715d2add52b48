package catalog

import (
	"context"
	"encoding/json"

	"gorm.io/gorm"

	"github.com/eventflow-go/eventflow/core"
)

type schemaRow struct {
	ID            string `gorm:"primaryKey"`
	Org           string
	Stream        string
	EventType     string
	Version       int32
	Schema        string
	Compatibility string
	CreatedAt     int64 `gorm:"autoCreateTime:false"`
	CreatedBy     string
}

// TableName names the table for GORM.
func (schemaRow) TableName() string { return "schema_versions" }

func schemaRowOf(v core.SchemaVersion) schemaRow {
	return schemaRow{
		ID: v.ID.String(), Org: v.Org.String(), Stream: v.Stream.String(), EventType: v.EventType, Version: v.Version,
		Schema: string(v.Schema), Compatibility: string(v.Compatibility), CreatedAt: micros(v.CreatedAt), CreatedBy: v.CreatedBy,
	}
}

func (r schemaRow) version() (core.SchemaVersion, error) {
	version := core.SchemaVersion{
		EventType: r.EventType, Version: r.Version, Schema: json.RawMessage(r.Schema), Compatibility: core.Compatibility(r.Compatibility),
		CreatedAt: fromMicros(r.CreatedAt), CreatedBy: r.CreatedBy,
	}
	return version, parseIDs(into{r.ID, &version.ID}, into{r.Org, &version.Org}, into{r.Stream, &version.Stream})
}

// RegisterSchema implements [core.SchemaVersions].
func (c *Catalog) RegisterSchema(ctx context.Context, stream core.Stream, version core.SchemaVersion) error {
	row := schemaRowOf(version)
	return c.write(ctx, func(tx *gorm.DB) error {
		if err := updateStream(tx, stream); err != nil {
			return err
		}
		err := tx.Create(&row).Error
		if taken(err) {
			return core.Errorf(core.CodeConflict, "this version of the type is registered already")
		}
		return err
	})
}

// Schemas implements [core.SchemaVersions].
func (c *Catalog) Schemas(ctx context.Context, stream core.ID) ([]core.SchemaVersion, error) {
	return list(c.db.WithContext(ctx).Where("stream = ?", stream.String()).
		Where("not exists (select 1 from streams where streams.id = schema_versions.stream and streams.deleted_at is not null)").
		Order("event_type, version"), schemaRow.version)
}

// NoteReported implements [core.SchemaVersions].
func (c *Catalog) NoteReported(ctx context.Context, counts map[core.ID]int64) error {
	return c.write(ctx, func(tx *gorm.DB) error {
		for id, count := range counts {
			if err := tx.Exec(`update streams set reported = reported + ? where id = ?`, count, id.String()).Error; err != nil {
				return err
			}
		}
		return nil
	})
}
