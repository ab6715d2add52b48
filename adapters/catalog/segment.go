package catalog

import (
	"context"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/eventflow-go/eventflow/core"
)

type segmentRow struct {
	Stream      string `gorm:"primaryKey"`
	FirstOffset int64  `gorm:"primaryKey;autoIncrement:false"`
	NextOffset  int64
	Org         string
	FirstAt     int64
	LastAt      int64
	Bytes       int64
	ObjectBytes int64
	Object      string
	SHA256      string `gorm:"column:sha256"`
	Dropped     int
}

// TableName names the table for GORM.
func (segmentRow) TableName() string { return "archive_segments" }

func segmentRowOf(s core.Segment) segmentRow {
	return segmentRow{
		Stream: s.Stream.String(), FirstOffset: int64(s.First), NextOffset: int64(s.Next), Org: s.Org.String(),
		FirstAt: micros(s.FirstAt), LastAt: micros(s.LastAt), Bytes: s.Bytes, ObjectBytes: s.ObjectBytes, Object: s.Object, SHA256: s.SHA256,
	}
}

func (r segmentRow) segment() (core.Segment, error) {
	segment := core.Segment{
		First: core.Offset(r.FirstOffset), Next: core.Offset(r.NextOffset), FirstAt: fromMicros(r.FirstAt), LastAt: fromMicros(r.LastAt),
		Bytes: r.Bytes, ObjectBytes: r.ObjectBytes, Object: r.Object, SHA256: r.SHA256,
	}
	return segment, parseIDs(into{r.Stream, &segment.Stream}, into{r.Org, &segment.Org})
}

// AddSegment implements [core.Segments].
func (c *Catalog) AddSegment(ctx context.Context, segment core.Segment) error {
	row := segmentRowOf(segment)
	return c.write(ctx, func(tx *gorm.DB) error {
		added := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row)
		if added.Error != nil || added.RowsAffected == 1 {
			return added.Error
		}
		var known segmentRow
		err := tx.Where("stream = ? and first_offset = ?", row.Stream, row.FirstOffset).Take(&known).Error
		if err == nil && known != row {
			err = core.Errorf(core.CodeConflict, "the archive has another segment at offset %d of the stream", segment.First)
		}
		return err
	})
}

// Segments implements [core.Segments].
func (c *Catalog) Segments(ctx context.Context, scan core.SegmentScan) ([]core.Segment, error) {
	dropped := 0
	if scan.Dropped {
		dropped = 1
	}
	query := c.db.WithContext(ctx).Where("dropped = ?", dropped)
	for condition, value := range map[string]core.ID{"stream = ?": scan.Stream, "org = ?": scan.Org} {
		if !value.IsZero() {
			query = query.Where(condition, value.String())
		}
	}
	if scan.From > 0 {
		query = query.Where("next_offset > ?", int64(scan.From))
	}
	if scan.To > 0 {
		query = query.Where("first_offset < ?", int64(scan.To))
	}
	if !scan.After.IsZero() {
		query = query.Where("last_at >= ?", micros(scan.After))
	}
	if !scan.Before.IsZero() {
		query = query.Where("first_at <= ?", micros(scan.Before))
	}
	order := "first_at, stream, first_offset"
	if scan.Backward {
		order = "last_at desc, stream desc, first_offset desc"
	}
	return list(query.Order(order).Limit(scan.Limit), segmentRow.segment)
}

// archivedRow is the sum over a stream's segments.
type archivedRow struct {
	Stream                       string
	First, Next, Events, Objects int64
	Bytes, ObjectBytes           int64
	OldestAt, NewestAt           int64
}

// Archived implements [core.Segments].
func (c *Catalog) Archived(ctx context.Context, streams []core.ID) ([]core.Archived, error) {
	var rows []archivedRow
	ids := texts(streams)
	for len(ids) > 0 {
		part := ids[:min(len(ids), rowsPerStatement)]
		ids = ids[len(part):]
		var found []archivedRow
		err := c.db.WithContext(ctx).Model(&segmentRow{}).Select(`stream, min(first_offset) as first, max(next_offset) as next,
			sum(next_offset - first_offset) as events, count(*) as objects, sum(bytes) as bytes,
			sum(object_bytes) as object_bytes, min(first_at) as oldest_at, max(last_at) as newest_at`).
			Where("dropped = 0 and stream in ?", part).Group("stream").Find(&found).Error
		if err != nil {
			return nil, err
		}
		rows = append(rows, found...)
	}
	byStream := make(map[string]core.Archived, len(rows))
	for _, r := range rows {
		byStream[r.Stream] = core.Archived{
			First: core.Offset(r.First), Next: core.Offset(r.Next), Events: r.Events, Objects: r.Objects,
			Bytes: r.Bytes, ObjectBytes: r.ObjectBytes, OldestAt: fromMicros(r.OldestAt), NewestAt: fromMicros(r.NewestAt),
		}
	}
	all := make([]core.Archived, len(streams))
	for i, stream := range streams {
		all[i] = byStream[stream.String()]
	}
	return all, nil
}

// DropSegments implements [core.Segments].
func (c *Catalog) DropSegments(ctx context.Context, stream core.ID, before time.Time, end core.Offset) error {
	defer c.serialize(ctx)()
	return c.db.WithContext(ctx).Model(&segmentRow{}).
		Where("stream = ? and dropped = 0 and last_at < ? and next_offset <= ?", stream.String(), micros(before), int64(end)).
		UpdateColumn("dropped", 1).Error
}

// ForgetSegment implements [core.Segments].
func (c *Catalog) ForgetSegment(ctx context.Context, stream core.ID, first core.Offset) error {
	defer c.serialize(ctx)()
	return c.db.WithContext(ctx).Where("stream = ? and first_offset = ? and dropped = 1", stream.String(), int64(first)).Delete(&segmentRow{}).Error
}
