package inbound

import (
	"context"
	"maps"
	"slices"

	"github.com/eventflow-go/eventflow/core"
)

// List returns a page of sources, oldest first: those of the streams that a principal is
// narrowed to.
func (s *Sources) List(ctx context.Context, who core.Principal, cursor string, limit int) (core.Page[core.Source], error) {
	if err := core.Authorize(s.Authorizer, who, core.ActionReadSources, core.ID{}); err != nil {
		return core.Page[core.Source]{}, err
	}
	limit, err := core.PageLimit(limit)
	if err != nil {
		return core.Page[core.Source]{}, err
	}
	scope := append([]byte("sources\x00"), who.Org[:]...)
	after, err := core.ParseIDCursor(scope, cursor)
	if err != nil {
		return core.Page[core.Source]{}, err
	}
	var items []core.Source
	for len(items) <= limit {
		page, err := s.Catalog.Sources(ctx, who.Org, after, limit+1)
		if err != nil {
			return core.Page[core.Source]{}, core.StoreFailed(err)
		}
		for _, source := range page {
			if core.Narrowed(who, source.Stream) == nil {
				items = append(items, source)
			}
		}
		if len(page) <= limit {
			break
		}
		after = page[len(page)-1].ID
	}
	page := core.Cut(items, limit, func(last *core.Source) string { return core.IDCursor(scope, last.ID) })
	return page, s.addStatus(ctx, page.Items)
}

// Get returns a source by id.
func (s *Sources) Get(ctx context.Context, who core.Principal, id string) (core.Source, error) {
	source, err := s.find(ctx, who, id, core.ActionReadSources)
	if err != nil {
		return core.Source{}, err
	}
	one := []core.Source{source}
	err = s.addStatus(ctx, one)
	return one[0], err
}

// addStatus says of sources that fetch how they get on.
func (s *Sources) addStatus(ctx context.Context, sources []core.Source) error {
	feeds := map[core.ID]*core.FeedStatus{}
	for i := range sources {
		if sources[i].Preset.Fetches() {
			sources[i].Feed = &core.FeedStatus{}
			feeds[sources[i].ID] = sources[i].Feed
		}
	}
	if len(feeds) == 0 {
		return nil
	}
	notes, err := s.Catalog.FeedNotes(ctx, slices.Collect(maps.Keys(feeds)), s.Now().Add(-core.FeedNoteFor))
	for _, note := range notes {
		feeds[note.Source].Add(note)
	}
	return core.StoreFailed(err)
}

// Refusals returns what a source refused, newest first, [core.MaxRefusals] at most.
func (s *Sources) Refusals(ctx context.Context, who core.Principal, id string) ([]core.SourceRefusal, error) {
	source, err := s.find(ctx, who, id, core.ActionReadSources)
	if err != nil {
		return nil, err
	}
	refusals, err := s.Catalog.Refusals(ctx, source.ID)
	return refusals, core.StoreFailed(err)
}
