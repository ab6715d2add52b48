package metrics_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/metrics"
	"github.com/eventflow-go/eventflow/core"
)

func lag(stream, group string) string {
	return fmt.Sprintf("eventflow_consumer_lag_events{group=%q,stream=%q}", group, stream)
}

// counting returns metrics over a census of a test's.
func counting(census func(context.Context) ([]core.GroupCensus, error)) (*metrics.Metrics, *bytes.Buffer) {
	m, said := metrics.New(), &bytes.Buffer{}
	m.Groups(census, slog.New(slog.NewTextHandler(said, nil)))
	return m, said
}

// The groups are counted at most every ten seconds. While counting fails there are no
// values, and the age says since when.
func TestGroupsAreCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked, broken := 0, error(nil)
		m, said := counting(func(context.Context) ([]core.GroupCensus, error) {
			asked++
			return []core.GroupCensus{{Stream: core.ID{5}, Name: "mail", Lag: int64(asked), DeadLetters: 7}}, broken
		})
		stream := core.ID{5}.String()
		for range 3 {
			require.Equal(t, map[string]float64{lag(stream, "mail"): 1}, series(t, m, "eventflow_consumer_lag_events"))
		}
		require.Len(t, series(t, m, "eventflow_dead_letters"), 1)
		require.InDelta(t, 1, series(t, m, "eventflow_consumer_groups")["eventflow_consumer_groups"], 0)
		time.Sleep(10 * time.Second)
		require.Equal(t, map[string]float64{lag(stream, "mail"): 2}, series(t, m, "eventflow_consumer_lag_events"))
		broken = errors.New("no such table")
		time.Sleep(10 * time.Second)
		require.Empty(t, series(t, m, "eventflow_consumer_lag_events"))
		require.Empty(t, series(t, m, "eventflow_consumer_groups"))
		require.Contains(t, said.String(), "no such table")
		require.Equal(t, 3, asked)
		time.Sleep(5 * time.Second)
		require.InDelta(t, 15, series(t, m, "eventflow_consumer_census_age_seconds")["eventflow_consumer_census_age_seconds"], 0.001)
		require.Equal(t, 3, asked, "a database in trouble is not asked more often")
	})
}

// A scrape does not wait long for the census: until the next one has ended it has the
// values of the one before. One that takes long is taken less often.
func TestAScrapeDoesNotWaitForTheCensus(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		m, _ := counting(func(context.Context) ([]core.GroupCensus, error) {
			asked++
			time.Sleep(8 * time.Second)
			return []core.GroupCensus{{Name: "mail", Lag: int64(asked)}}, nil
		})
		scraped := func() map[string]float64 {
			started := time.Now()
			found := series(t, m, "eventflow_consumer_lag_events")
			require.LessOrEqual(t, time.Since(started), time.Second)
			return found
		}
		require.Empty(t, scraped(), "nothing is counted so far")
		time.Sleep(8 * time.Second)
		first := map[string]float64{lag(core.ID{}.String(), "mail"): 1}
		require.Equal(t, first, scraped())
		time.Sleep(30 * time.Second)
		require.Equal(t, first, scraped())
		require.Equal(t, 1, asked, "for four times as long as it took nobody is asked")
		time.Sleep(5 * time.Second)
		require.Equal(t, first, scraped())
		time.Sleep(10 * time.Second)
		require.Equal(t, 2, asked)
		require.InDelta(t, 2, scraped()[lag(core.ID{}.String(), "mail")], 0)
	})
}

// Of many groups those that somebody is alerted about have labels of their own.
func TestGroupsInTroubleHaveLabels(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // where a scrape waits for the census, however busy the machine is
		m, _ := counting(func(context.Context) (all []core.GroupCensus, err error) {
			for i := range 10_000 {
				all = append(all, core.GroupCensus{Stream: streamID(i), Name: "mail", Lag: int64(i % 10)})
			}
			all[9_000].Lag, all[9_500].DeadLetters = 20_000, 300
			return all, nil
		})
		counted := series(t, m, "eventflow_consumer_lag_events")
		require.Len(t, counted, 2001)
		require.InDelta(t, 20_000, counted[lag(streamID(9_000).String(), "mail")], 0)
		require.Contains(t, counted, lag("other", "other"))
		require.InDelta(t, 45_000+20_000, sum(counted), 0)
		letters := series(t, m, "eventflow_dead_letters")
		require.InDelta(t, 300, letters[fmt.Sprintf("eventflow_dead_letters{group=%q,stream=%q}", "mail", streamID(9_500))], 0)
		require.InDelta(t, 300, sum(letters), 0)
	})
}
