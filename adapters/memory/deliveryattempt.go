package memory

import (
	"context"
	"maps"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

func ownDelivery(attempt core.DeliveryAttempt) core.DeliveryAttempt {
	attempt.At, attempt.NextTry = utc(attempt.At), utcOrNone(attempt.NextTry)
	return attempt
}

// NoteDelivery implements [core.DeliveryLog].
func (c *Catalog) NoteDelivery(ctx context.Context, note core.DeliveryNote) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	processor, ok := c.processors[note.Processor]
	if !ok {
		return nil
	}
	for _, attempt := range note.Attempts {
		if _, taken := c.deliveries[attempt.ID]; taken {
			return errTaken
		}
	}
	// Nothing below can fail, so a note is never made by half.
	for _, attempt := range note.Attempts {
		attempt.Processor = note.Processor
		c.deliveries[attempt.ID] = ownDelivery(attempt)
	}
	if note.Recovered || processor.FailingSince == nil {
		processor.FailingSince = utcOrNone(note.FailedAt)
		c.processors[note.Processor] = processor
	}
	c.addCount(note)
	c.trimDeliveries(note.Processor)
	return nil
}

func (c *Catalog) addCount(note core.DeliveryNote) {
	if note.Count == (core.DeliveryCount{}) {
		return
	}
	hours := c.counts[note.Processor]
	if hours == nil {
		hours = map[time.Time]core.DeliveryCount{}
		c.counts[note.Processor] = hours
	}
	hour := hourOf(note.At)
	count := hours[hour]
	count.Add(note.Count)
	hours[hour] = count
}

// hourOf is when the hour of a time began.
func hourOf(at time.Time) time.Time { return at.UTC().Truncate(time.Hour) }

// trimDeliveries removes the oldest attempts of a processor when there are too many.
func (c *Catalog) trimDeliveries(processor core.ID) {
	if len(c.deliveries) <= core.MaxDeliveryAttempts {
		return
	}
	all := c.newest(func(attempt core.DeliveryAttempt) bool { return attempt.Processor == processor })
	for _, old := range all[min(len(all), core.MaxDeliveryAttempts):] {
		delete(c.deliveries, old.ID)
	}
}

// newest returns the attempts that belong to an answer, the newest first. They are still
// the catalog's own.
func (c *Catalog) newest(belongs func(core.DeliveryAttempt) bool) []core.DeliveryAttempt {
	return sorted(c.deliveries, belongs, func(a, b core.DeliveryAttempt) int { return byID(b.ID, a.ID) })
}

// DeliveryCounts implements [core.DeliveryLog].
func (c *Catalog) DeliveryCounts(ctx context.Context, processors []core.ID, since time.Time) ([]core.DeliveryCount, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	counts, first := make([]core.DeliveryCount, len(processors)), hourOf(since)
	for i, id := range processors {
		for hour, count := range c.counts[id] {
			if !hour.Before(first) {
				counts[i].Add(count)
			}
		}
	}
	return counts, nil
}

// Deliveries implements [core.DeliveryLog].
func (c *Catalog) Deliveries(ctx context.Context, org, processor core.ID, scan core.DeliveryScan) ([]core.DeliveryAttempt, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	all := c.newest(func(attempt core.DeliveryAttempt) bool {
		return attempt.Org == org && attempt.Processor == processor && (scan.Outcome == "" || attempt.Outcome == scan.Outcome) &&
			(scan.Before.IsZero() || byID(attempt.ID, scan.Before) < 0) && (scan.Event.IsZero() || attempt.Event == scan.Event)
	})
	return page(all, scan.Limit, ownDelivery), nil
}

// Delivery implements [core.DeliveryLog].
func (c *Catalog) Delivery(ctx context.Context, org, id core.ID) (core.DeliveryAttempt, error) {
	if err := c.enter(ctx); err != nil {
		return core.DeliveryAttempt{}, err
	}
	defer c.mu.Unlock()
	attempt, ok := c.deliveries[id]
	if !ok || attempt.Org != org {
		return core.DeliveryAttempt{}, missing("delivery")
	}
	return ownDelivery(attempt), nil
}

// ForgetDeliveries implements [core.DeliveryLog].
func (c *Catalog) ForgetDeliveries(ctx context.Context, before time.Time) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	maps.DeleteFunc(c.deliveries, func(_ core.ID, attempt core.DeliveryAttempt) bool { return attempt.At.Before(before) })
	for _, hours := range c.counts {
		maps.DeleteFunc(hours, func(hour time.Time, _ core.DeliveryCount) bool { return hour.Add(time.Hour).Before(before) })
	}
	return nil
}
