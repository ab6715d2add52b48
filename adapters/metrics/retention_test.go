package metrics_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/metrics"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

func TestRemovalsAreCountedByReason(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	require.Contains(t, scrape(t, m), `eventflow_retention_removed_events_total{reason="bytes"} 0`)
	m.Removed(core.Removal{Reason: core.ReasonBytes, Events: 3, ApproximateBytes: 70})
	m.Removed(core.Removal{Reason: core.ReasonBytes, Events: 4, ApproximateBytes: 7})
	m.Removed(core.Removal{Reason: core.ReasonAge, Events: 1, ApproximateBytes: 9})
	m.Swept(eventlog.Sweep{At: time.Unix(2_000, 0), Oldest: time.Unix(1_000, 0)})
	m.Swept(eventlog.Sweep{At: time.Unix(3_000, 0), Failed: true})
	text := scrape(t, m)
	for _, line := range []string{
		`eventflow_retention_removed_events_total{reason="bytes"} 7`, `eventflow_retention_removed_bytes_total{reason="bytes"} 77`,
		`eventflow_retention_removed_events_total{reason="age"} 1`, `eventflow_retention_removed_events_total{reason="events"} 0`,
		`eventflow_retention_sweeps_total{outcome="done"} 1`, `eventflow_retention_sweeps_total{outcome="failed"} 1`,
		"eventflow_retention_last_sweep_timestamp_seconds 3000", "eventflow_retention_oldest_event_timestamp_seconds 0",
	} {
		require.Contains(t, text, line)
	}
}
