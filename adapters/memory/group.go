package memory

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/eventflow-go/eventflow/core"
)

func ownGroup(group core.Group) core.Group {
	group.CreatedAt, group.UpdatedAt = utc(group.CreatedAt), utc(group.UpdatedAt)
	return group
}

// groupOf returns a group of a stream.
func (c *Catalog) groupOf(stream, id core.ID) (core.Group, error) {
	group, ok := c.groups[id]
	if !ok || group.Stream != stream {
		return core.Group{}, errNoGroup
	}
	return group, nil
}

var errNoGroup = missing("consumer group")

// storeGroup stores a group whose name no other one of the stream has.
func (c *Catalog) storeGroup(group core.Group) error {
	_, taken := find(c.groups, func(other core.Group) bool {
		return other.ID != group.ID && other.Stream == group.Stream && other.Name == group.Name
	})
	if taken {
		return core.Errorf(core.CodeConflict, "the stream already has a consumer group named %q", group.Name)
	}
	c.groups[group.ID] = ownGroup(group)
	return nil
}

// CreateGroup implements [core.Groups].
func (c *Catalog) CreateGroup(ctx context.Context, group core.Group, first core.Progress) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	return c.createGroup(group, first)
}

func (c *Catalog) createGroup(group core.Group, first core.Progress) error {
	if _, taken := c.groups[group.ID]; taken {
		return errTaken
	}
	if err := c.storeGroup(group); err != nil {
		return err
	}
	c.progress[group.ID] = ownProgress(first)
	return nil
}

// Groups implements [core.Groups].
func (c *Catalog) Groups(ctx context.Context, stream core.ID) ([]core.Group, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	return sorted(c.groups, func(group core.Group) bool { return group.Stream == stream },
		func(a, b core.Group) int { return strings.Compare(a.Name, b.Name) }), nil
}

// AllGroups implements [core.Groups].
func (c *Catalog) AllGroups(ctx context.Context, scan core.GroupScan) ([]core.GroupRecord, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	groups := sorted(c.groups, func(group core.Group) bool {
		return byID(group.ID, scan.After) > 0 && (scan.Org.IsZero() || group.Org == scan.Org) &&
			(len(scan.Streams) == 0 || slices.Contains(scan.Streams, group.Stream))
	}, func(a, b core.Group) int { return byID(a.ID, b.ID) })
	records := make([]core.GroupRecord, min(len(groups), scan.Limit))
	for i := range records {
		records[i] = c.record(groups[i])
	}
	return records, nil
}

// record is a group with what belongs to it.
func (c *Catalog) record(group core.Group) core.GroupRecord {
	record := core.GroupRecord{Group: group, Progress: ownProgress(c.progress[group.ID])}
	for _, letter := range c.letters {
		if letter.Group == group.ID {
			record.DeadLetters++
		}
	}
	return record
}

// UpdateGroup implements [core.Groups].
func (c *Catalog) UpdateGroup(ctx context.Context, group core.Group) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	return c.updateGroup(group)
}

// updateGroup replaces a group by its next revision.
func (c *Catalog) updateGroup(group core.Group) error {
	stored, err := c.groupOf(group.Stream, group.ID)
	if err != nil {
		return err
	}
	if stored.Revision != group.Revision-1 {
		return errMoved
	}
	group.Org, group.Mode, group.CreatedAt = stored.Org, stored.Mode, stored.CreatedAt
	group.OrderingKey, group.Processor = stored.OrderingKey, stored.Processor
	return c.storeGroup(group)
}

// DeleteGroup implements [core.Groups].
func (c *Catalog) DeleteGroup(ctx context.Context, stream, id core.ID) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	if _, err := c.groupOf(stream, id); err != nil {
		return err
	}
	delete(c.groups, id)
	delete(c.progress, id)
	delete(c.attempts, id)
	maps.DeleteFunc(c.letters, func(_ core.ID, letter core.DeadLetter) bool { return letter.Group == id })
	delete(c.processors, id)
	delete(c.counts, id)
	maps.DeleteFunc(c.deliveries, func(_ core.ID, attempt core.DeliveryAttempt) bool { return attempt.Processor == id })
	return nil
}
