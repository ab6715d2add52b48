package rest

import (
	"bufio"
	"context"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Latency is how long a server took for something, as its metrics tell.
type Latency struct {
	// Bounds are the upper ends of the buckets, in seconds, and Counts how many
	// were within them: each bucket holds those before it.
	Bounds []float64
	Counts []float64
}

// IngestLatency returns how long the server that answers took to store events,
// since it started, for all organizations together.
func (c *Client) IngestLatency(ctx context.Context) (Latency, error) {
	got, err := c.send(ctx, "GET", "/metrics", nil, nil)
	if err != nil {
		return Latency{}, err
	}
	defer got.body.Close()
	if isError(got.status) {
		return Latency{}, readError(got)
	}
	return readLatency(got.body)
}

// readLatency sums the buckets of the requests that stored events, in the text
// format of Prometheus.
func readLatency(text io.Reader) (Latency, error) {
	counts := map[float64]float64{}
	lines := bufio.NewScanner(text)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		labels, found := strings.CutPrefix(lines.Text(), `eventflow_http_request_duration_seconds_bucket{`)
		labels, value, cut := strings.Cut(labels, "} ")
		if !found || !cut || !strings.Contains(labels, `method="POST"`) || !strings.Contains(labels, `status="202"`) || !strings.Contains(labels, `/events`) {
			continue
		}
		_, bound, _ := strings.Cut(labels, `le="`)
		bound, _, _ = strings.Cut(bound, `"`)
		upper, err := strconv.ParseFloat(bound, 64)
		n, failed := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err == nil && failed == nil {
			counts[upper] += n
		}
	}
	var l Latency
	for bound := range counts {
		l.Bounds = append(l.Bounds, bound)
	}
	slices.Sort(l.Bounds)
	for _, bound := range l.Bounds {
		l.Counts = append(l.Counts, counts[bound])
	}
	return l, lines.Err()
}

// Quantile is the time within which a part of the requests was answered, by
// interpolation within a bucket; 0 where there was none.
func (l Latency) Quantile(part float64) time.Duration {
	if len(l.Counts) == 0 || l.Counts[len(l.Counts)-1] == 0 {
		return 0
	}
	rank := part * l.Counts[len(l.Counts)-1]
	lower, before := 0.0, 0.0
	for i, bound := range l.Bounds {
		if l.Counts[i] < rank {
			lower, before = bound, l.Counts[i]
			continue
		}
		if math.IsInf(bound, 1) {
			break
		}
		seconds := lower + (bound-lower)*(rank-before)/(l.Counts[i]-before)
		return time.Duration(seconds * float64(time.Second))
	}
	return time.Duration(lower * float64(time.Second))
}
