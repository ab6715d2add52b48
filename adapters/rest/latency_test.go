package rest

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLatencyIsReadFromMetrics(t *testing.T) {
	t.Parallel()
	const name = "eventflow_http_request_duration_seconds_bucket"
	text := strings.ReplaceAll(`# HELP NAME x
NAME{method="POST",route="/api/v1/streams/:stream/events",status="202",le="0.001"} 50
NAME{method="POST",route="/api/v1/streams/:stream/events",status="202",le="0.002"} 100
NAME{method="POST",route="/api/v1/streams/:stream/events",status="202",le="+Inf"} 100
NAME{method="POST",route="/api/v1/streams/:stream/events/batch",status="202",le="0.001"} 0
NAME{method="POST",route="/api/v1/streams/:stream/events/batch",status="202",le="0.002"} 0
NAME{method="POST",route="/api/v1/streams/:stream/events/batch",status="202",le="+Inf"} 100
NAME{method="GET",route="/api/v1/streams/:stream/events",status="200",le="0.001"} 1000
NAME{method="POST",route="/api/v1/streams/:stream/events",status="400",le="0.001"} 1000
nonsense
`, "NAME", name)
	l, err := readLatency(strings.NewReader(text))
	require.NoError(t, err)
	require.Equal(t, []float64{50, 100, 200}, l.Counts)
	require.Equal(t, 500*time.Microsecond, l.Quantile(0.125))
	require.Equal(t, 1500*time.Microsecond, l.Quantile(0.375))
	require.Equal(t, 2*time.Millisecond, l.Quantile(0.99), "beyond the last bound it is that bound, or more")
	require.Zero(t, Latency{}.Quantile(0.5))
}
