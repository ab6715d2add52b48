package ui

import (
	"context"
	"time"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// spread is how events spread over a time. It has no counts where there is no
// event.
type spread struct {
	core.Histogram
	step time.Duration
	// begin is where reading begins, zero where that is an end of the stream.
	begin time.Time
}

// steps are how much of the time a bar may stand for.
var steps = []time.Duration{
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, day, 2 * day, 7 * day, 14 * day, 30 * day, 90 * day,
}

const day = 24 * time.Hour

// The fewest and, but for one at each end, the most bars.
const (
	fewestBars = 24
	mostBars   = 60
)

// spreadOf counts a stream's events around where a scope begins.
func spreadOf(ctx context.Context, client *rest.Client, stream string, from scope, long time.Duration) (spread, error) {
	first, err := firstTime(ctx, client, stream, core.EventQuery{})
	if err != nil || first.IsZero() {
		return spread{}, err
	}
	var begin time.Time
	if from.kind.placed() {
		var query core.EventQuery
		if err := from.apply(&query); err != nil {
			return spread{}, err
		}
		if begin = query.From; from.kind == scopeOffset {
			begin, err = firstTime(ctx, client, stream, query)
		}
		if err != nil {
			return spread{}, err
		}
	}
	low, high := window(from.kind, long, first, begin, time.Now())
	low, high, step := inSteps(low, high)
	counts, err := client.Histogram(ctx, stream, low, high, int(high.Sub(low)/step))
	return spread{counts, step, begin}, err
}

// firstTime is when the first event of a query came, zero when there is none.
func firstTime(ctx context.Context, client *rest.Client, stream string, query core.EventQuery) (time.Time, error) {
	query.Limit = 1
	page, err := client.EventsPage(ctx, stream, query)
	if err != nil || len(page.Items) == 0 {
		return time.Time{}, err
	}
	return page.Items[0].ReceivedAt, nil
}

// window is the time that is shown: all that is kept, or so long a part of it as
// was chosen, at that end or around that time where reading begins.
func window(kind scopeKind, long time.Duration, first, begin, now time.Time) (low, high time.Time) {
	if long == 0 {
		return first, now
	}
	high = now
	switch {
	case kind == scopeOldest:
		high = first.Add(long)
	case !begin.IsZero():
		high = begin.Add(long / 2)
	}
	if high.After(now) {
		high = now
	}
	return high.Add(-long), high
}

// inSteps widens a time to whole steps, as a clock shows them in the user's
// zone.
func inSteps(low, high time.Time) (from, to time.Time, step time.Duration) {
	step = steps[len(steps)-1]
	for _, one := range steps {
		if high.Sub(low) <= mostBars*one {
			step = one
			break
		}
	}
	_, seconds := high.Zone()
	zone := time.Duration(seconds) * time.Second
	floor := func(t time.Time) time.Time { return t.Add(zone).Truncate(step).Add(-zone) }
	from, to = floor(low), floor(high).Add(step)
	if few := to.Add(-fewestBars * step); few.Before(from) {
		from = few
	}
	return from, to, step
}

// edge is where a bar begins.
func (s *spread) edge(bar int) time.Time { return s.From.Add(time.Duration(bar) * s.step) }

// write writes a time as finely as the bars need it.
func (s *spread) write(at time.Time) string {
	at = at.Local()
	clock := "15:04"
	if s.step < time.Minute {
		clock = "15:04:05"
	}
	switch {
	case s.step >= day:
		return at.Format("Jan 2 2006")
	case s.From.Local().Format(time.DateOnly) != s.To.Local().Format(time.DateOnly):
		return at.Format("Jan 2 " + clock)
	}
	return at.Format(clock)
}
