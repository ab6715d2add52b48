package ui

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/eventflow-go/eventflow/core"
)

// A histogram shows what is read: an end of the stream, or the time around where
// reading begins.
func TestTheHistogramIsAboutWhatIsRead(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 6, 12, 0, 0, 0, time.UTC)
	first, begin := now.Add(-10*day), now.Add(-2*day)
	for name, c := range map[string]struct {
		kind      scopeKind
		long      time.Duration
		begin     time.Time
		low, high time.Time
	}{
		"all":              {scopeNewest, 0, time.Time{}, first, now},
		"the newest":       {scopeNewest, time.Hour, time.Time{}, now.Add(-time.Hour), now},
		"the oldest":       {scopeOldest, time.Hour, time.Time{}, first, first.Add(time.Hour)},
		"around a time":    {scopeTime, time.Hour, begin, begin.Add(-time.Hour / 2), begin.Add(time.Hour / 2)},
		"around an offset": {scopeOffset, day, begin, begin.Add(-day / 2), begin.Add(day / 2)},
		"never the future": {scopeTime, day, now.Add(-time.Hour), now.Add(-day), now},
		"no such offset":   {scopeOffset, day, time.Time{}, now.Add(-day), now},
	} {
		low, high := window(c.kind, c.long, first, c.begin, now)
		require.Equal(t, c.low, low, name)
		require.Equal(t, c.high, high, name)
	}
}

func TestBarsStandForWholeSteps(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		zone := time.FixedZone("", rapid.SampledFrom([]int{0, 3600, -5 * 3600, 19800}).Draw(t, "zone"))
		high := time.UnixMicro(rapid.Int64Range(1e15, 2e15).Draw(t, "high")).In(zone)
		low := high.Add(-time.Duration(rapid.Int64Range(0, int64(2000*day)).Draw(t, "long")))
		from, to, step := inSteps(low, high)
		bars := int(to.Sub(from) / step)
		require.Equal(t, from.Add(time.Duration(bars)*step), to)
		require.False(t, from.After(low))
		require.True(t, to.After(high))
		require.GreaterOrEqual(t, bars, fewestBars)
		require.LessOrEqual(t, bars, mostBars+2)
		if step <= day {
			_, offset := from.In(zone).Zone()
			require.Zero(t, (from.Unix()+int64(offset))%int64(step.Seconds()), "as a clock shows it")
		}
	})
}

func TestTimesOfBarsAreAsFineAsTheBars(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 1, 2, 9, 0, 0, 0, time.Local)
	for step, want := range map[time.Duration]string{time.Second: "09:00:30", time.Minute: "09:00", 30 * day: "Jan 2 2026"} {
		shown := spread{Histogram: core.Histogram{From: from, To: from.Add(time.Hour)}, step: step}
		require.Equal(t, want, shown.write(from.Add(30*time.Second)))
	}
	shown := spread{Histogram: core.Histogram{From: from, To: from.Add(2 * day)}, step: time.Hour}
	require.Equal(t, "Jan 2 09:00", shown.write(from))
}
