package metrics_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/metrics"
	"github.com/eventflow-go/eventflow/core"
)

// The processors are counted at most every half minute, and every state has a value, so
// that an alert about the first that is disabled sees it come. While counting fails
// there are none.
func TestProcessorsAreCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked, broken := 0, error(nil)
		m := metrics.New()
		m.Processors(func(context.Context) (map[core.ProcessorState]int, error) {
			asked++
			return map[core.ProcessorState]int{core.ProcessorRunning: 5, core.ProcessorDisabled: asked}, broken
		}, slog.New(slog.DiscardHandler))
		want := func(disabled float64) map[string]float64 {
			return map[string]float64{
				`eventflow_processors{state="running"}`: 5, `eventflow_processors{state="paused"}`: 0, `eventflow_processors{state="disabled"}`: disabled,
			}
		}
		require.Equal(t, want(1), series(t, m, "eventflow_processors"))
		time.Sleep(29 * time.Second)
		require.Equal(t, want(1), series(t, m, "eventflow_processors"))
		time.Sleep(time.Second)
		require.Equal(t, want(2), series(t, m, "eventflow_processors"))
		broken = errors.New("no such table")
		time.Sleep(30 * time.Second)
		require.Empty(t, series(t, m, "eventflow_processors"))
		require.Equal(t, 3, asked)
	})
}
