package catalog

import (
	"context"
	"encoding/json"
	"fmt"

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
	// Event is JSON without context and payload, which are kept byte for byte.
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

// changeLetters makes the part of a step that is about dead letters.
func changeLetters(tx *gorm.DB, step core.Step) error {
	if len(step.Letters) > 0 {
		rows := make([]letterRow, len(step.Letters))
		for i, letter := range step.Letters {
			var err error
			if rows[i], err = letterRowOf(letter); err != nil {
				return err
			}
		}
		if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).CreateInBatches(rows, rowsPerStatement).Error; err != nil {
			return err
		}
	}
	for remove := step.Remove; len(remove) > 0; {
		n := min(len(remove), rowsPerStatement)
		ids := make([]string, n)
		for i, id := range remove[:n] {
			ids[i] = id.String()
		}
		if err := tx.Where("id in ?", ids).Delete(&letterRow{}).Error; err != nil {
			return err
		}
		remove = remove[n:]
	}
	return nil
}

// letters is the part of the dead letters that a scan is about.
func (c *Catalog) letters(ctx context.Context, org core.ID, scan core.LetterScan) *gorm.DB {
	query := c.db.WithContext(ctx).Model(&letterRow{}).Where("org = ?", org.String())
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
		streams := texts(scan.Streams)
		query = query.Where("stream in ?", streams)
	}
	return query
}

// DeadLetters implements [core.DeadLetters].
func (c *Catalog) DeadLetters(ctx context.Context, org core.ID, scan core.LetterScan) ([]core.DeadLetter, error) {
	order := "id"
	if scan.Backward {
		order = "id desc"
	}
	var rows []letterRow
	if err := c.letters(ctx, org, scan).Order(order).Limit(scan.Limit).Find(&rows).Error; err != nil {
		return nil, err
	}
	all := make([]core.DeadLetter, len(rows))
	for i, row := range rows {
		var err error
		if all[i], err = row.letter(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// DeadLetter implements [core.DeadLetters].
func (c *Catalog) DeadLetter(ctx context.Context, org, id core.ID) (core.DeadLetter, error) {
	var row letterRow
	if err := c.db.WithContext(ctx).Where("org = ? and id = ?", org.String(), id.String()).Take(&row).Error; err != nil {
		return core.DeadLetter{}, found(err, "dead letter")
	}
	return row.letter()
}

// CountDeadLetters implements [core.DeadLetters].
func (c *Catalog) CountDeadLetters(ctx context.Context, org core.ID, scan core.LetterScan) ([]core.LetterCount, error) {
	var rows []struct {
		Stream  string
		GroupID string
		Reason  string
		Count   int64
	}
	err := c.letters(ctx, org, scan).Select("stream, group_id, reason, count(*) as count").Group("stream, group_id, reason").
		Order("count desc, stream, group_id, reason").Limit(scan.Limit).Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	counts := make([]core.LetterCount, len(rows))
	for i, row := range rows {
		counts[i] = core.LetterCount{Reason: row.Reason, Count: row.Count}
		if err := parseIDs(into{row.Stream, &counts[i].Stream}, into{row.GroupID, &counts[i].Group}); err != nil {
			return nil, err
		}
	}
	return counts, nil
}
