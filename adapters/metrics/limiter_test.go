package metrics_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memlimit"
	"github.com/eventflow-go/eventflow/adapters/metrics"
	"github.com/eventflow-go/eventflow/core"
)

// refusing is a limiter that lets nobody pass.
type refusing struct{}

func (refusing) Take(context.Context, string, core.Limit, int, time.Time) (core.LimitState, error) {
	return core.LimitState{}, nil
}

func refused(kind string) string {
	return fmt.Sprintf("eventflow_rate_limit_refused_total{kind=%q}", kind)
}

func demand(kind string) string {
	return fmt.Sprintf("eventflow_rate_limit_demand_ratio{kind=%q}", kind)
}

// Refusals are counted by what was limited. The demand is that of the busiest of a kind
// in the last whole minute; the log says who that is, but no person's address.
func TestLimitsAreWatched(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, said := metrics.New(), &bytes.Buffer{}
		limiter := m.Limiter(memlimit.New(), slog.New(slog.NewTextHandler(said, nil)))
		limit := core.Limit{PerMinute: 100, Burst: 40}
		take := func(key string, times int) {
			for range times {
				_, err := limiter.Take(t.Context(), key, limit, 1, time.Now())
				require.NoError(t, err)
			}
		}
		time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute)))
		take("key:busy", 50)
		take("key:idle", 1)
		take("login ann@example.com", 90)
		_, err := limiter.Take(t.Context(), "key:looking", limit, 0, time.Now())
		require.NoError(t, err)
		require.Equal(t, map[string]float64{refused("key"): 10, refused("user"): 0, refused("addr"): 0, refused("attempt"): 50},
			series(t, m, "eventflow_rate_limit_refused_total"))
		require.Zero(t, sum(series(t, m, "eventflow_rate_limit_demand_ratio")), "the minute is not over")
		time.Sleep(30 * time.Second)
		take("key:busy", 35)
		require.Empty(t, said.String())
		time.Sleep(30 * time.Second)
		require.Equal(t, map[string]float64{demand("key"): 0.85, demand("user"): 0, demand("addr"): 0, demand("attempt"): 0.9},
			series(t, m, "eventflow_rate_limit_demand_ratio"))
		require.Contains(t, said.String(), `kind=key key=key:busy asked=85 per_minute=100`)
		require.NotContains(t, said.String(), "idle")
		require.NotContains(t, said.String(), "ann@example.com")
		take("key:idle", 1)
		time.Sleep(3 * time.Minute)
		require.Zero(t, sum(series(t, m, "eventflow_rate_limit_demand_ratio")), "nobody asked in the minute before")
		_, err = limiter.Take(t.Context(), "key:x", core.Limit{}, 1, time.Now())
		require.Error(t, err, "the limiter's errors come through")
	})
}

// Whoever comes with any number of keys does not fill the memory, nor the log.
func TestWatchedLimitsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, said := metrics.New(), &bytes.Buffer{}
		limiter := m.Limiter(refusing{}, slog.New(slog.NewTextHandler(said, nil)))
		for i := range 20_000 {
			n := 1 + i/19_999*6 // the last one asks for more, and is not watched any more
			_, err := limiter.Take(t.Context(), fmt.Sprint("addr:", i), core.Limit{PerMinute: 1, Burst: 1}, n, time.Now())
			require.NoError(t, err)
		}
		time.Sleep(time.Minute)
		require.InDelta(t, 1, series(t, m, demand("addr"))[demand("addr")], 0)
		require.Equal(t, 5, strings.Count(said.String(), "nearly used up"))
		require.InDelta(t, 20_000, series(t, m, refused("addr"))[refused("addr")], 0)
	})
}
