package app_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// TestBenchMeasuresARunningServer holds that it says what it stored, that those events
// are there, that it warns before it writes, and that it ends by itself.
func TestBenchMeasuresARunningServer(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	server := h.serve("EVENTFLOW_RATE_KEY=off")
	key := h.key()
	context := []string{"EVENTFLOW_URL=" + server.url, "EVENTFLOW_KEY=" + key}
	for _, batch := range []string{"1", "50"} {
		before, _ := server.client(key).StreamStats(t.Context(), "bench") // it is not there at first
		o := h.run(context, "bench", "--duration", "200ms", "--connections", "2", "--batch", batch, "--output", "json")
		require.Zero(t, o.code, o.stderr)
		require.Contains(t, o.stderr, "They stay until the stream's retention removes them.")
		var measured struct {
			Events, Requests int64
			Seconds          float64
			PerSecond        float64 `json:"events_per_second"`
			P50, P99, Max    float64
			P50MS            float64 `json:"p50_ms"`
			MaxMS            float64 `json:"max_ms"`
			Errors           map[string]int64
		}
		require.NoError(t, json.Unmarshal([]byte(o.stdout), &measured), o.stdout)
		require.Positive(t, measured.Events)
		require.Empty(t, measured.Errors)
		require.Positive(t, measured.P50MS)
		require.GreaterOrEqual(t, measured.MaxMS, measured.P50MS)
		require.InEpsilon(t, measured.PerSecond, float64(measured.Events)/measured.Seconds, 0.01)
		after, err := server.client(key).StreamStats(t.Context(), "bench")
		require.NoError(t, err)
		require.Equal(t, measured.Events, int64(after.NextOffset)-int64(before.NextOffset))
		stream, err := server.client(key).Stream(t.Context(), "bench")
		require.NoError(t, err)
		require.Equal(t, 1, stream.RetentionDays)
	}
	for args, says := range map[string][]string{
		"must be 1 to 256":          {"--connections", "0"},
		"--duration must be":        {"--duration", "11m"},
		"--batch times --size must": {"--batch", "10000", "--size", "100000"},
	} {
		o := h.run(context, append([]string{"bench"}, says...)...)
		require.Equal(t, 2, o.code)
		require.Contains(t, o.stderr, args)
	}
	o := h.run(context, "bench", "--stream", "nowhere", "--duration", "5s")
	require.Equal(t, 1, o.code)
	require.Contains(t, o.stdout, string(core.CodeNotFound))
}

// TestBenchSaysWhatLimitedIt holds that a rate limit is named as what was measured.
func TestBenchSaysWhatLimitedIt(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	server := h.serve("EVENTFLOW_RATE_KEY=60/5")
	o := h.run([]string{"EVENTFLOW_URL=" + server.url, "EVENTFLOW_KEY=" + h.key()}, "bench", "--duration", "300ms")
	require.Zero(t, o.code, o.stderr)
	require.Contains(t, o.stdout, "  stored    ")
	require.Contains(t, o.stdout, "the key's rate limit is what was measured")
}
