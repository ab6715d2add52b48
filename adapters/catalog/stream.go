package catalog

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/eventflow-go/eventflow/core"
)

type streamRow struct {
	ID                string `gorm:"primaryKey"`
	Org               string
	Name              string
	Description       string
	RetentionDays     int
	RetentionBytes    int64
	RetentionEvents   int64
	HotDays           int
	IdempotencyWindow int64
	Schema            string
	Enforcement       string
	SchemaVersions    int
	Shard             int
	// Moving is a core.ShardMove as JSON, or empty.
	Moving    string
	Revision  int64
	CreatedAt int64 `gorm:"autoCreateTime:false"`
	UpdatedAt int64 `gorm:"autoUpdateTime:false"`
	// DeletedAt is a plain number to GORM: its own soft delete would hide the
	// row from the statement that deletes it.
	DeletedAt *int64
	// LastRemoval is a core.Removal as JSON, or empty. UpdateStream does not write it.
	LastRemoval string
	// Reported is added to. UpdateStream does not write it either.
	Reported int64
}

// TableName names the table for GORM.
func (streamRow) TableName() string { return "streams" }

func rowOf(s core.Stream) streamRow {
	return streamRow{
		ID: s.ID.String(), Org: s.Org.String(), Name: s.Name, Description: s.Description,
		RetentionDays: s.RetentionDays, RetentionBytes: s.RetentionBytes, RetentionEvents: s.RetentionEvents, HotDays: s.HotDays,
		IdempotencyWindow: s.IdempotencyWindowSeconds, Schema: string(s.Schema), Enforcement: string(s.Enforcement), SchemaVersions: s.SchemaVersions,
		Shard: s.Shard, Moving: movingText(s.Moving),
		Revision: s.Revision, CreatedAt: micros(s.CreatedAt), UpdatedAt: micros(s.UpdatedAt), DeletedAt: optionalMicros(s.DeletedAt),
	}
}

// movingText is a move as it is kept.
func movingText(move *core.ShardMove) string {
	if move == nil {
		return ""
	}
	kept := *move
	kept.StartedAt = core.Stamp(kept.StartedAt)
	text, _ := json.Marshal(kept) // ids, numbers and times only
	return string(text)
}

func (r streamRow) stream() (core.Stream, error) {
	stream := core.Stream{
		Name: r.Name, Description: r.Description,
		RetentionDays: r.RetentionDays, RetentionBytes: r.RetentionBytes, RetentionEvents: r.RetentionEvents, HotDays: r.HotDays,
		IdempotencyWindowSeconds: r.IdempotencyWindow, Enforcement: core.Enforcement(r.Enforcement), SchemaVersions: r.SchemaVersions, Reported: r.Reported,
		Shard:    r.Shard,
		Revision: r.Revision, CreatedAt: fromMicros(r.CreatedAt), UpdatedAt: fromMicros(r.UpdatedAt),
		DeletedAt: fromOptionalMicros(r.DeletedAt),
	}
	if r.Schema != "" {
		stream.Schema = json.RawMessage(r.Schema)
	}
	if r.LastRemoval != "" {
		if err := json.Unmarshal([]byte(r.LastRemoval), &stream.LastRemoval); err != nil {
			return core.Stream{}, err
		}
	}
	if r.Moving != "" {
		if err := json.Unmarshal([]byte(r.Moving), &stream.Moving); err != nil {
			return core.Stream{}, err
		}
	}
	return stream, parseIDs(into{r.ID, &stream.ID}, into{r.Org, &stream.Org})
}

// live selects the streams of an organization that are not deleted.
func (c *Catalog) live(ctx context.Context, org core.ID) *gorm.DB {
	return c.db.WithContext(ctx).Where("org = ? and deleted_at is null", org.String())
}

// CreateStream implements [core.StreamCatalog].
func (c *Catalog) CreateStream(ctx context.Context, stream core.Stream) error {
	row := rowOf(stream)
	defer c.serialize(ctx)()
	return nameTaken(c.db.WithContext(ctx).Create(&row).Error, stream.Name)
}

func nameTaken(err error, name string) error {
	if taken(err) {
		return core.Errorf(core.CodeConflict, "a stream named %q already exists", name)
	}
	return err
}

// Stream implements [core.StreamCatalog].
func (c *Catalog) Stream(ctx context.Context, org, id core.ID) (core.Stream, error) {
	return takeStream(c.live(ctx, org).Where("id = ?", id.String()))
}

// StreamNamed implements [core.StreamCatalog].
func (c *Catalog) StreamNamed(ctx context.Context, org core.ID, name string) (core.Stream, error) {
	return takeStream(c.live(ctx, org).Where("name = ?", name))
}

func takeStream(query *gorm.DB) (core.Stream, error) {
	return take(query, "stream", streamRow.stream)
}

// Streams implements [core.StreamCatalog].
func (c *Catalog) Streams(ctx context.Context, org core.ID, after string, limit int) ([]core.Stream, error) {
	return list(c.live(ctx, org).Where("name > ?", after).Order("name").Limit(limit), streamRow.stream)
}

// AllStreams implements [core.StreamCatalog].
func (c *Catalog) AllStreams(ctx context.Context, after core.ID, limit int) ([]core.Stream, error) {
	return list(c.db.WithContext(ctx).Where("id > ?", after.String()).Order("id").Limit(limit), streamRow.stream)
}

// HomesOf implements [core.Homes]. It looks past the wall: the home of a stream is asked for
// on behalf of whoever needs it, retention among them.
func (c *Catalog) HomesOf(ctx context.Context, ids []core.ID) ([]int, error) {
	db := c.db.WithContext(core.ContextWithOrganization(ctx, core.ID{}))
	found := make(map[string]int, len(ids))
	for part := range slices.Chunk(texts(ids), rowsPerStatement) {
		var rows []struct {
			ID    string
			Shard int
		}
		if err := db.Model(&streamRow{}).Where("id in ? and shard <> 0", part).Select("id, shard").Scan(&rows).Error; err != nil {
			return nil, err
		}
		for _, row := range rows {
			found[row.ID] = row.Shard
		}
	}
	shards := make([]int, len(ids))
	for i, id := range ids {
		shards[i] = found[id.String()]
	}
	return shards, nil
}

// StreamsPerShard implements [core.StreamPlaces].
func (c *Catalog) StreamsPerShard(ctx context.Context) (map[int]int64, error) {
	var rows []struct {
		Shard   int
		Streams int64
	}
	err := c.db.WithContext(core.ContextWithOrganization(ctx, core.ID{})).Model(&streamRow{}).Where("deleted_at is null").
		Select("shard, count(*) as streams").Group("shard").Scan(&rows).Error
	count := make(map[int]int64, len(rows))
	for _, row := range rows {
		count[row.Shard] = row.Streams
	}
	return count, err
}

// MovingStreams implements [core.StreamPlaces].
func (c *Catalog) MovingStreams(ctx context.Context) ([]core.Stream, error) {
	db := c.db.WithContext(core.ContextWithOrganization(ctx, core.ID{}))
	return list(db.Where("moving <> '' and deleted_at is null").Order("id"), streamRow.stream)
}

// UpdateStream implements [core.StreamCatalog].
func (c *Catalog) UpdateStream(ctx context.Context, stream core.Stream) error {
	defer c.serialize(ctx)()
	return updateStream(c.db.WithContext(ctx), stream)
}

// streamSettings are the columns that an update of a stream replaces.
var streamSettings = []string{
	"name", "description", "retention_days", "retention_bytes", "retention_events", "hot_days", "idempotency_window", "schema", "enforcement", "schema_versions",
	"shard", "moving", "revision", "updated_at", "deleted_at",
}

// updateStream replaces a stream that its organization has, at the revision before.
func updateStream(db *gorm.DB, stream core.Stream) error {
	row := rowOf(stream)
	live := func() *gorm.DB { return db.Where("org = ? and deleted_at is null", row.Org) }
	updated := live().Model(&streamRow{}).Where("id = ? and revision = ?", row.ID, stream.Revision-1).Select(streamSettings).Updates(&row)
	if updated.Error != nil {
		return nameTaken(updated.Error, stream.Name)
	}
	if updated.RowsAffected == 1 {
		return nil
	}
	if err := there[streamRow](live().Where("id = ?", row.ID), "stream"); err != nil {
		return err
	}
	return core.Errorf(core.CodePreconditionFailed, "the stream has changed since it was read; read it again")
}

// NoteRemoval implements [core.StreamCatalog].
func (c *Catalog) NoteRemoval(ctx context.Context, id core.ID, removal core.Removal) error {
	removal.At = removal.At.UTC().Truncate(time.Microsecond)
	text, err := json.Marshal(removal)
	if err != nil {
		return err
	}
	defer c.serialize(ctx)()
	return c.db.WithContext(ctx).Model(&streamRow{}).Where("id = ?", id.String()).UpdateColumn("last_removal", string(text)).Error
}
