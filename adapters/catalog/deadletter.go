package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/eventflow-go/eventflow/core"
)

type letterRow struct {
	ID        string `gorm:"primaryKey"`
	Org       string
	Stream    string
	GroupID   string
	Offset    int64
	EventType string
	State     string
	Reason    string
	ParkedAt  int64
	Attempts  string
	// Event is JSON without the context and the payload. Those have columns of
	// their own, because JSON would not give them back byte for byte.
	Event   string
	Context string
	Payload string
}

// TableName names the table for GORM.
func (letterRow) TableName() string { return "dead_letters" }

func letterRowOf(l core.DeadLetter) (letterRow, error) {
	event := l.Event
	event.Payload, event.Context = json.RawMessage("null"), nil
	encoded, err := json.Marshal(event)
	if err != nil {
		return letterRow{}, err
	}
	attempts, err := json.Marshal(l.Attempts)
	return letterRow{
		ID: l.ID.String(), Org: l.Org.String(), Stream: l.Stream.String(), GroupID: l.Group.String(), Offset: int64(l.Event.Offset),
		EventType: l.Event.Type, State: string(l.State), Reason: l.Reason, ParkedAt: micros(l.ParkedAt), Attempts: string(attempts),
		Event: string(encoded), Context: string(l.Event.Context), Payload: string(l.Event.Payload),
	}, err
}

func (r letterRow) letter() (core.DeadLetter, error) {
	l := core.DeadLetter{State: core.LetterState(r.State), Reason: r.Reason, ParkedAt: fromMicros(r.ParkedAt)}
	if err := parseIDs(into{r.ID, &l.ID}, into{r.Org, &l.Org}, into{r.Stream, &l.Stream}, into{r.GroupID, &l.Group}); err != nil {
		return l, err
	}
	if err := json.Unmarshal([]byte(r.Event), &l.Event); err != nil {
		return l, fmt.Errorf("the dead letter %s is damaged: %w", r.ID, err)
	}
	if err := json.Unmarshal([]byte(r.Attempts), &l.Attempts); err != nil {
		return l, fmt.Errorf("the dead letter %s is damaged: %w", r.ID, err)
	}
	for i := range l.Attempts {
		l.Attempts[i].From, l.Attempts[i].To = l.Event.Offset, l.Event.Offset+1
	}
	l.Event.Payload, l.Event.Context = json.RawMessage(r.Payload), nil
	if r.Context != "" {
		l.Event.Context = json.RawMessage(r.Context)
	}
	return l, nil
}

// changeLetters stores and removes the dead letters of a step, in the step's
// transaction: there is no letter without the progress that made it.
func changeLetters(tx *gorm.DB, step core.Step) error {
	if len(step.Letters) > 0 {
		rows, err := each(step.Letters, letterRowOf)
		if err != nil {
			return err
		}
		if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).CreateInBatches(rows, rowsPerStatement).Error; err != nil {
			return err
		}
	}
	for part := range slices.Chunk(step.Remove, rowsPerStatement) {
		if err := tx.Where("id in ?", texts(part)).Delete(&letterRow{}).Error; err != nil {
			return err
		}
	}
	return nil
}

// lettersOf selects the dead letters of an organization, without those whose stream is
// deleted.
func (c *Catalog) lettersOf(ctx context.Context, org core.ID) *gorm.DB {
	return c.db.WithContext(ctx).Model(&letterRow{}).Where("org = ?", org.String()).
		Where("not exists (select 1 from streams where streams.id = dead_letters.stream and streams.deleted_at is not null)")
}

// letters selects the dead letters that a scan asks for.
func (c *Catalog) letters(ctx context.Context, org core.ID, scan core.LetterScan) *gorm.DB {
	query := c.lettersOf(ctx, org)
	for _, id := range []struct {
		condition string
		id        core.ID
	}{
		{"stream = ?", scan.Filter.Stream},
		{"group_id = ?", scan.Filter.Group},
		{"id > ?", scan.After},
		{"id < ?", scan.Before},
	} {
		if !id.id.IsZero() {
			query = query.Where(id.condition, id.id.String())
		}
	}
	for _, text := range []struct{ condition, text string }{
		{"reason = ?", scan.Filter.Reason},
		{"event_type = ?", scan.Filter.Type},
		{"state = ?", string(scan.Filter.State)},
	} {
		if text.text != "" {
			query = query.Where(text.condition, text.text)
		}
	}
	if scan.Filter.Offset != nil {
		query = query.Where(`"offset" = ?`, int64(*scan.Filter.Offset))
	}
	if len(scan.Streams) > 0 {
		query = query.Where("stream in ?", texts(scan.Streams))
	}
	return query
}

// DeadLetters implements [core.DeadLetters].
func (c *Catalog) DeadLetters(ctx context.Context, org core.ID, scan core.LetterScan) ([]core.DeadLetter, error) {
	order := "id"
	if scan.Backward {
		order = "id desc"
	}
	return list(c.letters(ctx, org, scan).Order(order).Limit(scan.Limit), letterRow.letter)
}

// DeadLetter implements [core.DeadLetters].
func (c *Catalog) DeadLetter(ctx context.Context, org, id core.ID) (core.DeadLetter, error) {
	return take(c.lettersOf(ctx, org).Where("id = ?", id.String()), "dead letter", letterRow.letter)
}

// letterCountRow is how many dead letters a group has for one reason.
type letterCountRow struct {
	Stream  string
	GroupID string
	Reason  string
	Count   int64
}

func (r letterCountRow) count() (core.LetterCount, error) {
	count := core.LetterCount{Reason: r.Reason, Count: r.Count}
	return count, parseIDs(into{r.Stream, &count.Stream}, into{r.GroupID, &count.Group})
}

// CountDeadLetters implements [core.DeadLetters].
func (c *Catalog) CountDeadLetters(ctx context.Context, org core.ID, scan core.LetterScan) ([]core.LetterCount, error) {
	return list(c.letters(ctx, org, scan).Select("stream, group_id, reason, count(*) as count").Group("stream, group_id, reason").
		Order("count desc, stream, group_id, reason").Limit(scan.Limit), letterCountRow.count)
}
