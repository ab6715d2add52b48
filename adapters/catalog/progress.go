package catalog

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/eventflow-go/eventflow/core"
)

type attemptRow struct {
	GroupID    string
	FromOffset int64
	ToOffset   int64
	Number     int
	At         int64
	Outcome    string
	Reason     string
}

// TableName names the table for GORM.
func (attemptRow) TableName() string { return "delivery_attempts" }

// Progress implements [core.Progresses].
func (c *Catalog) Progress(ctx context.Context, group core.ID) (core.Progress, error) {
	var row progressRow
	if err := c.db.WithContext(ctx).Where("group_id = ?", group.String()).Take(&row).Error; err != nil {
		return core.Progress{}, found(err, "consumer group")
	}
	return core.Progress{Revision: row.Revision, State: []byte(row.State)}, nil
}

// Advance implements [core.Progresses]. Most steps are one statement, and one
// round trip.
func (c *Catalog) Advance(ctx context.Context, group core.ID, step core.Step) error {
	if len(step.Attempts)+len(step.Letters)+len(step.Remove) == 0 {
		defer c.serialize()()
		return advance(c.db.WithContext(ctx), group, step.Progress)
	}
	return c.write(ctx, func(tx *gorm.DB) error {
		if err := advance(tx, group, step.Progress); err != nil {
			return err
		}
		if err := createAttempts(tx, group, step.Attempts); err != nil {
			return err
		}
		return changeLetters(tx, step)
	})
}

func advance(db *gorm.DB, group core.ID, progress core.Progress) error {
	done := db.Exec(`update group_progress set revision = ?, state = ? where group_id = ? and revision = ?`,
		progress.Revision, string(progress.State), group.String(), progress.Revision-1)
	if done.Error != nil || done.RowsAffected == 1 {
		return done.Error
	}
	if err := db.Where("group_id = ?", group.String()).Take(&progressRow{}).Error; err != nil {
		return found(err, "consumer group")
	}
	return errMoved
}

// rowsPerStatement bounds the parameters of one statement.
const rowsPerStatement = 500

func createAttempts(tx *gorm.DB, group core.ID, attempts []core.Attempt) error {
	if len(attempts) == 0 {
		return nil
	}
	rows := make([]attemptRow, len(attempts))
	for i, a := range attempts {
		rows[i] = attemptRow{group.String(), int64(a.From), int64(a.To), a.Number, micros(a.At), string(a.Outcome), a.Reason}
	}
	return tx.CreateInBatches(rows, rowsPerStatement).Error
}

// Attempts implements [core.Progresses]. No attempt covers more offsets than a
// page, which bounds where to look.
func (c *Catalog) Attempts(ctx context.Context, group core.ID, offset core.Offset) ([]core.Attempt, error) {
	var rows []attemptRow
	err := c.db.WithContext(ctx).
		Where("group_id = ? and from_offset <= ? and from_offset > ? and to_offset > ?",
			group.String(), int64(offset), int64(offset)-core.MaxPageSize, int64(offset)).
		Order("at, number").Find(&rows).Error
	if err != nil {
		return nil, err
	}
	attempts := make([]core.Attempt, len(rows))
	for i, r := range rows {
		attempts[i] = core.Attempt{
			From: core.Offset(r.FromOffset), To: core.Offset(r.ToOffset), Number: r.Number, At: fromMicros(r.At),
			Outcome: core.AttemptOutcome(r.Outcome), Reason: r.Reason,
		}
	}
	return attempts, nil
}

// ForgetAttempts implements [core.Progresses].
func (c *Catalog) ForgetAttempts(ctx context.Context, before time.Time) error {
	defer c.serialize()()
	return c.db.WithContext(ctx).Exec(`delete from delivery_attempts where at < ?`, micros(before)).Error
}
