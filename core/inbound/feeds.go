package inbound

import (
	"context"
	"encoding/json"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// feedLook is how often a node looks which feeds are to be fetched. So a change on another
// node shows after it.
const feedLook = 2 * time.Second

// setFrom checks what somebody says about what a source fetches. Without a word it stays.
func (s *Sources) setFrom(source *core.Source, kept *secrets, given json.RawMessage) error {
	if len(given) == 0 || string(given) == "null" {
		return nil
	}
	connector := s.Feeds[source.Preset]
	switch {
	case connector == nil && source.Preset.Fetches():
		return core.Invalid("preset", "this server cannot fetch from %s", source.Preset)
	case connector == nil:
		source.From = &core.Destination{} // which the preset is refused with
		return nil
	case len(given) > core.MaxDestinationBytes:
		return core.Invalid("from", "must have at most %d bytes", core.MaxDestinationBytes)
	case given[0] != '{':
		return core.Invalid("from", "must be an object")
	}
	former := core.Destination{Type: string(source.Preset)}
	if source.From != nil {
		former.Settings, former.Secrets = source.From.Settings, kept.From
	}
	from, err := connector.Check(given, former)
	if err != nil {
		return core.Under(err, "from.")
	}
	kept.From, from.Secrets = from.Secrets, nil
	source.From = &from
	return nil
}

// roomForFeed refuses a source that fetches where the organization has too many.
func (s *Sources) roomForFeed(ctx context.Context, source *core.Source) error {
	if !source.Preset.Fetches() {
		return nil
	}
	n := 0
	for after := (core.ID{}); ; {
		page, err := s.Catalog.Sources(ctx, source.Org, after, core.MaxPageSize)
		if err != nil {
			return core.StoreFailed(err)
		}
		for i := range page {
			if after = page[i].ID; page[i].Preset.Fetches() {
				n++
			}
		}
		switch {
		case n >= core.MaxFeeds:
			return core.Errorf(core.CodeConflict, "the organization has %d sources that fetch, which is the most; delete one, or have one fetch several topics", n)
		case len(page) < core.MaxPageSize:
			return nil
		}
	}
}

// wake has Fetch look at once.
func (s *Sources) wake() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Fetch has this node fetch what sources hold that have to be fetched, until ctx ends. Every
// node does: the systems share their messages out among those who fetch.
func (s *Sources) Fetch(ctx context.Context, ran core.Ran) {
	ticker := time.NewTicker(feedLook)
	defer ticker.Stop()
	feedings := map[core.ID]*feeding{}
	for ctx.Err() == nil {
		err := s.lookForFeeds(ctx, feedings)
		if ctx.Err() == nil {
			ran.Tell("feeds", err)
		}
		if err != nil && ctx.Err() == nil {
			s.Logger.Warn("looking for sources that fetch failed; it will be tried again", "error", err)
		}
		for _, f := range feedings {
			f.tell(ctx)
		}
		select {
		case <-ticker.C:
		case <-s.changed:
		case <-ctx.Done():
		}
	}
	for _, f := range feedings {
		f.end()
	}
	for _, f := range feedings {
		<-f.ended
	}
}

// lookForFeeds begins to fetch what is to be fetched, and ends what is not or has changed.
func (s *Sources) lookForFeeds(ctx context.Context, feedings map[core.ID]*feeding) error {
	running := map[core.ID]core.Source{}
	for after := (core.ID{}); ; {
		page, err := s.Catalog.RunningFeeds(ctx, after, core.MaxPageSize)
		if err != nil {
			return err
		}
		for i := range page {
			running[page[i].ID], after = page[i], page[i].ID
		}
		if len(page) < core.MaxPageSize {
			break
		}
	}
	for id, f := range feedings {
		if source, runs := running[id]; !runs || source.Revision != f.Revision {
			f.end()
		}
		select {
		case <-f.ended:
			delete(feedings, id)
		default: // the next look finds it ended
		}
	}
	for id, source := range running {
		if feedings[id] == nil {
			feedings[id] = s.feed(s.opened(ctx, source))
		}
	}
	return nil
}

// feed begins to fetch for a source.
func (s *Sources) feed(open *Open) *feeding {
	ctx, end := context.WithCancel(core.ContextWithOrganization(context.Background(), open.Org))
	f := &feeding{Open: open, sources: s, end: end, ended: make(chan struct{})}
	go f.run(ctx)
	return f
}
