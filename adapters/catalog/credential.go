package catalog

import (
	"context"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

type keyRow struct {
	ID          string `gorm:"primaryKey"`
	Org         string
	Label       string
	Environment string
	Role        string
	Streams     string
	Masked      string
	Hash        []byte
	CreatedAt   int64 `gorm:"autoCreateTime:false"`
	ExpiresAt   *int64
	RevokedAt   *int64
}

// TableName names the table for GORM.
func (keyRow) TableName() string { return "api_keys" }

func (r keyRow) key() (core.APIKey, error) {
	id, err := parseID(r.ID)
	if err != nil {
		return core.APIKey{}, err
	}
	org, err := parseID(r.Org)
	if err != nil {
		return core.APIKey{}, err
	}
	key := core.APIKey{
		ID: id, Org: org, Label: r.Label, Environment: core.Environment(r.Environment), Role: core.Role(r.Role), Masked: r.Masked,
		CreatedAt: fromMicros(r.CreatedAt), ExpiresAt: fromOptionalMicros(r.ExpiresAt), RevokedAt: fromOptionalMicros(r.RevokedAt),
	}
	copy(key.Hash[:], r.Hash)
	for text := range strings.FieldsSeq(r.Streams) {
		stream, err := parseID(text)
		if err != nil {
			return core.APIKey{}, err
		}
		key.Streams = append(key.Streams, stream)
	}
	return key, nil
}

// CreateKey implements [core.Credentials].
func (c *Catalog) CreateKey(ctx context.Context, key core.APIKey) error {
	streams := make([]string, len(key.Streams))
	for i, stream := range key.Streams {
		streams[i] = stream.String()
	}
	defer c.serialize()()
	return c.db.WithContext(ctx).Create(&keyRow{
		ID: key.ID.String(), Org: key.Org.String(), Label: key.Label, Environment: string(key.Environment), Role: string(key.Role),
		Streams: strings.Join(streams, " "), Masked: key.Masked, Hash: key.Hash[:],
		CreatedAt: micros(key.CreatedAt), ExpiresAt: optionalMicros(key.ExpiresAt), RevokedAt: optionalMicros(key.RevokedAt),
	}).Error
}

// KeyByHash implements [core.Credentials].
func (c *Catalog) KeyByHash(ctx context.Context, hash core.KeyHash) (core.APIKey, error) {
	var row keyRow
	if err := c.db.WithContext(ctx).Where("hash = ?", hash[:]).Take(&row).Error; err != nil {
		return core.APIKey{}, found(err, "API key")
	}
	return row.key()
}

// Keys implements [core.Credentials].
func (c *Catalog) Keys(ctx context.Context, org core.ID) ([]core.APIKey, error) {
	var rows []keyRow
	if err := c.db.WithContext(ctx).Where("org = ?", org.String()).Order("created_at desc, id desc").Find(&rows).Error; err != nil {
		return nil, err
	}
	keys := make([]core.APIKey, len(rows))
	for i, row := range rows {
		var err error
		if keys[i], err = row.key(); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// RevokeKey implements [core.Credentials].
func (c *Catalog) RevokeKey(ctx context.Context, org, id core.ID, at time.Time) error {
	defer c.serialize()()
	db := c.db.WithContext(ctx)
	if err := db.Where("id = ? and org = ?", id.String(), org.String()).Take(&keyRow{}).Error; err != nil {
		return found(err, "API key")
	}
	return db.Model(&keyRow{}).Where("id = ? and org = ? and revoked_at is null", id.String(), org.String()).
		Update("revoked_at", micros(at)).Error
}
