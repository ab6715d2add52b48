package ui

import (
	"context"
	"time"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// spread is how many events came when. A stream without an event has no counts.
type spread struct {
	core.Histogram
	step time.Duration
	// begin is when reading begins. It is zero where reading begins at an end of the
	// stream.
	begin time.Time
}

// steps are the times that a bar may stand for.
var steps = []time.Duration{
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, day, 2 * day, 7 * day, 14 * day, 30 * day, 90 * day,
}

const day = 24 * time.Hour

// The numbers of bars that a histogram has at least and, except for one more at each
// end, at most.
const (
	fewestBars = 24
	mostBars   = 60
)

// spreadOf counts a stream's events over a time of a length, around the beginning of a
// scope. With long 0 it is all time.
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

// firstTime is when the first event of a query came. It is zero if there is none.
func firstTime(ctx context.Context, client *rest.Client, stream string, query core.EventQuery) (time.Time, error) {
	query.Limit = 1
	page, err := client.EventsPage(ctx, stream, query)
	if err != nil || len(page.Items) == 0 {
		return time.Time{}, err
	}
	return page.Items[0].ReceivedAt, nil
}

// window returns the time to show: all of it if long is 0, or as long a part, at the
// end of the stream or around the time where reading begins. It never reaches into
// the future.
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

// inSteps chooses a step and widens a time to whole steps, as a clock in the user's
// zone shows them.
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

// edge is when a bar begins.
func (s *spread) edge(bar int) time.Time { return s.From.Add(time.Duration(bar) * s.step) }

// write writes a time as precisely as the bars need it.
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
