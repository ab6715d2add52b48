package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/eventflow-go/eventflow/core"
)

type sourceRow struct {
	ID     string `gorm:"primaryKey"`
	Org    string
	Stream string
	Name   string
	Preset string
	// Settings is a core.SourceSettings as JSON.
	Settings  string
	State     string
	Masked    string
	Hash      []byte
	Sealed    []byte
	CreatedBy string
	Revision  int64
	CreatedAt int64 `gorm:"autoCreateTime:false"`
	UpdatedAt int64 `gorm:"autoUpdateTime:false"`
}

// TableName names the table for GORM.
func (sourceRow) TableName() string { return "sources" }

func sourceRowOf(s core.Source) (sourceRow, error) {
	settings, err := json.Marshal(s.SourceSettings)
	return sourceRow{
		ID: s.ID.String(), Org: s.Org.String(), Stream: s.Stream.String(), Name: s.Name, Preset: string(s.Preset),
		Settings: string(settings), State: string(s.State), Masked: s.Masked, Hash: s.Hash[:], Sealed: s.Sealed,
		CreatedBy: optionalID(s.CreatedBy), Revision: s.Revision, CreatedAt: micros(s.CreatedAt), UpdatedAt: micros(s.UpdatedAt),
	}, err
}

func (r sourceRow) source() (core.Source, error) {
	source := core.Source{
		Name: r.Name, Preset: core.Preset(r.Preset), State: core.SourceState(r.State), Masked: r.Masked, Sealed: r.Sealed,
		Revision: r.Revision, CreatedAt: fromMicros(r.CreatedAt), UpdatedAt: fromMicros(r.UpdatedAt),
	}
	copy(source.Hash[:], r.Hash)
	if err := json.Unmarshal([]byte(r.Settings), &source.SourceSettings); err != nil {
		return core.Source{}, fmt.Errorf("the source %s is damaged: %w", r.ID, err)
	}
	ids := []into{{r.ID, &source.ID}, {r.Org, &source.Org}, {r.Stream, &source.Stream}}
	if r.CreatedBy != "" {
		ids = append(ids, into{r.CreatedBy, &source.CreatedBy})
	}
	return source, parseIDs(ids...)
}

type refusalRow struct {
	ID       string `gorm:"primaryKey"`
	Source   string
	Document string
}

// TableName names the table for GORM.
func (refusalRow) TableName() string { return "source_refusals" }

func (r refusalRow) refusal() (core.SourceRefusal, error) {
	var refusal core.SourceRefusal
	if err := json.Unmarshal([]byte(r.Document), &refusal); err != nil {
		return core.SourceRefusal{}, fmt.Errorf("the refusal %s is damaged: %w", r.ID, err)
	}
	return refusal, parseIDs(into{r.ID, &refusal.ID}, into{r.Source, &refusal.Source})
}

// CreateSource implements [core.Sources].
func (c *Catalog) CreateSource(ctx context.Context, source core.Source) error {
	row, err := sourceRowOf(source)
	if err != nil {
		return err
	}
	return c.write(ctx, func(tx *gorm.DB) error {
		if err := freeName(tx, &row); err != nil {
			return err
		}
		return sourceTaken(tx.Create(&row).Error, source.Name)
	})
}

// ofDeleted selects sources of deleted streams, and takingIn all others: nobody sees the
// former any more.
const (
	ofDeleted = "exists (select 1 from streams where streams.id = sources.stream and streams.deleted_at is not null)"
	takingIn  = "not " + ofDeleted
)

// freeName removes a source of a deleted stream that has the name of a row.
func freeName(tx *gorm.DB, row *sourceRow) error {
	return tx.Where("org = ? and name = ? and id <> ? and "+ofDeleted, row.Org, row.Name, row.ID).Delete(&sourceRow{}).Error
}

// sourceTaken says that a name is taken. A hash never is: nobody draws the same address
// twice.
func sourceTaken(err error, name string) error {
	if taken(err) {
		return core.Errorf(core.CodeConflict, "a source named %q already exists", name)
	}
	return err
}

// Source implements [core.Sources].
func (c *Catalog) Source(ctx context.Context, org, id core.ID) (core.Source, error) {
	return take(c.db.WithContext(ctx).Where("id = ? and org = ? and "+takingIn, id.String(), org.String()), "source", sourceRow.source)
}

// SourceByHash implements [core.Sources].
func (c *Catalog) SourceByHash(ctx context.Context, hash core.KeyHash) (core.Source, error) {
	return take(c.db.WithContext(ctx).Where("hash = ? and "+takingIn, hash[:]), "source", sourceRow.source)
}

// Sources implements [core.Sources].
func (c *Catalog) Sources(ctx context.Context, org, after core.ID, limit int) ([]core.Source, error) {
	query := c.db.WithContext(ctx).Where("id > ? and "+takingIn, after.String()).Order("id").Limit(limit)
	if !org.IsZero() {
		query = query.Where("org = ?", org.String())
	}
	return list(query, sourceRow.source)
}

// RunningFeeds implements [core.Sources].
func (c *Catalog) RunningFeeds(ctx context.Context, after core.ID, limit int) ([]core.Source, error) {
	fetching := slices.DeleteFunc(slices.Clone(core.Presets), func(p core.Preset) bool { return !p.Fetches() })
	return list(c.db.WithContext(ctx).Where("preset in ? and id > ? and state = ?", fetching, after.String(), string(core.SourceRunning)).
		Where(takingIn).
		Order("id").Limit(limit), sourceRow.source)
}

// UpdateSource implements [core.Sources].
func (c *Catalog) UpdateSource(ctx context.Context, source core.Source) error {
	row, err := sourceRowOf(source)
	if err != nil {
		return err
	}
	return c.write(ctx, func(tx *gorm.DB) error {
		if err := freeName(tx, &row); err != nil {
			return err
		}
		updated := tx.Model(&sourceRow{}).Where("id = ? and org = ? and revision = ? and "+takingIn, row.ID, row.Org, row.Revision-1).
			Select("name", "settings", "state", "masked", "hash", "sealed", "revision", "updated_at").Updates(&row)
		if updated.Error != nil || updated.RowsAffected == 1 {
			return sourceTaken(updated.Error, source.Name)
		}
		if err := there[sourceRow](tx.Where("id = ? and org = ? and "+takingIn, row.ID, row.Org), "source"); err != nil {
			return err
		}
		return errMoved
	})
}

// DeleteSource implements [core.Sources]. The refusals and notes go with it.
func (c *Catalog) DeleteSource(ctx context.Context, org, id core.ID) error {
	defer c.serialize(ctx)()
	return changed(c.db.WithContext(ctx).Where("id = ? and org = ? and "+takingIn, id.String(), org.String()).Delete(&sourceRow{}),
		core.Errorf(core.CodeNotFound, "there is no such source"))
}

// AddRefusal implements [core.SourceRefusals].
func (c *Catalog) AddRefusal(ctx context.Context, refusal core.SourceRefusal) error {
	refusal.At = fromMicros(micros(refusal.At))
	document, err := json.Marshal(refusal)
	if err != nil {
		return err
	}
	row := refusalRow{ID: refusal.ID.String(), Source: refusal.Source.String(), Document: string(document)}
	return c.write(ctx, func(tx *gorm.DB) error {
		err := there[sourceRow](tx.Where("id = ?", row.Source), "source")
		if core.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		oldest := tx.Model(&refusalRow{}).Select("id").Where("source = ?", row.Source).Order("id desc").Limit(1).Offset(core.MaxRefusals - 1)
		return tx.Where("source = ? and id < (?)", row.Source, oldest).Delete(&refusalRow{}).Error
	})
}

// Refusals implements [core.SourceRefusals].
func (c *Catalog) Refusals(ctx context.Context, source core.ID) ([]core.SourceRefusal, error) {
	return list(c.db.WithContext(ctx).Where("source = ?", source.String()).Order("id desc").Limit(core.MaxRefusals), refusalRow.refusal)
}

type feedNoteRow struct {
	Source   string `gorm:"primaryKey"`
	Node     string `gorm:"primaryKey"`
	At       int64
	Document string
}

// TableName names the table for GORM.
func (feedNoteRow) TableName() string { return "feed_notes" }

func (r feedNoteRow) note() (core.FeedNote, error) {
	var note core.FeedNote
	if err := json.Unmarshal([]byte(r.Document), &note); err != nil {
		return core.FeedNote{}, fmt.Errorf("a note about the source %s is damaged: %w", r.Source, err)
	}
	note.At = fromMicros(r.At)
	return note, parseIDs(into{r.Source, &note.Source}, into{r.Node, &note.Node})
}

// NoteFeed implements [core.FeedNotes].
func (c *Catalog) NoteFeed(ctx context.Context, note core.FeedNote) error {
	for _, at := range []**time.Time{&note.LastAt, &note.ErrorAt} {
		if *at != nil {
			*at = new(fromMicros(micros(**at)))
		}
	}
	document, err := json.Marshal(note)
	if err != nil {
		return err
	}
	row := feedNoteRow{Source: note.Source.String(), Node: note.Node.String(), At: micros(note.At), Document: string(document)}
	return c.write(ctx, func(tx *gorm.DB) error {
		err := there[sourceRow](tx.Where("id = ?", row.Source), "source")
		if core.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error; err != nil {
			return err
		}
		return tx.Where("source = ? and at < ?", row.Source, micros(note.At.Add(-core.FeedNoteFor))).Delete(&feedNoteRow{}).Error
	})
}

// FeedNotes implements [core.FeedNotes].
func (c *Catalog) FeedNotes(ctx context.Context, sources []core.ID, since time.Time) ([]core.FeedNote, error) {
	return list(c.db.WithContext(ctx).Where("source in ? and at >= ?", texts(sources), micros(since)), feedNoteRow.note)
}
