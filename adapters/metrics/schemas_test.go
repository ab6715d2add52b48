package metrics_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/metrics"
	"github.com/eventflow-go/eventflow/core"
)

func TestEventsThatDoNotFitAreCounted(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	m.Misfit(core.EnforceReport)
	found := series(t, m, "eventflow_schema_mismatches_total")
	require.Len(t, found, 3)
	require.InDelta(t, 1, found[`eventflow_schema_mismatches_total{enforcement="report"}`], 0)
	require.InDelta(t, 0, found[`eventflow_schema_mismatches_total{enforcement="reject"}`], 0)
}
