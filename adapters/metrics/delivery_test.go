package metrics_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/metrics"
	"github.com/eventflow-go/eventflow/core"
)

// one returns the value of the one series of a name.
func one(t *testing.T, m *metrics.Metrics, name string) float64 {
	t.Helper()
	found := series(t, m, name+" ")
	for series, value := range series(t, m, name) {
		if series == name {
			return value
		}
		found[series] = value
	}
	require.Contains(t, found, name)
	return 0
}

// The latency is that of events that are handed out for the first time. The time of
// processing is that from the lease to its answer.
func TestDeliveriesAreTimed(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	event := core.Event{ReceivedAt: at}
	m.Handed(core.Delivery{Events: []core.Event{event, event, event}, Attempts: []int{1, 2, 1}}, at.Add(2*time.Second))
	m.Handed(core.Delivery{Events: []core.Event{event}, Attempts: []int{1}}, at.Add(-time.Second))
	require.InDelta(t, 4, one(t, m, "eventflow_events_handed_out_total"), 0)
	require.InDelta(t, 3, one(t, m, "eventflow_delivery_latency_seconds_count"), 0)
	require.InDelta(t, 4, one(t, m, "eventflow_delivery_latency_seconds_sum"), 0)
	m.Settled(core.RandomID(at), at.Add(5*time.Second))
	m.Settled(core.ID{}, at.Add(5*time.Second))
	require.InDelta(t, 1, one(t, m, "eventflow_processing_duration_seconds_count"), 0)
	require.InDelta(t, 5, one(t, m, "eventflow_processing_duration_seconds_sum"), 0)
}

// stepping is a store of groups whose steps fail when there is an error.
type stepping struct {
	core.GroupStore
	err error
}

func (s *stepping) Advance(context.Context, core.ID, core.Step) error { return s.err }

// Steps are timed, and what failed in them is counted once they are stored.
func TestStepsAreTimed(t *testing.T) {
	t.Parallel()
	m, inner := metrics.New(), &stepping{err: errors.New("broken")}
	store := m.GroupStore(inner)
	step := core.Step{Attempts: []core.Attempt{{From: 3, To: 8, Outcome: core.Expired}, {From: 9, To: 10, Outcome: core.Nacked}}}
	require.ErrorIs(t, store.Advance(t.Context(), core.ID{1}, step), inner.err)
	inner.err = nil
	require.NoError(t, store.Advance(t.Context(), core.ID{1}, step))
	failed := func(outcome string) string { return `eventflow_attempts_failed_total{outcome="` + outcome + `"}` }
	require.Equal(t, map[string]float64{failed("expired"): 5, failed("nacked"): 1, failed("skipped"): 0}, series(t, m, "eventflow_attempts_failed_total"))
	require.InDelta(t, 2, one(t, m, "eventflow_group_step_duration_seconds_count"), 0)
}

// A request whose sender keeps its trace leaves the trace's id as an exemplar, for
// whoever reads OpenMetrics.
func TestRequestsHaveExemplars(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	m.Request("GET", "/quick", 200, time.Millisecond, "")
	m.Request("GET", "/slow", 200, 3*time.Second, "4bf92f3577b34da6a3ce929d0e0e4736")
	request := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	request.Header.Set("Accept", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, request)
	require.Contains(t, answer.Header().Get("Content-Type"), "application/openmetrics-text")
	require.Regexp(t, `_bucket\{method="GET",route="/slow",status="200",le="4.096"\} 1 # \{trace_id="4bf92f3577b34da6a3ce929d0e0e4736"\} 3.0 `, answer.Body.String())
	require.NotRegexp(t, `route="/quick".* # \{`, answer.Body.String())
	require.NotContains(t, scrape(t, m), "trace_id")
}
