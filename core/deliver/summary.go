package deliver

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

const (
	// summaryBusiest is how many of the busiest streams a summary names.
	summaryBusiest = 5
	// summaryFurthest is how many of the groups that are furthest behind it names.
	summaryFurthest = 6
)

// Summary counts the streams, events and groups of a principal's organization. The
// answer may be some seconds old. A principal that sees only some streams gets an
// answer of its own, which is not kept: it is counted fast, and is nobody else's.
//
// While shards are away it is an error, unless partial asks for what is known: then it says
// what is missing.
func (n *Numbers) Summary(ctx context.Context, who core.Principal, partial bool) (core.Summary, error) {
	if err := core.Authorize(n.authorizer, who, core.ActionReadGroups, core.ID{}); err != nil {
		return core.Summary{}, err
	}
	var found counted
	if len(who.Streams) > 0 {
		found = n.summarize(ctx, who)
	} else {
		found = n.summaries.get(ctx, who.Org, n.now, func(ctx context.Context) counted { return n.summarize(ctx, who) })
	}
	if found.err == nil && found.lacks != nil && !partial {
		return core.Summary{}, found.lacks
	}
	return found.sum, found.err
}

// summarize goes through all streams and then through all groups, in pages. It keeps
// no more of them than the bounds of the streams, which the groups are measured by,
// and the few that a summary names.
func (n *Numbers) summarize(ctx context.Context, who core.Principal) counted {
	count := &summing{now: n.now(), bounds: map[core.ID]core.Bounds{}}
	if err := n.countStreams(ctx, who, count); err != nil {
		return counted{err: err}
	}
	known := func([]core.GroupRecord) (map[core.ID]core.Bounds, error) { return count.bounds, nil }
	for group, err := range standings(ctx, n.groups, core.GroupScan{Org: who.Org, Streams: who.Streams}, known) {
		if err != nil {
			return counted{err: err}
		}
		count.group(&group)
	}
	furthest, err := n.overviews(ctx, who, count.furthest())
	if err != nil {
		return counted{err: err}
	}
	count.sum.At, count.sum.Busiest, count.sum.Furthest = count.now.UTC(), count.busiest(), append([]core.GroupOverview{}, furthest...)
	return counted{sum: count.sum, lacks: count.lacks}
}

// countStreams adds all streams that a principal may see. Those of a shard that is found to be
// away are not asked for again: it may hang.
func (n *Numbers) countStreams(ctx context.Context, who core.Principal, count *summing) error {
	for query := (core.StreamQuery{Limit: core.MaxPageSize}); ; {
		page, err := n.streams.List(ctx, who, query)
		if err != nil {
			return err
		}
		ids := make([]core.ID, 0, len(page.Items))
		for i := range page.Items {
			if !count.away(page.Items[i].Shard) {
				ids = append(ids, page.Items[i].ID)
			}
		}
		var reach map[core.ID]core.Bounds
		if len(ids) > 0 {
			var part error
			if reach, part, err = askBounds(ctx, n.log, ids); err != nil {
				return err
			}
			count.lacks = cmp.Or(count.lacks, part)
		}
		count.streams(page.Items, reach)
		if query.Cursor = page.NextCursor; !page.HasMore {
			return nil
		}
	}
}

// summing is a summary in the making.
type summing struct {
	now time.Time
	sum core.Summary
	// bounds are of all streams that were counted, and are not missing. A group of another
	// stream is none of the principal's.
	bounds map[core.ID]core.Bounds
	// active are the fullest of the active streams so far. behind are the groups with
	// the highest lag so far, and some more until they are ranked.
	active []activeStream
	behind []laggingGroup
	// lacks is why a part is missing, nil where none is.
	lacks error
}

// activeStream is a stream that got an event within the last hour.
type activeStream struct {
	core.StreamName
	events core.Offset
}

// laggingGroup is a group with its lag, which may be 0.
type laggingGroup struct {
	record core.GroupRecord
	lag    int64
}

// away reports whether streams of a shard are missing already.
func (s *summing) away(shard int) bool {
	return s.sum.Missing != nil && slices.Contains(s.sum.Missing.Shards, shard)
}

// streams adds a page of streams with their bounds, which the missing ones do not have.
func (s *summing) streams(streams []core.Stream, reach map[core.ID]core.Bounds) {
	for i := range streams {
		stream := &streams[i]
		s.sum.Streams++
		b, known := reach[stream.ID]
		if !known {
			if s.sum.Missing == nil {
				s.sum.Missing = &core.Missing{}
			}
			s.sum.Missing.Add(stream)
			continue
		}
		s.bounds[stream.ID] = b
		s.sum.Events += int64(b.Next - b.First)
		s.sum.Stored += int64(b.Next)
		if s.now.Sub(b.Last) < time.Hour {
			s.active = append(s.active, activeStream{core.StreamName{ID: stream.ID, Name: stream.Name}, b.Next - b.First})
		}
	}
	slices.SortStableFunc(s.active, func(a, b activeStream) int { return cmp.Compare(b.events, a.events) })
	s.active = s.active[:min(len(s.active), summaryBusiest)]
}

// group adds a group.
func (s *summing) group(group *standing) {
	s.sum.Groups++
	s.sum.DeadLetters += group.DeadLetters
	s.sum.Consumed = s.sum.Consumed || !group.state.CommittedAt.IsZero()
	lag := group.lag()
	if s.sum.Lag += lag; lag > 0 {
		s.sum.Behind++
	}
	// Groups that are not behind are listed, too, where there is room. Ranking only
	// now and then keeps a hundred thousand groups cheap.
	s.behind = append(s.behind, laggingGroup{group.GroupRecord, lag})
	if len(s.behind) > 2*summaryFurthest {
		s.rank()
	}
}

// rank keeps the groups with the highest lag, the highest first.
func (s *summing) rank() {
	slices.SortStableFunc(s.behind, func(a, b laggingGroup) int { return cmp.Compare(b.lag, a.lag) })
	s.behind = s.behind[:min(len(s.behind), summaryFurthest)]
}

// furthest returns the groups that are furthest behind, the furthest first.
func (s *summing) furthest() (records []core.GroupRecord) {
	s.rank()
	for _, one := range s.behind {
		records = append(records, one.record)
	}
	return records
}

// busiest returns the active streams that hold the most events, the fullest first.
func (s *summing) busiest() []core.StreamName {
	names := make([]core.StreamName, len(s.active))
	for i := range s.active {
		names[i] = s.active[i].StreamName
	}
	return names
}
