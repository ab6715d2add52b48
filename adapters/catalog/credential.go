package catalog

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/eventflow-go/eventflow/core"
)

type keyRow struct {
	ID                 string `gorm:"primaryKey"`
	Org                string
	Kind               string
	Label              string
	Environment        string
	Role               string
	Streams            string
	DefaultStream      string
	PerMinute          int
	PerSecond          int
	Masked             string
	Hash               []byte
	PreviousHash       []byte
	PreviousValidUntil *int64
	CreatedBy          string
	CreatedAt          int64 `gorm:"autoCreateTime:false"`
	LastUsedAt         *int64
	RotatedAt          *int64
	ExpiresAt          *int64
	RevokedAt          *int64
}

// TableName names the table for GORM.
func (keyRow) TableName() string { return "api_keys" }

func keyRowOf(key core.APIKey) keyRow {
	row := keyRow{
		ID: key.ID.String(), Org: key.Org.String(), Kind: string(key.Kind), Label: key.Label, Environment: string(key.Environment),
		Role: string(key.Role), Streams: strings.Join(texts(key.Streams), " "), DefaultStream: optionalID(key.DefaultStream),
		PerMinute: key.Rate.PerMinute, PerSecond: key.Rate.PerSecond, Masked: key.Masked, Hash: key.Hash[:],
		PreviousValidUntil: optionalMicros(key.PreviousValidUntil), CreatedBy: optionalID(key.CreatedBy), CreatedAt: micros(key.CreatedAt),
		LastUsedAt: optionalMicros(key.LastUsedAt), RotatedAt: optionalMicros(key.RotatedAt),
		ExpiresAt: optionalMicros(key.ExpiresAt), RevokedAt: optionalMicros(key.RevokedAt),
	}
	if key.PreviousValidUntil != nil {
		row.PreviousHash = key.PreviousHash[:]
	}
	return row
}

func (r keyRow) key() (core.APIKey, error) {
	key := core.APIKey{
		Kind: core.KeyKind(r.Kind), Label: r.Label, Environment: core.Environment(r.Environment), Role: core.Role(r.Role),
		Rate: core.Rate{PerMinute: r.PerMinute, PerSecond: r.PerSecond}, Masked: r.Masked,
		PreviousValidUntil: fromOptionalMicros(r.PreviousValidUntil), CreatedAt: fromMicros(r.CreatedAt),
		LastUsedAt: fromOptionalMicros(r.LastUsedAt), RotatedAt: fromOptionalMicros(r.RotatedAt),
		ExpiresAt: fromOptionalMicros(r.ExpiresAt), RevokedAt: fromOptionalMicros(r.RevokedAt),
	}
	copy(key.Hash[:], r.Hash)
	copy(key.PreviousHash[:], r.PreviousHash)
	ids := []into{{r.ID, &key.ID}, {r.Org, &key.Org}}
	if r.DefaultStream != "" {
		ids = append(ids, into{r.DefaultStream, &key.DefaultStream})
	}
	if r.CreatedBy != "" {
		ids = append(ids, into{r.CreatedBy, &key.CreatedBy})
	}
	streams := strings.Fields(r.Streams)
	if len(streams) > 0 { // none is nil, as it was stored
		key.Streams = make([]core.ID, len(streams))
	}
	for i, text := range streams {
		ids = append(ids, into{text, &key.Streams[i]})
	}
	return key, parseIDs(ids...)
}

// CreateKey implements [core.Credentials].
func (c *Catalog) CreateKey(ctx context.Context, key core.APIKey) error {
	row := keyRowOf(key)
	defer c.serialize(ctx)()
	return c.db.WithContext(ctx).Create(&row).Error
}

// KeyByHash implements [core.Credentials].
func (c *Catalog) KeyByHash(ctx context.Context, hash core.KeyHash) (core.APIKey, error) {
	return take(c.db.WithContext(ctx).Where("hash = ? or previous_hash = ?", hash[:], hash[:]), "API key", keyRow.key)
}

// Key implements [core.Credentials].
func (c *Catalog) Key(ctx context.Context, org, id core.ID) (core.APIKey, error) {
	return take(c.db.WithContext(ctx).Where("id = ? and org = ?", id.String(), org.String()), "API key", keyRow.key)
}

// Keys implements [core.Credentials].
func (c *Catalog) Keys(ctx context.Context, org core.ID, scan core.KeyScan) ([]core.APIKey, error) {
	query := c.db.WithContext(ctx).Where("org = ?", org.String()).Order("created_at desc, id desc")
	if scan.Kind != "" {
		query = query.Where("kind = ?", string(scan.Kind))
	}
	if !scan.CreatedBy.IsZero() {
		query = query.Where("created_by = ?", scan.CreatedBy.String())
	}
	if after := scan.After; after != (core.KeyPlace{}) {
		at := micros(after.CreatedAt)
		query = query.Where("created_at < ? or (created_at = ? and id < ?)", at, at, after.ID.String())
	}
	if scan.Limit > 0 {
		query = query.Limit(scan.Limit)
	}
	return list(query, keyRow.key)
}

// RotateKey implements [core.Credentials].
func (c *Catalog) RotateKey(ctx context.Context, key core.APIKey) error {
	row := keyRowOf(key)
	return c.write(ctx, func(tx *gorm.DB) error {
		updated := tx.Model(&keyRow{}).
			Where("id = ? and org = ? and hash = ? and revoked_at is null", row.ID, row.Org, key.PreviousHash[:]).
			Select("masked", "hash", "previous_hash", "previous_valid_until", "rotated_at").Updates(&row)
		if updated.Error != nil || updated.RowsAffected == 1 {
			return updated.Error
		}
		if err := there[keyRow](tx.Where("id = ? and org = ?", row.ID, row.Org), "API key"); err != nil {
			return err
		}
		return core.Errorf(core.CodePreconditionFailed, "the API key has been rotated or revoked since it was read")
	})
}

// RevokeKey implements [core.Credentials].
func (c *Catalog) RevokeKey(ctx context.Context, org, id core.ID, at time.Time) error {
	defer c.serialize(ctx)()
	db := c.db.WithContext(ctx)
	if err := there[keyRow](db.Where("id = ? and org = ?", id.String(), org.String()), "API key"); err != nil {
		return err
	}
	return db.Model(&keyRow{}).Where("id = ? and org = ? and revoked_at is null", id.String(), org.String()).
		Update("revoked_at", micros(at)).Error
}

// HandOverKey implements [core.Credentials].
func (c *Catalog) HandOverKey(ctx context.Context, org, id, to core.ID) error {
	defer c.serialize(ctx)()
	return changed(c.db.WithContext(ctx).Model(&keyRow{}).Where("id = ? and org = ?", id.String(), org.String()).
		Update("created_by", optionalID(to)), core.Errorf(core.CodeNotFound, "there is no such API key"))
}

// TouchKeys implements [core.Credentials]. Every node takes the keys in the order
// of their ids, so that two nodes which touch the same ones never wait for each
// other in a circle.
func (c *Catalog) TouchKeys(ctx context.Context, used map[core.ID]time.Time) error {
	ids := make([]core.ID, 0, len(used))
	for id := range used {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b core.ID) int { return bytes.Compare(a[:], b[:]) })
	for part := range slices.Chunk(ids, rowsPerStatement) {
		err := c.write(ctx, func(tx *gorm.DB) error {
			for _, id := range part {
				at := micros(used[id])
				err := tx.Model(&keyRow{}).Where("id = ? and (last_used_at is null or last_used_at < ?)", id.String(), at).
					Update("last_used_at", at).Error
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
