package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/eventflow-go/eventflow/core"
)

type quarantineRow struct {
	ID             string `gorm:"primaryKey"`
	Org            string
	Stream         string
	EventType      string
	ReceivedAt     int64
	IdempotencyKey string
	Reasons        string
	// Event is JSON without the context and the payload, as in a dead letter.
	Event   string
	Context string
	Payload string
}

// TableName names the table for GORM.
func (quarantineRow) TableName() string { return "quarantine" }

func quarantineRowOf(q core.Quarantined) (quarantineRow, error) {
	event := q.Event
	event.Payload, event.Context = json.RawMessage("null"), nil
	encoded, err := json.Marshal(event)
	if err != nil {
		return quarantineRow{}, err
	}
	reasons, err := json.Marshal(q.Reasons)
	return quarantineRow{
		ID: q.ID.String(), Org: q.Org.String(), Stream: q.Event.Stream.String(), EventType: q.Event.Type, ReceivedAt: micros(q.Event.ReceivedAt),
		IdempotencyKey: q.Event.IdempotencyKey, Reasons: string(reasons), Event: string(encoded),
		Context: string(q.Event.Context), Payload: string(q.Event.Payload),
	}, err
}

func (r quarantineRow) quarantined() (q core.Quarantined, err error) {
	if err := errors.Join(json.Unmarshal([]byte(r.Event), &q.Event), json.Unmarshal([]byte(r.Reasons), &q.Reasons)); err != nil {
		return q, fmt.Errorf("the event %s in quarantine is damaged: %w", r.ID, err)
	}
	q.Event.Payload, q.Event.Context = json.RawMessage(r.Payload), nil
	if r.Context != "" {
		q.Event.Context = json.RawMessage(r.Context)
	}
	q.Event.OccurredAt, q.Event.ReceivedAt = q.Event.OccurredAt.UTC().Truncate(time.Microsecond), fromMicros(r.ReceivedAt)
	return q, parseIDs(into{r.ID, &q.ID}, into{r.Org, &q.Org}, into{r.Stream, &q.Event.Stream})
}

// Quarantine implements [core.Quarantine].
func (c *Catalog) Quarantine(ctx context.Context, events []core.Quarantined) error {
	rows, err := each(events, quarantineRowOf)
	if err != nil || len(rows) == 0 {
		return err
	}
	// Events without a key are stored, or the call fails. With a key one may be there, so
	// what is there in the end says who is.
	keyed := slices.DeleteFunc(slices.Clone(rows), func(r quarantineRow) bool { return r.IdempotencyKey == "" })
	keyless := slices.DeleteFunc(slices.Clone(rows), func(r quarantineRow) bool { return r.IdempotencyKey != "" })
	ids := map[[2]string]string{}
	err = c.write(ctx, func(tx *gorm.DB) error {
		if err := tx.CreateInBatches(keyless, rowsPerStatement).Error; len(keyless) > 0 && err != nil {
			return err
		}
		for part := range slices.Chunk(keyed, rowsPerStatement) {
			if err := quarantineKeyed(tx, part, ids); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i := range events {
		if id, is := ids[[2]string{rows[i].Stream, rows[i].IdempotencyKey}]; is {
			if err := parseIDs(into{id, &events[i].ID}); err != nil {
				return err
			}
		}
	}
	return nil
}

// quarantineKeyed stores events that have keys, unless these are there, and tells the
// ids by stream and key.
func quarantineKeyed(tx *gorm.DB, rows []quarantineRow, ids map[[2]string]string) error {
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&rows).Error; err != nil {
		return err
	}
	streams, keys := map[string]bool{}, make([]string, len(rows))
	for i := range rows {
		keys[i], streams[rows[i].Stream] = rows[i].IdempotencyKey, true
	}
	var there []quarantineRow
	for stream := range streams {
		if err := tx.Select("id", "stream", "idempotency_key").Where("stream = ? and idempotency_key in ?", stream, keys).Find(&there).Error; err != nil {
			return err
		}
		for i := range there {
			ids[[2]string{there[i].Stream, there[i].IdempotencyKey}] = there[i].ID
		}
	}
	for i := range rows {
		if ids[[2]string{rows[i].Stream, rows[i].IdempotencyKey}] == "" {
			return fmt.Errorf("the id %s is in the quarantine already", rows[i].ID)
		}
	}
	return nil
}

// quarantineOf selects the quarantine of a stream, unless that is deleted.
func (c *Catalog) quarantineOf(ctx context.Context, org, stream core.ID) *gorm.DB {
	return c.db.WithContext(ctx).Model(&quarantineRow{}).Where("org = ? and stream = ?", org.String(), stream.String()).
		Where("not exists (select 1 from streams where streams.id = quarantine.stream and streams.deleted_at is not null)")
}

// Quarantined implements [core.Quarantine].
func (c *Catalog) Quarantined(ctx context.Context, org, stream core.ID, scan core.QuarantineScan) ([]core.Quarantined, error) {
	query := c.quarantineOf(ctx, org, stream)
	if scan.EventType != "" {
		query = query.Where("event_type = ?", scan.EventType)
	}
	if !scan.Before.IsZero() {
		query = query.Where("id < ?", scan.Before.String())
	}
	return list(query.Order("id desc").Limit(scan.Limit), quarantineRow.quarantined)
}

// QuarantinedEvent implements [core.Quarantine].
func (c *Catalog) QuarantinedEvent(ctx context.Context, org, stream, id core.ID) (core.Quarantined, error) {
	return take(c.quarantineOf(ctx, org, stream).Where("id = ?", id.String()), "event in quarantine", quarantineRow.quarantined)
}

// Release implements [core.Quarantine].
func (c *Catalog) Release(ctx context.Context, org, stream, id core.ID) error {
	defer c.serialize(ctx)()
	return changed(c.quarantineOf(ctx, org, stream).Where("id = ?", id.String()).Delete(&quarantineRow{}),
		core.Errorf(core.CodeNotFound, "there is no such event in quarantine"))
}

// ForgetQuarantined implements [core.Quarantine].
func (c *Catalog) ForgetQuarantined(ctx context.Context, at time.Time) error {
	defer c.serialize(ctx)()
	return c.db.WithContext(ctx).
		Where("received_at < ? - 86400000000 * (select retention_days from streams where streams.id = quarantine.stream)", micros(at)).
		Delete(&quarantineRow{}).Error
}
