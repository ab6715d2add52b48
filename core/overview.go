package core

import (
	"context"
	"time"
)

// StreamOverview is a stream with what it holds and how its groups keep up.
type StreamOverview struct {
	Stream
	Stats StreamStats `json:"stats"`
	// Groups is how many groups read the stream, Lag the highest of theirs,
	// DeadLetters the sum.
	Groups      int   `json:"groups"`
	Lag         int64 `json:"lag"`
	DeadLetters int64 `json:"dead_letters"`
}

// Overview is [Streams.List] with numbers.
func (c *Consumers) Overview(ctx context.Context, who Principal, query StreamQuery) (Page[StreamOverview], error) {
	if err := authorize(c.streams.authorizer, who, ActionReadGroups, ID{}); err != nil {
		return Page[StreamOverview]{}, err
	}
	page, err := c.streams.List(ctx, who, query)
	if err != nil || len(page.Items) == 0 {
		return Page[StreamOverview]{}, err
	}
	overview := Page[StreamOverview]{NextCursor: page.NextCursor, HasMore: page.HasMore, Items: make([]StreamOverview, len(page.Items))}
	ids := make([]ID, len(page.Items))
	for i, stream := range page.Items {
		ids[i] = stream.ID
	}
	reach, err := boundsOf(ctx, c.log, ids)
	if err != nil {
		return Page[StreamOverview]{}, err
	}
	at := make(map[ID]*StreamOverview, len(ids))
	for i := range overview.Items {
		overview.Items[i] = StreamOverview{Stream: page.Items[i], Stats: statsOf(reach[ids[i]])}
		at[ids[i]] = &overview.Items[i]
	}
	known := func([]GroupRecord) (map[ID]Bounds, error) { return reach, nil }
	for group, err := range standings(ctx, c.store, GroupScan{Org: who.Org, Streams: ids}, known) {
		if err != nil {
			return Page[StreamOverview]{}, err
		}
		item := at[group.Group.Stream]
		item.Groups++
		item.Lag = max(item.Lag, group.lag())
		item.DeadLetters += group.DeadLetters
	}
	return overview, nil
}

// GroupOverview is a group with its stream's name and how far it got.
type GroupOverview struct {
	Group
	StreamName string      `json:"stream_name"`
	Status     GroupStatus `json:"status"`
}

// AllGroups returns the groups of all streams that a principal may read, by id.
func (c *Consumers) AllGroups(ctx context.Context, who Principal, cursor string, limit int) (page Page[GroupOverview], err error) {
	if err := authorize(c.streams.authorizer, who, ActionReadGroups, ID{}); err != nil {
		return page, err
	}
	if limit, err = pageLimit(limit); err != nil {
		return page, err
	}
	scan := GroupScan{Org: who.Org, Streams: who.Streams, Limit: limit + 1}
	scope := append([]byte("groups\x00"), who.Org[:]...)
	if scan.After, err = parseIDCursor(scope, cursor); err != nil {
		return page, err
	}
	records, err := c.store.AllGroups(ctx, scan)
	if err != nil {
		return page, StoreFailed(err)
	}
	found := cut(records, limit, func(last *GroupRecord) string { return idCursor(scope, last.Group.ID) })
	page.NextCursor, page.HasMore = found.NextCursor, found.HasMore
	page.Items, err = c.overviews(ctx, who, found.Items)
	return page, err
}

func (c *Consumers) overviews(ctx context.Context, who Principal, records []GroupRecord) (items []GroupOverview, err error) {
	for i := range records {
		group := &records[i].Group
		stream, err := c.streams.open(ctx, who, group.Stream.String(), ActionReadGroups)
		if CodeOf(err) == CodeNotFound {
			continue // the stream is deleted
		}
		if err != nil {
			return nil, err
		}
		status, err := c.statusOf(ctx, group, records[i].Progress, records[i].DeadLetters)
		if err != nil {
			return nil, StoreFailed(err)
		}
		items = append(items, GroupOverview{Group: *group, StreamName: stream.Name, Status: status})
	}
	return items, nil
}

// MaxHistogramBuckets bounds a histogram.
const MaxHistogramBuckets = 240

// Histogram is how many events a stream received, by time.
type Histogram struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Counts are the numbers of events of equal parts of the time from From to To.
	Counts []int64 `json:"counts"`
}

// Histogram counts a stream's events by the time of their receipt.
func (q *Query) Histogram(ctx context.Context, who Principal, ref string, from, to time.Time, buckets int) (Histogram, error) {
	stream, err := q.streams.open(ctx, who, ref, ActionReadEvents)
	if err != nil {
		return Histogram{}, err
	}
	if buckets < 1 || buckets > MaxHistogramBuckets {
		return Histogram{}, Invalid("buckets", "must be 1 to %d", MaxHistogramBuckets)
	}
	if !from.Before(to) {
		return Histogram{}, Invalid("from", "must be before to")
	}
	h := Histogram{From: from.UTC(), To: to.UTC(), Counts: make([]int64, buckets)}
	width := to.Sub(from)
	before, err := q.log.OffsetAt(ctx, stream.ID, from)
	if err != nil {
		return Histogram{}, StoreFailed(err)
	}
	for i := range buckets {
		// The last edge is to itself, whatever rounding makes of the others.
		edge := from.Add(time.Duration(float64(width) * float64(i+1) / float64(buckets)))
		if i == buckets-1 {
			edge = to
		}
		at, err := q.log.OffsetAt(ctx, stream.ID, edge)
		if err != nil {
			return Histogram{}, StoreFailed(err)
		}
		h.Counts[i], before = int64(max(at, before)-before), max(at, before)
	}
	return h, nil
}
