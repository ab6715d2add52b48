package deliver

import (
	"context"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

const (
	// summaryFor is how long a summary is kept at least.
	summaryFor = 2 * time.Second
	// summaryRest is how many times as long a summary is kept as counting it took, so
	// that counting takes a twentieth of a database's time at most, however many
	// people look at dashboards.
	summaryRest = 20
	// summaryPart is how long a summary that lacks something is kept at most: what took
	// long may have been a shard that hangs, and it may be back.
	summaryPart = 10 * time.Second
	// summaryBound bounds one count.
	summaryBound = 2 * time.Minute
	// summariesKept bounds the organizations whose summaries are kept.
	summariesKept = 1000
)

// summaries are the summaries that were counted a moment ago, by organization. One
// goroutine counts for all who ask, and goes on when they have given up, so that a
// slow count comes to its end and serves the next who ask.
type summaries struct {
	// mu guards the map alone. Each summary has a lock of its own, so that a slow
	// organization does not hold up the others.
	mu sync.Mutex
	of map[core.ID]*keptSummary
}

// keptSummary is the summary of one organization, which may be being counted.
type keptSummary struct {
	// mu guards the fields below. It is not held while somebody counts.
	mu sync.Mutex
	// counted is good between from and until. An error is never good: it answers the
	// callers who waited for it, and the next one has everything counted anew.
	counted counted
	from    time.Time
	until   time.Time
	// running is closed when counting ends; it is nil while nobody counts.
	running chan struct{}
}

// counted is how counting ended.
type counted struct {
	sum core.Summary
	err error
	// lacks is why a part is missing in the sum, nil where none is.
	lacks error
}

// get returns the summary that was counted a moment ago, or has it counted and waits
// for that, as long as ctx lasts.
func (s *summaries) get(ctx context.Context, org core.ID, now func() time.Time, count func(context.Context) counted) counted {
	kept := s.entry(org)
	kept.mu.Lock()
	// The time before from does not count either: a clock may have been set back, and
	// the summary would be kept until it has caught up.
	if at := now(); !at.Before(kept.from) && at.Before(kept.until) {
		defer kept.mu.Unlock()
		return kept.counted
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
		return counted{err: core.Unavailable(ctx.Err(), time.Second, "the streams are still being counted; ask again in a moment")}
	}
	kept.mu.Lock()
	defer kept.mu.Unlock()
	return kept.counted
}

// count counts once and tells all who wait.
func (k *keptSummary) count(ctx context.Context, now func() time.Time, count func(context.Context) counted) {
	ctx, cancel := context.WithTimeout(ctx, summaryBound)
	defer cancel()
	begun := now()
	found := count(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.counted = found; found.err == nil {
		keep := max(summaryFor, summaryRest*now().Sub(begun))
		if found.lacks != nil {
			keep = min(keep, summaryPart)
		}
		k.from, k.until = begun, begun.Add(keep)
	}
	close(k.running)
	k.running = nil
}

// entry returns the place of an organization's summary. A full map is emptied: that
// costs each organization one count, and happens to very large installations only.
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
