package app_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
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
	}
	require.Zero(t, server.stop())
	tried := h.run(nil, "try")
	require.Equal(t, 7, tried.code)
	require.Contains(t, tried.stderr, "start one with 'eventflow dev'")
	require.NotContains(t, tried.stdout, "✓")
}
