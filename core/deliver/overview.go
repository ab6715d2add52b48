package deliver

import (
	"context"

	"github.com/eventflow-go/eventflow/core"
)

// Overview is [eventlog.Streams.List] with numbers: how much each stream holds, how
// many groups read it, and how far the last of them is behind. Streams whose shard is away
// are listed all the same, without numbers, so that people find the others.
func (n *Numbers) Overview(ctx context.Context, who core.Principal, query core.StreamQuery) (core.Page[core.StreamOverview], error) {
	if err := core.Authorize(n.authorizer, who, core.ActionReadGroups, core.ID{}); err != nil {
		return core.Page[core.StreamOverview]{}, err
	}
	page, err := n.streams.List(ctx, who, query)
	if err != nil || len(page.Items) == 0 {
		return core.Page[core.StreamOverview]{}, err
	}
	overview := core.Page[core.StreamOverview]{NextCursor: page.NextCursor, HasMore: page.HasMore, Items: make([]core.StreamOverview, len(page.Items))}
	ids := make([]core.ID, len(page.Items))
	for i, stream := range page.Items {
		ids[i] = stream.ID
	}
	// One question to the log for all streams of the page, and one pass over their
	// groups.
	reach, err := boundsOf(ctx, n.log, ids)
	if err != nil {
		return core.Page[core.StreamOverview]{}, err
	}
	at := make(map[core.ID]*core.StreamOverview, len(ids))
	for i := range overview.Items {
		bounds, known := reach[ids[i]]
		overview.Items[i] = core.StreamOverview{Stream: page.Items[i], Unavailable: !known}
		if known {
			overview.Items[i].Stats = core.StatsOf(bounds)
		}
		at[ids[i]] = &overview.Items[i]
	}
	known := func([]core.GroupRecord) (map[core.ID]core.Bounds, error) { return reach, nil }
	for group, err := range standings(ctx, n.groups, core.GroupScan{Org: who.Org, Streams: ids}, known) {
		if err != nil {
			return core.Page[core.StreamOverview]{}, err
		}
		item := at[group.Group.Stream]
		item.Groups++
		item.Lag = max(item.Lag, group.lag())
		item.DeadLetters += group.DeadLetters
	}
	return overview, nil
}

// AllGroups returns the groups of all streams that a principal may read, each with how
// far it got. They come in the order of their ids, in pages. Those of a shard that is away are
// listed, too, and say so.
func (n *Numbers) AllGroups(ctx context.Context, who core.Principal, cursor string, limit int) (page core.Page[core.GroupOverview], err error) {
	if err := core.Authorize(n.authorizer, who, core.ActionReadGroups, core.ID{}); err != nil {
		return page, err
	}
	if limit, err = core.PageLimit(limit); err != nil {
		return page, err
	}
	// One more than asked for says whether there is another page.
	scan := core.GroupScan{Org: who.Org, Streams: who.Streams, Limit: limit + 1}
	scope := append([]byte("groups\x00"), who.Org[:]...)
	if scan.After, err = core.ParseIDCursor(scope, cursor); err != nil {
		return page, err
	}
	records, err := n.groups.AllGroups(ctx, scan)
	if err != nil {
		return page, core.StoreFailed(err)
	}
	found := core.Cut(records, limit, func(last *core.GroupRecord) string { return core.IDCursor(scope, last.Group.ID) })
	page.NextCursor, page.HasMore = found.NextCursor, found.HasMore
	page.Items, err = n.overviews(ctx, who, found.Items)
	return page, err
}

// overviews adds to groups the names of their streams and how far they got. A group
// whose stream is deleted is left out.
func (n *Numbers) overviews(ctx context.Context, who core.Principal, records []core.GroupRecord) (items []core.GroupOverview, err error) {
	there := make([]core.GroupRecord, 0, len(records))
	for i := range records {
		group := &records[i].Group
		stream, err := n.streams.Open(ctx, who, group.Stream.String(), core.ActionReadGroups)
		if core.CodeOf(err) == core.CodeNotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		there = append(there, records[i])
		items = append(items, core.GroupOverview{Group: *group, StreamName: stream.Name})
	}
	statuses, unavailable, err := statusesOf(ctx, n.log, n.streams.Archive, there, n.now())
	if err != nil {
		return nil, err
	}
	for i := range items {
		items[i].Status, items[i].Unavailable = statuses[i], unavailable[i]
	}
	return items, nil
}
