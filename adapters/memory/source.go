package memory

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

func ownSource(source core.Source) core.Source {
	source.Headers, source.Sealed = slices.Clone(source.Headers), bytes.Clone(source.Sealed)
	if source.Signature != nil {
		source.Signature = new(*source.Signature)
	}
	if source.From != nil {
		from := *source.From
		from.Settings = bytes.Clone(from.Settings)
		source.From = &from
	}
	source.CreatedAt, source.UpdatedAt = utc(source.CreatedAt), utc(source.UpdatedAt)
	return source
}

// storeSource stores a source whose name no other one of the organization has.
func (c *Catalog) storeSource(source core.Source) error {
	_, taken := find(c.sources, func(other core.Source) bool {
		return other.ID != source.ID && other.Org == source.Org && other.Name == source.Name && c.takesIn(other)
	})
	if taken {
		return core.Errorf(core.CodeConflict, "a source named %q already exists", source.Name)
	}
	c.sources[source.ID] = ownSource(source)
	return nil
}

// takesIn reports whether a source's stream is there.
func (c *Catalog) takesIn(source core.Source) bool { return c.streams[source.Stream].DeletedAt == nil }

// CreateSource implements [core.Sources].
func (c *Catalog) CreateSource(ctx context.Context, source core.Source) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	if _, taken := c.sources[source.ID]; taken {
		return errTaken
	}
	return c.storeSource(source)
}

// sourceOf returns a source of an organization.
func (c *Catalog) sourceOf(org, id core.ID) (core.Source, error) {
	source, ok := c.sources[id]
	if !ok || source.Org != org || !c.takesIn(source) {
		return core.Source{}, missing("source")
	}
	return source, nil
}

// Source implements [core.Sources].
func (c *Catalog) Source(ctx context.Context, org, id core.ID) (core.Source, error) {
	if err := c.enter(ctx); err != nil {
		return core.Source{}, err
	}
	defer c.mu.Unlock()
	source, err := c.sourceOf(org, id)
	return ownSource(source), err
}

// SourceByHash implements [core.Sources].
func (c *Catalog) SourceByHash(ctx context.Context, hash core.KeyHash) (core.Source, error) {
	if err := c.enter(ctx); err != nil {
		return core.Source{}, err
	}
	defer c.mu.Unlock()
	source, ok := find(c.sources, func(source core.Source) bool { return source.Hash == hash && c.takesIn(source) })
	if !ok {
		return core.Source{}, missing("source")
	}
	return ownSource(source), nil
}

// Sources implements [core.Sources].
func (c *Catalog) Sources(ctx context.Context, org, after core.ID, limit int) ([]core.Source, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	all := sorted(c.sources, func(source core.Source) bool {
		return byID(source.ID, after) > 0 && (org.IsZero() || source.Org == org) && c.takesIn(source)
	}, func(a, b core.Source) int { return byID(a.ID, b.ID) })
	return page(all, limit, ownSource), nil
}

// RunningFeeds implements [core.Sources].
func (c *Catalog) RunningFeeds(ctx context.Context, after core.ID, limit int) ([]core.Source, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	all := sorted(c.sources, func(source core.Source) bool {
		return byID(source.ID, after) > 0 && source.Preset.Fetches() && source.State == core.SourceRunning && c.takesIn(source)
	}, func(a, b core.Source) int { return byID(a.ID, b.ID) })
	return page(all, limit, ownSource), nil
}

// UpdateSource implements [core.Sources].
func (c *Catalog) UpdateSource(ctx context.Context, source core.Source) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	stored, err := c.sourceOf(source.Org, source.ID)
	if err != nil {
		return err
	}
	if stored.Revision != source.Revision-1 {
		return errMoved
	}
	source.Stream, source.Preset, source.CreatedBy, source.CreatedAt = stored.Stream, stored.Preset, stored.CreatedBy, stored.CreatedAt
	return c.storeSource(source)
}

// DeleteSource implements [core.Sources].
func (c *Catalog) DeleteSource(ctx context.Context, org, id core.ID) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	if _, err := c.sourceOf(org, id); err != nil {
		return err
	}
	delete(c.sources, id)
	maps.DeleteFunc(c.refusals, func(_ core.ID, refusal core.SourceRefusal) bool { return refusal.Source == id })
	maps.DeleteFunc(c.feedNotes, func(key feedKey, _ core.FeedNote) bool { return key.source == id })
	return nil
}

// AddRefusal implements [core.SourceRefusals].
func (c *Catalog) AddRefusal(ctx context.Context, refusal core.SourceRefusal) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	if _, ok := c.sources[refusal.Source]; !ok {
		return nil
	}
	refusal.At = utc(refusal.At)
	if err := add(c.refusals, refusal.ID, refusal); err != nil {
		return err
	}
	all := c.refusalsOf(refusal.Source)
	for _, old := range all[min(len(all), core.MaxRefusals):] {
		delete(c.refusals, old.ID)
	}
	return nil
}

// refusalsOf returns the refusals of a source, newest first.
func (c *Catalog) refusalsOf(source core.ID) []core.SourceRefusal {
	return sorted(c.refusals, func(refusal core.SourceRefusal) bool { return refusal.Source == source },
		func(a, b core.SourceRefusal) int { return byID(b.ID, a.ID) })
}

// Refusals implements [core.SourceRefusals].
func (c *Catalog) Refusals(ctx context.Context, source core.ID) ([]core.SourceRefusal, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	return c.refusalsOf(source), nil
}

// feedKey names a note: a node has one of each source.
type feedKey struct{ source, node core.ID }

func ownNote(note core.FeedNote) core.FeedNote {
	note.At, note.LastAt, note.ErrorAt = utc(note.At), utcOrNone(note.LastAt), utcOrNone(note.ErrorAt)
	return note
}

// NoteFeed implements [core.FeedNotes].
func (c *Catalog) NoteFeed(ctx context.Context, note core.FeedNote) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	if _, ok := c.sources[note.Source]; !ok {
		return nil
	}
	note = ownNote(note)
	maps.DeleteFunc(c.feedNotes, func(key feedKey, other core.FeedNote) bool {
		return key.source == note.Source && other.At.Before(note.At.Add(-core.FeedNoteFor))
	})
	c.feedNotes[feedKey{note.Source, note.Node}] = note
	return nil
}

// FeedNotes implements [core.FeedNotes].
func (c *Catalog) FeedNotes(ctx context.Context, sources []core.ID, since time.Time) (notes []core.FeedNote, err error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	for _, note := range c.feedNotes {
		if slices.Contains(sources, note.Source) && !note.At.Before(utc(since)) {
			notes = append(notes, ownNote(note))
		}
	}
	return notes, nil
}
