package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/eventflow-go/eventflow/core"
)

// deliveryRow is an attempt of a processor to send an event.
type deliveryRow struct {
	ID        string `gorm:"primaryKey"`
	Org       string
	Processor string
	At        int64
	Outcome   string
	// Document is a core.DeliveryAttempt. A destination's answer may hold characters
	// that PostgreSQL keeps in no text; in JSON they are escaped.
	Document string
}

// TableName names the table for GORM.
func (deliveryRow) TableName() string { return "deliveries" }

func deliveryRowOf(a core.DeliveryAttempt) (deliveryRow, error) {
	if a.NextTry != nil {
		a.NextTry = new(fromMicros(micros(*a.NextTry)))
	}
	document, err := json.Marshal(a)
	return deliveryRow{
		ID: a.ID.String(), Org: a.Org.String(), Processor: a.Processor.String(), At: micros(a.At), Outcome: string(a.Outcome), Document: string(document),
	}, err
}

func (r deliveryRow) delivery() (core.DeliveryAttempt, error) {
	var a core.DeliveryAttempt
	if err := json.Unmarshal([]byte(r.Document), &a); err != nil {
		return a, fmt.Errorf("the delivery %s is damaged: %w", r.ID, err)
	}
	a.At = fromMicros(r.At)
	return a, parseIDs(into{r.ID, &a.ID}, into{r.Org, &a.Org}, into{r.Processor, &a.Processor})
}

// NoteDelivery implements [core.DeliveryLog]. The processor goes first: its row is the
// lock for which the notes of several nodes, and a deletion, wait.
func (c *Catalog) NoteDelivery(ctx context.Context, note core.DeliveryNote) error {
	rows, err := deliveryRowsOf(note)
	if err != nil {
		return err
	}
	processor := note.Processor.String()
	return c.write(ctx, func(tx *gorm.DB) error {
		kept, err := noteFailures(tx, note)
		if err != nil || len(kept) == 0 {
			return err // or the processor is gone
		}
		if len(rows) > 0 {
			if err := tx.CreateInBatches(rows, rowsPerStatement).Error; err != nil {
				return err
			}
			if err := trimDeliveries(tx, processor, kept[0]); err != nil {
				return err
			}
		}
		return addCount(tx, processor, note.At, note.Count)
	})
}

func deliveryRowsOf(note core.DeliveryNote) ([]deliveryRow, error) {
	return each(note.Attempts, func(a core.DeliveryAttempt) (deliveryRow, error) {
		a.Processor = note.Processor
		return deliveryRowOf(a)
	})
}

// noteFailures sets since when a processor fails, and returns how many deliveries are
// kept of it, the new ones among them; nothing of one that is gone.
func noteFailures(tx *gorm.DB, note core.DeliveryNote) (kept []int, err error) {
	since := `coalesce(failing_since, ?)`
	if note.Recovered {
		since = `?`
	}
	err = tx.Raw(`update processors set failing_since = `+since+`, attempts = attempts + ? where id = ? returning attempts`,
		optionalMicros(note.FailedAt), len(note.Attempts), note.Processor.String()).Scan(&kept).Error
	return kept, err
}

// spareDeliveries is how many deliveries there may be too many before they are removed,
// so that few notes have to look for what is old.
const spareDeliveries = core.MaxDeliveryAttempts / 10

// trimDeliveries removes the oldest deliveries of a processor when there are too many.
func trimDeliveries(tx *gorm.DB, processor string, kept int) error {
	if kept <= core.MaxDeliveryAttempts+spareDeliveries {
		return nil
	}
	err := tx.Exec(`delete from deliveries where processor = ? and id <= (
		select id from deliveries where processor = ? order by id desc limit 1 offset ?)`, processor, processor, core.MaxDeliveryAttempts).Error
	if err != nil {
		return err
	}
	return tx.Exec(`update processors set attempts = (select count(*) from deliveries where processor = ?) where id = ?`, processor, processor).Error
}

// addCount adds to what a processor did in the hour of a time.
func addCount(tx *gorm.DB, processor string, at time.Time, count core.DeliveryCount) error {
	if count == (core.DeliveryCount{}) {
		return nil
	}
	return tx.Exec(`insert into delivery_counts (processor, hour, delivered, filtered, failed, latency) values (?, ?, ?, ?, ?, ?)
		on conflict (processor, hour) do update set delivered = delivery_counts.delivered + excluded.delivered,
			filtered = delivery_counts.filtered + excluded.filtered, failed = delivery_counts.failed + excluded.failed,
			latency = delivery_counts.latency + excluded.latency`,
		processor, hourOf(at), count.Delivered, count.Filtered, count.Failed, count.Latency.Duration().Microseconds()).Error
}

// hourOf is when the hour of a time began.
func hourOf(at time.Time) int64 { return micros(at.Truncate(time.Hour)) }

type countRow struct {
	Processor                            string
	Delivered, Filtered, Failed, Latency int64
}

// DeliveryCounts implements [core.DeliveryLog].
func (c *Catalog) DeliveryCounts(ctx context.Context, processors []core.ID, since time.Time) ([]core.DeliveryCount, error) {
	var rows []countRow
	err := c.db.WithContext(ctx).Table("delivery_counts").
		Select("processor, cast(sum(delivered) as bigint) as delivered, cast(sum(filtered) as bigint) as filtered, "+
			"cast(sum(failed) as bigint) as failed, cast(sum(latency) as bigint) as latency").
		Where("processor in ? and hour >= ?", texts(processors), hourOf(since)).Group("processor").Find(&rows).Error
	if err != nil {
		return nil, err
	}
	counted := make(map[string]core.DeliveryCount, len(rows))
	for _, r := range rows {
		counted[r.Processor] = core.DeliveryCount{Delivered: r.Delivered, Filtered: r.Filtered, Failed: r.Failed, Latency: seconds(r.Latency)}
	}
	counts := make([]core.DeliveryCount, len(processors))
	for i, id := range processors {
		counts[i] = counted[id.String()]
	}
	return counts, nil
}

// Deliveries implements [core.DeliveryLog].
func (c *Catalog) Deliveries(ctx context.Context, org, processor core.ID, scan core.DeliveryScan) ([]core.DeliveryAttempt, error) {
	query := c.db.WithContext(ctx).Where("org = ? and processor = ?", org.String(), processor.String())
	if scan.Outcome != "" {
		query = query.Where("outcome = ?", string(scan.Outcome))
	}
	if !scan.Event.IsZero() {
		// The index finds the processor's, which are bounded in number.
		query = query.Where("document like ?", `%"event_id":"`+scan.Event.String()+`"%`)
	}
	if !scan.Before.IsZero() {
		query = query.Where("id < ?", scan.Before.String())
	}
	return list(query.Order("id desc").Limit(scan.Limit), deliveryRow.delivery)
}

// Delivery implements [core.DeliveryLog].
func (c *Catalog) Delivery(ctx context.Context, org, id core.ID) (core.DeliveryAttempt, error) {
	return take(c.db.WithContext(ctx).Where("org = ? and id = ?", org.String(), id.String()), "delivery", deliveryRow.delivery)
}

// ForgetDeliveries implements [core.DeliveryLog].
func (c *Catalog) ForgetDeliveries(ctx context.Context, before time.Time) error {
	for {
		forgotten, err := c.forgetSomeOf(ctx, "deliveries", before)
		if err != nil {
			return err
		}
		if forgotten == 0 {
			break
		}
	}
	defer c.serialize(ctx)()
	return c.db.WithContext(ctx).Exec(`delete from delivery_counts where hour < ?`, micros(before.Add(-time.Hour))).Error
}
