package ui

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

func TestRatesAndTrendsAreBounded(t *testing.T) {
	t.Parallel()
	var r rates
	var trend trends
	id, now := core.ID{1}, time.Now()
	require.Zero(t, r.perSecond(id))
	for i := range 200 {
		r.note(id, int64(i)*50, now.Add(time.Duration(i)*5*time.Second))
		trend.note(id, int64(i))
	}
	require.InDelta(t, 10, r.perSecond(id), 0.01)
	require.Len(t, r.line(id), keptReaches-1)
	require.Len(t, trend.of[id], keptReaches)
}
