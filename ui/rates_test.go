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
	require.Equal(t, "–", r.text(id))
	r.note(id, 0, now.Add(-5*time.Second))
	require.Equal(t, "–", r.text(id), "what is not known is not zero")
	for i := range 200 {
		r.note(id, int64(i)*50, now.Add(time.Duration(i)*5*time.Second))
		trend.note(id, int64(i))
	}
	require.Equal(t, "10/s", r.text(id))
	require.Len(t, r.line(id), keptReaches-1)
	require.Len(t, trend.of[id], keptReaches)
}
