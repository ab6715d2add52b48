package memory

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

func ownSchema(version core.SchemaVersion) core.SchemaVersion {
	version.Schema, version.CreatedAt = bytes.Clone(version.Schema), utc(version.CreatedAt)
	return version
}

// RegisterSchema implements [core.SchemaVersions].
func (c *Catalog) RegisterSchema(ctx context.Context, stream core.Stream, version core.SchemaVersion) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	if err := c.followsStream(&stream); err != nil {
		return err
	}
	if _, taken := find(c.schemas, func(other core.SchemaVersion) bool {
		return other.Stream == version.Stream && other.EventType == version.EventType && other.Version == version.Version
	}); taken {
		return core.Errorf(core.CodeConflict, "this version of the type is registered already")
	}
	if _, taken := c.schemas[version.ID]; taken {
		return errTaken
	}
	if err := c.storeStream(stream); err != nil {
		return err
	}
	c.schemas[version.ID] = ownSchema(version)
	return nil
}

// Schemas implements [core.SchemaVersions].
func (c *Catalog) Schemas(ctx context.Context, stream core.ID) ([]core.SchemaVersion, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	all := sorted(c.schemas, func(v core.SchemaVersion) bool { return v.Stream == stream && c.streams[stream].DeletedAt == nil },
		func(a, b core.SchemaVersion) int {
			return cmp.Or(strings.Compare(a.EventType, b.EventType), cmp.Compare(a.Version, b.Version))
		})
	return page(all, len(all), ownSchema), nil
}

// NoteReported implements [core.SchemaVersions].
func (c *Catalog) NoteReported(ctx context.Context, counts map[core.ID]int64) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	for id, count := range counts {
		if stream, ok := c.streams[id]; ok {
			stream.Reported += count
			c.streams[id] = stream
		}
	}
	return nil
}

func ownQuarantined(q core.Quarantined) core.Quarantined {
	q.Event = clone(q.Event)
	q.Event.OccurredAt, q.Event.ReceivedAt = utc(q.Event.OccurredAt), utc(q.Event.ReceivedAt)
	q.Reasons = slices.Clone(q.Reasons)
	return q
}

// Quarantine implements [core.Quarantine].
func (c *Catalog) Quarantine(ctx context.Context, events []core.Quarantined) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	for i := range events {
		if _, taken := c.quarantine[events[i].ID]; taken {
			return errTaken
		}
	}
	for i := range events {
		event := &events[i].Event
		if known, is := find(c.quarantine, func(q core.Quarantined) bool {
			return event.IdempotencyKey != "" && q.Event.Stream == event.Stream && q.Event.IdempotencyKey == event.IdempotencyKey
		}); is {
			events[i].ID = known.ID
			continue
		}
		c.quarantine[events[i].ID] = ownQuarantined(events[i])
	}
	return nil
}

// Quarantined implements [core.Quarantine].
func (c *Catalog) Quarantined(ctx context.Context, org, stream core.ID, scan core.QuarantineScan) ([]core.Quarantined, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	all := sorted(c.quarantine, func(q core.Quarantined) bool {
		return c.waits(q, org, stream) && (scan.EventType == "" || q.Event.Type == scan.EventType) &&
			(scan.Before.IsZero() || byID(q.ID, scan.Before) < 0)
	}, func(a, b core.Quarantined) int { return byID(b.ID, a.ID) })
	return page(all, scan.Limit, ownQuarantined), nil
}

// waits reports whether an event is in the quarantine of a stream that there is.
func (c *Catalog) waits(q core.Quarantined, org, stream core.ID) bool {
	return q.Org == org && q.Event.Stream == stream && c.streams[stream].DeletedAt == nil
}

// QuarantinedEvent implements [core.Quarantine].
func (c *Catalog) QuarantinedEvent(ctx context.Context, org, stream, id core.ID) (core.Quarantined, error) {
	if err := c.enter(ctx); err != nil {
		return core.Quarantined{}, err
	}
	defer c.mu.Unlock()
	found, ok := c.quarantine[id]
	if !ok || !c.waits(found, org, stream) {
		return core.Quarantined{}, missing("event in quarantine")
	}
	return ownQuarantined(found), nil
}

// Release implements [core.Quarantine].
func (c *Catalog) Release(ctx context.Context, org, stream, id core.ID) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	if found, ok := c.quarantine[id]; !ok || !c.waits(found, org, stream) {
		return missing("event in quarantine")
	}
	delete(c.quarantine, id)
	return nil
}

// ForgetQuarantined implements [core.Quarantine].
func (c *Catalog) ForgetQuarantined(ctx context.Context, at time.Time) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	for id, q := range c.quarantine {
		if stream, ok := c.streams[q.Event.Stream]; ok && q.Event.ReceivedAt.Before(at.AddDate(0, 0, -stream.RetentionDays)) {
			delete(c.quarantine, id)
		}
	}
	return nil
}
