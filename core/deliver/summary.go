package deliver

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// How many a summary names.
const (
	summaryBusiest  = 5
	summaryFurthest = 6
)

// Summary counts what a principal's organization has.
func (c *Consumers) Summary(ctx context.Context, who core.Principal) (core.Summary, error) {
	if err := core.Authorize(c.authorizer, who, core.ActionReadGroups, core.ID{}); err != nil {
		return core.Summary{}, err
	}
	if len(who.Streams) > 0 { // few enough
		return c.summarize(ctx, who)
	}
	return c.summaries.get(ctx, who.Org, c.now, func(ctx context.Context) (core.Summary, error) { return c.summarize(ctx, who) })
}

func (c *Consumers) summarize(ctx context.Context, who core.Principal) (core.Summary, error) {
	count := &summing{now: c.now()}
	for query := (core.StreamQuery{Limit: core.MaxPageSize}); ; {
		page, err := c.streams.List(ctx, who, query)
		if err != nil {
			return core.Summary{}, err
		}
		ids := make([]core.ID, len(page.Items))
		for i := range page.Items {
			ids[i] = page.Items[i].ID
		}
		bounds, err := c.log.Bounds(ctx, ids)
		if err != nil {
			return core.Summary{}, core.StoreFailed(err)
		}
		count.streams(page.Items, bounds)
		if query.Cursor = page.NextCursor; !page.HasMore {
			break
		}
	}
	known := func([]core.GroupRecord) (map[core.ID]core.Bounds, error) { return count.bounds, nil }
	for group, err := range standings(ctx, c.store, core.GroupScan{Org: who.Org, Streams: who.Streams}, known) {
		if err != nil {
			return core.Summary{}, err
		}
		count.group(&group)
	}
	furthest, err := c.overviews(ctx, who, count.furthest())
	if err != nil {
		return core.Summary{}, err
	}
	count.sum.At, count.sum.Busiest, count.sum.Furthest = count.now.UTC(), count.busiest(), append([]core.GroupOverview{}, furthest...)
	return count.sum, nil
}

// summing is a summary in the making.
type summing struct {
	now    time.Time
	sum    core.Summary
	bounds map[core.ID]core.Bounds
	active []activeStream
	behind []laggingGroup
}

type activeStream struct {
	core.StreamName
	events core.Offset
}

type laggingGroup struct {
	record core.GroupRecord
	lag    int64
}

// streams adds streams with their bounds.
func (s *summing) streams(streams []core.Stream, bounds []core.Bounds) {
	if s.bounds == nil {
		s.bounds = make(map[core.ID]core.Bounds, len(streams))
	}
	for i, b := range bounds {
		s.bounds[streams[i].ID] = b
		s.sum.Streams++
		s.sum.Events += int64(b.Next - b.First)
		s.sum.Stored += int64(b.Next)
		if s.now.Sub(b.Last) < time.Hour {
			s.active = append(s.active, activeStream{core.StreamName{ID: streams[i].ID, Name: streams[i].Name}, b.Next - b.First})
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
	// Those that are not behind are listed, too, where there is room.
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

func (s *summing) furthest() (records []core.GroupRecord) {
	s.rank()
	for _, one := range s.behind {
		records = append(records, one.record)
	}
	return records
}

func (s *summing) busiest() []core.StreamName {
	names := make([]core.StreamName, len(s.active))
	for i := range s.active {
		names[i] = s.active[i].StreamName
	}
	return names
}

// A summary is kept for a moment, and twenty times as long as counting it took:
// who looks at a dashboard must not keep the databases busy. Counting goes on
// when whoever asked has given up, so that it ends once, however slow it is.
const (
	summaryFor   = 2 * time.Second
	summaryRest  = 20
	summaryBound = 2 * time.Minute
	// summariesKept bounds how many organizations' are.
	summariesKept = 1000
)

// summaries are those that were counted, by organization.
type summaries struct {
	mu sync.Mutex
	of map[core.ID]*keptSummary
}

// keptSummary is one, or one that is being counted.
type keptSummary struct {
	mu      sync.Mutex
	counted counted
	from    time.Time
	until   time.Time
	running chan struct{} // closed when counting ends; nil while nobody counts
}

type counted struct {
	sum core.Summary
	err error
}

// get returns what was counted a moment ago, or has it counted, which one does
// for all that ask.
func (s *summaries) get(ctx context.Context, org core.ID, now func() time.Time, count func(context.Context) (core.Summary, error)) (core.Summary, error) {
	kept := s.entry(org)
	kept.mu.Lock()
	if at := now(); !at.Before(kept.from) && at.Before(kept.until) { // a clock may be set back
		defer kept.mu.Unlock()
		return kept.counted.sum, nil
	}
	if kept.running == nil {
		kept.running = make(chan struct{})
		go kept.count(context.WithoutCancel(ctx), now, count)
	}
	running := kept.running
	kept.mu.Unlock()
	select {
	case <-running:
	case <-ctx.Done():
		return core.Summary{}, core.Unavailable(ctx.Err(), time.Second, "the streams are still being counted; ask again in a moment")
	}
	kept.mu.Lock()
	defer kept.mu.Unlock()
	return kept.counted.sum, kept.counted.err
}

func (k *keptSummary) count(ctx context.Context, now func() time.Time, count func(context.Context) (core.Summary, error)) {
	ctx, cancel := context.WithTimeout(ctx, summaryBound)
	defer cancel()
	begun := now()
	sum, err := count(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.counted = (counted{sum, err}); err == nil {
		k.from, k.until = begun, begun.Add(max(summaryFor, summaryRest*now().Sub(begun)))
	}
	close(k.running)
	k.running = nil
}

func (s *summaries) entry(org core.ID) *keptSummary {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.of[org]
	if kept == nil {
		if s.of == nil || len(s.of) >= summariesKept {
			s.of = map[core.ID]*keptSummary{}
		}
		kept = &keptSummary{}
		s.of[org] = kept
	}
	return kept
}
