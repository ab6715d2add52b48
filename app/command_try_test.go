package app_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
)

// TestTryProvesTheServerThatRuns holds that `try` finds the server that `dev`
// started, and says so when there is none any more.
func TestTryProvesTheServerThatRuns(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	server := h.dev()
	for range 2 {
		tried := h.run(nil, "try")
		require.Zero(t, tried.code, tried.stderr)
		require.Equal(t, 9, strings.Count(tried.stdout, "✓"), tried.stdout)
		for _, step := range []string{"ready", "published", "read back", "consumed", "committed", "refused      a bad event: event_type", "deduplicated"} {
			require.Contains(t, tried.stdout, "✓ "+step)
		}
		// What was tried stays to be seen: the dashboard's list of first steps is done.
		key := regexp.MustCompile(`X-API-Key: ([^']+)'`).FindStringSubmatch(tried.stdout)[1]
		client := rest.NewClient(server.url, key)
		sum, err := client.Summary(t.Context())
		require.NoError(t, err)
		require.True(t, sum.Consumed)
		status, err := client.Lag(t.Context(), "demo", "try")
		require.NoError(t, err)
		require.Zero(t, status.Lag, "the group that is left has nothing to do")
	}
	require.Zero(t, server.stop())
	tried := h.run(nil, "try")
	require.Equal(t, 7, tried.code)
	require.Contains(t, tried.stderr, "start one with 'eventflow dev'")
	require.NotContains(t, tried.stdout, "✓")
}

// TestTryMakesTheStreamThatItIsGiven holds that a server that was just installed can
// be tried, as often as anybody likes, with a stream that nobody else uses.
func TestTryMakesTheStreamThatItIsGiven(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	server := h.serve()
	where := []string{"EVENTFLOW_URL=" + server.url, "EVENTFLOW_KEY=" + h.key()}
	tried := h.run(where, "try", "--stream", "smoke")
	require.Zero(t, tried.code, tried.stderr)
	require.Contains(t, tried.stdout, "✓ made         the stream smoke\n")
	tried = h.run(where, "try", "--stream", "smoke")
	require.Zero(t, tried.code, tried.stderr)
	require.NotContains(t, tried.stdout, "✓ made")
	require.Contains(t, tried.stdout, "/streams/smoke/events/live")
	require.Zero(t, server.stop())
}
