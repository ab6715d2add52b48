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

func (r attemptRow) attempt() (core.Attempt, error) {
	return core.Attempt{
		From: core.Offset(r.FromOffset), To: core.Offset(r.ToOffset), Number: r.Number, At: fromMicros(r.At),
		Outcome: core.AttemptOutcome(r.Outcome), Reason: r.Reason,
	}, nil
}

// Progress implements [core.Progresses].
func (c *Catalog) Progress(ctx context.Context, group core.ID) (core.Progress, error) {
	return take(c.db.WithContext(ctx).Where("group_id = ?", group.String()), "consumer group", progressRow.progress)
}

// Advance implements [core.Progresses]. Most steps change the progress alone: one
// statement, and one round trip, without a transaction around it.
func (c *Catalog) Advance(ctx context.Context, group core.ID, step core.Step) error {
	if len(step.Attempts)+len(step.Letters)+len(step.Remove) == 0 {
		defer c.serialize(ctx)()
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

// advance replaces the progress, unless another step was faster.
func advance(db *gorm.DB, group core.ID, progress core.Progress) error {
	done := db.Exec(`update group_progress set revision = ?, state = ? where group_id = ? and revision = ?`,
		progress.Revision, string(progress.State), group.String(), progress.Revision-1)
	if done.Error != nil || done.RowsAffected == 1 {
		return done.Error
	}
	if err := there[progressRow](db.Where("group_id = ?", group.String()), "consumer group"); err != nil {
		return err
	}
	return errMoved
}

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

// Attempts implements [core.Progresses]. An attempt covers no more offsets than a
// page has, so one that covers this offset begins less than a page before it:
// the index on from_offset finds it.
func (c *Catalog) Attempts(ctx context.Context, group core.ID, offset core.Offset) ([]core.Attempt, error) {
	return list(c.db.WithContext(ctx).
		Where("group_id = ? and from_offset <= ? and from_offset > ? and to_offset > ?",
			group.String(), int64(offset), int64(offset)-core.MaxPageSize, int64(offset)).
		Order("at, number"), attemptRow.attempt)
}

// forgottenAtOnce is how many attempts one statement removes. Steps of groups wait for
// it where there is one writer.
const forgottenAtOnce = 500

// ForgetAttempts implements [core.Progresses].
func (c *Catalog) ForgetAttempts(ctx context.Context, before time.Time) error {
	for {
		forgotten, err := c.forgetSomeOf(ctx, "delivery_attempts", before)
		if err != nil || forgotten == 0 {
			return err
		}
	}
}

// forgetSomeOf removes the oldest rows of a table of attempts, and says how many.
func (c *Catalog) forgetSomeOf(ctx context.Context, table string, before time.Time) (int64, error) {
	defer c.serialize(ctx)()
	done := c.db.WithContext(ctx).Exec(`delete from `+table+` where at <= (
		select max(at) from (select at from `+table+` where at < ? order by at limit ?) as oldest)`, micros(before), forgottenAtOnce)
	return done.RowsAffected, done.Error
}
