package eventlog

import (
	"context"
	"slices"
	"strings"

	"github.com/eventflow-go/eventflow/core"
)

// List returns a page of streams, in the order of their names.
func (s *Streams) List(ctx context.Context, who core.Principal, query core.StreamQuery) (core.Page[core.Stream], error) {
	if err := core.Authorize(s.Authorizer, who, core.ActionReadStreams, core.ID{}); err != nil {
		return core.Page[core.Stream]{}, err
	}
	limit, err := core.PageLimit(query.Limit)
	if err != nil {
		return core.Page[core.Stream]{}, err
	}
	if err := core.CheckText("prefix", query.Prefix, 0, core.MaxStreamNameLength); err != nil {
		return core.Page[core.Stream]{}, err
	}
	after, err := parseNameCursor(who.Org, query)
	if err != nil {
		return core.Page[core.Stream]{}, err
	}
	items, err := s.listed(ctx, who, query, after, limit+1)
	if err != nil {
		return core.Page[core.Stream]{}, err
	}
	return core.Cut(items, limit, func(last *core.Stream) string { return nameCursor(who.Org, query.Prefix, last.Name) }), nil
}

// listed returns streams of a query whose names come after a name: at least enough
// of them, or all that are left.
func (s *Streams) listed(ctx context.Context, who core.Principal, query core.StreamQuery, after string, enough int) (items []core.Stream, err error) {
	if len(who.Streams) > 0 {
		return s.narrowed(ctx, who, query.Prefix, after)
	}
	if after == "" {
		// In byte order the names that begin with the prefix come right after it. The
		// prefix itself may be a name, too, and is no name after itself.
		after = query.Prefix
		items, err = s.named(ctx, who, query.Prefix)
	}
	for err == nil && len(items) < enough {
		var page []core.Stream
		page, err = s.Catalog.Streams(ctx, who.Org, after, enough)
		for _, stream := range page {
			if !strings.HasPrefix(stream.Name, query.Prefix) {
				return items, core.StoreFailed(err)
			}
			items = append(items, stream)
		}
		if len(page) < enough {
			break
		}
		after = page[len(page)-1].Name
	}
	return items, core.StoreFailed(err)
}

// named returns the stream of exactly this name, or nothing.
func (s *Streams) named(ctx context.Context, who core.Principal, name string) (items []core.Stream, err error) {
	stream, err := s.Find(ctx, who.Org, name)
	switch {
	case core.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, err
	case stream.Name == name:
		items = append(items, stream)
	}
	return items, nil
}

// narrowed is listed for a principal that is limited to some streams. It looks up
// these few instead of going through all.
func (s *Streams) narrowed(ctx context.Context, who core.Principal, prefix, after string) (items []core.Stream, err error) {
	for _, id := range who.Streams {
		stream, err := s.Find(ctx, who.Org, id.String())
		switch {
		case core.IsNotFound(err): // it is deleted
		case err != nil:
			return nil, core.StoreFailed(err)
		case strings.HasPrefix(stream.Name, prefix) && stream.Name > after:
			items = append(items, stream)
		}
	}
	slices.SortFunc(items, func(a, b core.Stream) int { return strings.Compare(a.Name, b.Name) })
	return items, nil
}

// onShards names the streams that a principal may see on shards that are away, nil if there
// are none.
func (s *Streams) onShards(ctx context.Context, who core.Principal, shards []int) (*core.Missing, error) {
	missing := &core.Missing{}
	for after := ""; ; {
		page, err := s.listed(ctx, who, core.StreamQuery{}, after, core.MaxPageSize)
		if err != nil {
			return nil, core.StoreFailed(err)
		}
		for i := range page {
			if slices.Contains(shards, page[i].Shard) {
				missing.Add(&page[i])
			}
		}
		if missing.More {
			missing.Shards = slices.Clone(shards) // those of streams that were not looked at are among them
		}
		if len(page) < core.MaxPageSize || missing.More || len(who.Streams) > 0 {
			break
		}
		after = page[len(page)-1].Name
	}
	if len(missing.Streams) == 0 {
		return nil, nil
	}
	return missing, nil
}

// nameCursor seals the name of a page's last stream.
func nameCursor(org core.ID, prefix, name string) string {
	return core.SealCursor(nameScope(org, prefix), []byte(name))
}

func nameScope(org core.ID, prefix string) []byte {
	return append(append([]byte("streams\x00"), org[:]...), prefix...)
}

func parseNameCursor(org core.ID, query core.StreamQuery) (string, error) {
	if query.Cursor == "" {
		return "", nil
	}
	place, err := core.OpenCursor(nameScope(org, query.Prefix), query.Cursor)
	if err != nil || core.CheckName(string(place)) != nil || !strings.HasPrefix(string(place), query.Prefix) {
		return "", core.ErrBadCursor
	}
	return string(place), nil
}
