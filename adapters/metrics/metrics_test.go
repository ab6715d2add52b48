package metrics_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/adapters/metrics"
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/server"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/identity"
)

// scrape returns what a scraper reads.
func scrape(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	require.Equal(t, 200, answer.Code, answer.Body)
	return answer.Body.String()
}

// series returns the values of all series whose name begins with a prefix.
func series(t *testing.T, m *metrics.Metrics, prefix string) map[string]float64 {
	t.Helper()
	found := map[string]float64{}
	for lines := bufio.NewScanner(strings.NewReader(scrape(t, m))); lines.Scan(); {
		line := lines.Text()
		if !strings.HasPrefix(line, prefix) {
			continue
		}
		end := strings.LastIndexByte(line, ' ')
		value, err := strconv.ParseFloat(line[end+1:], 64)
		require.NoError(t, err, line)
		found[line[:end]] = value
	}
	return found
}

// failing is a log whose appends and reads fail when there is an error.
type failing struct {
	core.EventLog
	err error
}

func (l *failing) Append(ctx context.Context, at time.Time, batches []core.Batch) error {
	if l.err != nil {
		return l.err
	}
	return l.EventLog.Append(ctx, at, batches)
}

func (l *failing) Read(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
	if l.err != nil {
		return nil, l.err
	}
	return l.EventLog.Read(ctx, stream, scan)
}

func newLog(t *testing.T) *failing {
	storage, err := memory.Open(t.Context(), nil)
	require.NoError(t, err)
	return &failing{EventLog: storage}
}

// batch holds events of the types in a stream.
func batch(stream byte, types ...string) core.Batch {
	b := core.Batch{Org: core.ID{1}, Stream: core.ID{stream}}
	for i, eventType := range types {
		b.Entries = append(b.Entries, core.Entry{Event: core.Event{ID: core.ID{stream, byte(i + 1)}, Type: eventType, Payload: []byte("1")}})
	}
	return b
}

func stored(stream byte, eventType string) string {
	return fmt.Sprintf("eventflow_events_stored_total{stream=%q,type=%q}", core.ID{stream}, eventType)
}

var at = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Stored events are counted by stream and type, groups by their size and time;
// what an idempotency key keeps from being stored is not.
func TestAppendsAreCounted(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	log := m.Log(newLog(t))
	keyed := batch(5, "paid", "paid", "sent", "paid", `odd "type"`)
	keyed.Entries[0].IdempotencyKey = "k"
	require.NoError(t, log.Append(t.Context(), at, []core.Batch{keyed, batch(6, "paid")}))
	again := batch(5, "paid", "sent", "sent")
	again.Entries[0].IdempotencyKey = "k"
	require.NoError(t, log.Append(t.Context(), at, []core.Batch{again}))
	again.Entries = again.Entries[:1]
	again.Entries[0].Fingerprint = core.Fingerprint{1}
	require.NoError(t, log.Append(t.Context(), at, []core.Batch{again}))
	require.Equal(t, map[string]float64{
		stored(5, "paid"): 3, stored(5, "sent"): 3, stored(5, `odd "type"`): 1, stored(6, "paid"): 1,
	}, series(t, m, "eventflow_events_stored_total"))
	require.Equal(t, map[string]float64{`eventflow_append_duration_seconds_count{shard="0"}`: 3}, series(t, m, "eventflow_append_duration_seconds_count"))
	groups := series(t, m, "eventflow_append_group_events")
	require.InDelta(t, 10, groups["eventflow_append_group_events_sum"], 0)
	require.InDelta(t, 3, groups["eventflow_append_group_events_count"], 0)
	require.InDelta(t, 2, groups[`eventflow_append_group_events_bucket{le="4"}`], 0)
	for reason, count := range series(t, m, "eventflow_append_failures_total") {
		require.Zero(t, count, reason)
	}
}

// Failed appends are counted by a reason out of a small set, and nothing else
// of them is: no event, no group.
func TestFailuresAreCountedByReason(t *testing.T) {
	t.Parallel()
	m, broken := metrics.New(), newLog(t)
	log := m.Log(broken)
	for _, err := range []error{
		&core.ClockError{Last: at}, fmt.Errorf("reset: %w", core.ErrUnknownOutcome), errors.New("disk 17 on fire"), errors.New("disk 18 on fire"),
		core.Errorf(core.CodeStorageFull, "the disk is full"), core.Unavailable(errors.New("x"), time.Second, "later"),
	} {
		broken.err = err
		require.ErrorIs(t, log.Append(t.Context(), at, []core.Batch{batch(5, "paid")}), err, "the error itself comes through")
	}
	reason := func(text string) string { return fmt.Sprintf("eventflow_append_failures_total{reason=%q}", text) }
	require.Equal(t, map[string]float64{
		reason("clock"): 1, reason("unknown_outcome"): 1, reason("INTERNAL_ERROR"): 2, reason("STORAGE_FULL"): 1, reason("SERVICE_UNAVAILABLE"): 1,
	}, series(t, m, "eventflow_append_failures_total"))
	require.Empty(t, series(t, m, "eventflow_events_stored_total"))
	require.Zero(t, series(t, m, "eventflow_append_group_events_count")["eventflow_append_group_events_count"])
	require.InDelta(t, 6, series(t, m, "eventflow_append_duration_seconds_count")[`eventflow_append_duration_seconds_count{shard="0"}`], 0)
}

// The measured log is the log: what is stored through it is read through it,
// the reads are timed, and everything else passes.
func TestTheMeasuredLogIsTheLog(t *testing.T) {
	t.Parallel()
	m, inner := metrics.New(), newLog(t)
	log, ctx, stream := m.Log(inner), t.Context(), core.ID{5}
	appended := batch(5, "paid", "sent")
	require.NoError(t, log.Append(ctx, at, []core.Batch{appended}))
	require.Equal(t, core.Offset(1), appended.Entries[1].Offset, "the outcome comes through")
	events, err := log.Read(ctx, stream, core.Scan{From: 1, Limit: 9})
	require.NoError(t, err)
	require.Len(t, events, 1)
	events, err = log.ReadAll(ctx, core.ID{1}, core.AllScan{Limit: 9})
	require.NoError(t, err)
	require.Len(t, events, 2)
	bounds, err := log.Bounds(ctx, []core.ID{stream})
	require.NoError(t, err)
	require.Equal(t, core.Bounds{Next: 2, Last: at}, bounds[0])
	require.NoError(t, log.Trim(ctx, stream, at.AddDate(0, 0, 2)))
	offset, err := log.OffsetAt(ctx, stream, at)
	require.NoError(t, err)
	require.Equal(t, core.Offset(2), offset)
	inner.err = errors.New("broken")
	_, err = log.Read(ctx, stream, core.Scan{Limit: 1})
	require.ErrorIs(t, err, inner.err)
	require.Equal(t, map[string]float64{"eventflow_read_duration_seconds_count": 2}, series(t, m, "eventflow_read_duration_seconds_count"))
}

// Requests are timed by method, route and status.
func TestRequestsAreTimed(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	m.Request("GET", "/api/v1/events", 200, 3*time.Millisecond, "")
	m.Request("GET", "/api/v1/events", 200, 5*time.Second, "")
	m.Request("POST", "/api/v1/events", 503, time.Microsecond, "")
	const name = "eventflow_http_request_duration_seconds"
	require.Equal(t, map[string]float64{
		name + `_count{method="GET",route="/api/v1/events",status="200"}`:  2,
		name + `_count{method="POST",route="/api/v1/events",status="503"}`: 1,
	}, series(t, m, name+"_count"))
	buckets := series(t, m, name+`_bucket{method="GET"`)
	require.InDelta(t, 0, buckets[name+`_bucket{method="GET",route="/api/v1/events",status="200",le="0.002"}`], 0)
	require.InDelta(t, 1, buckets[name+`_bucket{method="GET",route="/api/v1/events",status="200",le="0.004"}`], 0)
	require.InDelta(t, 2, buckets[name+`_bucket{method="GET",route="/api/v1/events",status="200",le="8.192"}`], 0)
	require.InDelta(t, 5.003, series(t, m, name+`_sum{method="GET"`)[name+`_sum{method="GET",route="/api/v1/events",status="200"}`], 1e-9)
}

// The p99 is that of requests that stored something, singly or in batches, and
// lies between the bounds around it.
func TestTheIngestP99(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	for range 1000 {
		m.Request("GET", "/api/v1/streams/:stream/events", 200, time.Second, "")
		m.Request("POST", "/api/v1/streams/:stream/events", 400, time.Second, "")
		m.Request("POST", "/api/v1/streams", 201, time.Second, "")
	}
	require.Zero(t, m.IngestP99(), "nothing was stored")
	for range 98 {
		m.Request("POST", "/api/v1/streams/:stream/events", 202, 300*time.Microsecond, "")
	}
	for range 2 {
		m.Request("POST", "/api/v1/events/batch", 202, 3*time.Millisecond, "")
	}
	require.Equal(t, 3*time.Millisecond, m.IngestP99(), "half way from 2 to 4 ms")
	for range 1000 {
		m.Request("POST", "/api/v1/events", 202, 300*time.Microsecond, "")
	}
	require.Less(t, m.IngestP99(), 500*time.Microsecond)
	for range 100 {
		m.Request("POST", "/api/v1/events", 202, time.Hour, "")
	}
	require.Equal(t, 8192*time.Millisecond, m.IngestP99(), "beyond the last bound it is that bound, or more")
}

// Paths and methods are the clients' words: those that the server does not
// know make no series of their own, however many come.
func TestUnknownRoutesMakeNoSeries(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	access, err := identity.NewAccess(nil, nil, make([]byte, identity.MinSecretBytes), nil, time.Now)
	require.NoError(t, err)
	s := server.New(server.Options{
		Identity: &identity.UseCases{Access: access}, Metrics: m.Handler(), Observe: m.Request, Logger: slog.New(slog.DiscardHandler),
		Ready: func(context.Context) rest.Health { return rest.Health{Status: rest.StatusOK} },
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() { _ = s.Serve(ln) }()
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(func() {
		client.CloseIdleConnections()
		require.NoError(t, ln.Close())
	})
	ask := func(method, path string) {
		request, err := http.NewRequestWithContext(t.Context(), method, "http://"+ln.Addr().String()+path, nil)
		require.NoError(t, err)
		response, err := client.Do(request)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
	}
	for i := range 50 {
		ask("GET", fmt.Sprintf("/nowhere/%d", i))
		ask(fmt.Sprintf("BREW%d", i), "/nowhere")
		ask("GET", fmt.Sprintf("/api/v1/streams/s%d/events?limit=%d", i, i))
	}
	const name = "eventflow_http_request_duration_seconds_count"
	counted := series(t, m, name)
	require.InDelta(t, 50, counted[name+`{method="GET",route="/api/v1/streams/:stream/events",status="401"}`], 0)
	require.Len(t, counted, 3, "%v", slices.Collect(maps.Keys(counted)))
}

// The queue's depth is read when somebody asks.
func TestTheQueueIsAGauge(t *testing.T) {
	t.Parallel()
	m, depth := metrics.New(), 3
	m.Queue(func() int { return depth }, func() float64 { return 0.5 }, 9)
	for depth = range 3 {
		require.Equal(t, map[string]float64{
			"eventflow_ingest_queue_events": float64(depth), "eventflow_ingest_queue_limit_events": 9, "eventflow_ingest_queue_fullest_ratio": 0.5,
		},
			series(t, m, "eventflow_ingest_queue"))
	}
}

// Every metric has a name and a help text as Prometheus wants them, and begins
// with the product's name unless it is the runtime's.
func TestNamesAreValid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // where a scrape waits for the census, however busy the machine is
		m := metrics.New()
		m.Build("1.2.3", "go1.26")
		m.Queue(func() int { return 1 }, func() float64 { return 0.5 }, 2)
		m.Clock(func() time.Duration { return time.Second })
		m.LimiterLost(func() bool { return true })
		m.LostShards(func() int { return 1 })
		m.Waiting(func() int64 { return 1 }, func() int64 { return 2 })
		m.Shares(func() []core.ShareLoad { return []core.ShareLoad{{Share: core.ShareUploads}} })
		m.Groups(func(context.Context) ([]core.GroupCensus, error) { return []core.GroupCensus{{Name: "mail"}}, nil }, slog.New(slog.DiscardHandler))
		m.Limiter(refusing{}, slog.New(slog.DiscardHandler))
		m.Engine("store", engine{pool: core.PoolLoad{Limit: 1}, disk: core.DiskLoad{Size: 1}})
		m.Shards(threeShards{})
		m.Request("GET", "/", 200, time.Second, "")
		m.Refused(core.ID{1}, core.CodeUnauthorized)
		m.Processed(&core.Processor{Destination: core.Destination{Type: "webhook"}}, core.DeliveryCount{Delivered: 1, Latency: core.Seconds(time.Second)})
		require.NoError(t, m.Log(newLog(t)).Append(t.Context(), at, []core.Batch{batch(5, "paid")}))
		text := scrape(t, m)
		problems, err := promlint.New(bytes.NewBufferString(text)).Lint()
		require.NoError(t, err)
		require.Empty(t, problems)
		names := 0
		for line := range strings.Lines(text) {
			name, isHelp := strings.CutPrefix(line, "# HELP ")
			if !isHelp {
				continue
			}
			require.Regexp(t, `^(eventflow|go|process)_[a-z0-9_]+ `, name)
			if strings.HasPrefix(name, "eventflow_") {
				names++
			}
		}
		require.Equal(t, 50, names)
	})
}
