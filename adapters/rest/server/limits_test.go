package server_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/server"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

func (f *fixture) dial() net.Conn {
	f.t.Helper()
	conn, err := net.Dial("tcp", f.address)
	require.NoError(f.t, err)
	f.t.Cleanup(func() { conn.Close() })
	require.NoError(f.t, conn.SetDeadline(time.Now().Add(patience)))
	return conn
}

func (f *fixture) head(length int) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Length: %d\r\n\r\n", ordersEvents, f.key, length)
}

func TestSlowClientsAreLetGo(t *testing.T) {
	t.Parallel()
	f := start(t, withLimits(server.Limits{ReadTimeout: time.Second, IdleTimeout: 1200 * time.Millisecond}))
	f.stream("orders")
	t.Run("all at once", func(t *testing.T) {
		for name, text := range map[string]string{
			"header":         "POST /api/v1/streams/orders/events HTTP/1.1\r\nHost: x\r\nX-A",
			"body":           f.head(100) + `{"ev`,
			"long body":      f.head(500_000) + strings.Repeat(" ", 100_000),
			"chunk":          strings.Replace(f.head(0), "Content-Length: 0", "Transfer-Encoding: chunked", 1) + "5\r\n{\"e",
			"nothing":        "",
			"unauthorized":   strings.Replace(f.head(16<<20), f.key, "x", 1) + "{",
			"batch of 16 MB": strings.Replace(f.head(16<<20), "/events", "/events/batch", 1) + "[",
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				conn := f.dial()
				began := time.Now()
				_, err := io.WriteString(conn, text)
				require.NoError(t, err)
				got, closed := readReply(t, conn)
				require.Equal(t, http.StatusRequestTimeout, got.StatusCode, "%s", got.body)
				require.Equal(t, core.CodeTimeout, got.problem(t).Code)
				require.True(t, closed)
				require.Less(t, time.Since(began), patience/2)
			})
		}
	})
	conn := f.dial()
	_, err := io.WriteString(conn, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
	rest, err := io.ReadAll(conn)
	require.NoError(t, err, "an idle connection is closed")
	require.Contains(t, string(rest), "200 OK")
	require.Zero(t, f.events("orders"))
}

// stalled is a limiter that takes longer than clients have, as a database does
// that is about to fail over.
type stalled struct{ by time.Duration }

func (s stalled) Take(context.Context, string, core.Limit, int, time.Time) (core.LimitState, error) {
	<-time.After(s.by)
	return core.LimitState{Allowed: true}, nil
}

// The server's own time does not count against the client.
func TestAStallIsNotTheClientsFault(t *testing.T) {
	t.Parallel()
	const limit = time.Second
	f := start(t, withLimits(server.Limits{ReadTimeout: limit}), func(o *server.Options, _ *fixture) {
		o.Limiter, o.Rates.Key = stalled{limit + limit/5}, core.Limit{PerMinute: 600, Burst: 100}
	})
	f.stream("orders")
	body := event(`"` + strings.Repeat("x", 600_000) + `"`)
	for name, c := range map[string]struct {
		head   string
		sent   int
		status int
	}{
		"sent at once": {f.head(len(body)), len(body), 202},
		"asked for":    {asking(ordersEvents, f.key, fmt.Sprintf("Content-Length: %d", len(body))), len(body), 202},
		"in part":      {f.head(len(body)), 100_000, 408}, // the client's own time counts
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := f.dial()
			_, err := io.WriteString(conn, c.head)
			require.NoError(t, err)
			if strings.Contains(c.head, "Expect") {
				_, err = io.ReadFull(conn, make([]byte, len("HTTP/1.1 100 Continue\r\n\r\n")))
				require.NoError(t, err)
			}
			_, err = io.WriteString(conn, body[:c.sent])
			require.NoError(t, err)
			got, closed := readReply(t, conn)
			require.Equal(t, c.status, got.StatusCode, "%s", got.body)
			require.Equal(t, c.status != 202, closed)
		})
	}
}

// hesitant is a catalog that takes as long as it is told to for what an organization may
// take, as a server asks in the middle of a body.
type hesitant struct {
	core.Catalog
	asked, let chan struct{}
}

func (h hesitant) Organization(context.Context, core.ID) (core.Organization, error) {
	h.asked <- struct{}{}
	<-h.let
	return core.Organization{}, nil
}

// Nor does its time count while a body arrives.
func TestAStallWithinABodyIsNotTheClientsFault(t *testing.T) {
	t.Parallel()
	const limit = 3 * time.Second
	slow := hesitant{asked: make(chan struct{}, 1), let: make(chan struct{})}
	f := start(t, withLimits(server.Limits{ReadTimeout: limit}), func(o *server.Options, _ *fixture) {
		o.Shares = eventlog.NewShares(eventlog.SharePorts{Organizations: slow, Now: time.Now})
	})
	f.stream("orders")
	body := event(`"` + strings.Repeat("x", 600_000) + `"`)
	conn := f.dial()
	_, err := io.WriteString(conn, f.head(len(body))+body[:100_000])
	require.NoError(t, err)
	<-slow.asked
	<-time.After(limit + 100*time.Millisecond)
	close(slow.let)
	_, err = io.WriteString(conn, body[100_000:])
	require.NoError(t, err)
	got, closed := readReply(t, conn)
	require.Equal(t, 202, got.StatusCode, "%s", got.body)
	require.False(t, closed)
}

// An answer to a body that nobody reads arrives, however long it took.
func TestARefusalAfterAStallArrives(t *testing.T) {
	t.Parallel()
	f := start(t, withLimits(server.Limits{ReadTimeout: time.Second}), func(o *server.Options, _ *fixture) {
		o.Limiter, o.Rates.Address = stalled{1200 * time.Millisecond}, core.Limit{PerMinute: 600, Burst: 100}
	})
	conn := f.dial()
	_, err := io.WriteString(conn, strings.Replace(f.head(100_000), f.key, "x", 1)+strings.Repeat(" ", 100_000)+"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
	reader := bufio.NewReader(conn)
	for _, status := range []int{401, 200} {
		response, err := http.ReadResponse(reader, nil)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, response.Body)
		require.NoError(t, err)
		require.Equal(t, status, response.StatusCode)
	}
}

// A client that drips one byte at a time stays below every idle time-out.
func TestDripsDoNotHoldAConnection(t *testing.T) {
	t.Parallel()
	f := start(t, withLimits(server.Limits{ReadTimeout: time.Second}))
	f.stream("orders")
	conn := f.dial()
	_, err := io.WriteString(conn, f.head(1000))
	require.NoError(t, err)
	began := time.Now()
	drip := time.NewTicker(20 * time.Millisecond)
	defer drip.Stop()
	for err == nil && time.Since(began) < patience/2 {
		<-drip.C
		_, err = conn.Write([]byte{' '})
	}
	require.Error(t, err, "the server has closed the connection")
}

func TestALengthOverTheLimitIsRefusedBeforeTheBodyComes(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	conn := f.dial()
	_, err := io.WriteString(conn, f.head(8<<30)+strings.Repeat(" ", 8<<10))
	require.NoError(t, err)
	got, closed := readReply(t, conn)
	require.Equal(t, http.StatusRequestEntityTooLarge, got.StatusCode)
	require.Equal(t, core.CodePayloadTooLarge, got.problem(t).Code)
	require.True(t, closed)
}

// begin sends the head of an upload and a part of its body.
func (f *fixture) begin(length, sent int) net.Conn {
	f.t.Helper()
	conn := f.dial()
	_, err := io.WriteString(conn, f.head(length)+strings.Repeat(" ", sent))
	require.NoError(f.t, err)
	return conn
}

// Memory is taken by what arrives, whatever was announced, and given back.
func TestBodiesInMemoryAreBounded(t *testing.T) {
	t.Parallel()
	f := start(t, withLimits(server.Limits{InflightBytes: 300_000}))
	f.stream("orders")
	large := event(`"` + strings.Repeat("a", 250_000) + `"`)
	for range 3 {
		f.begin(1_000_000, 10_000)
	}
	holder := f.begin(260_000, 200_000)
	require.Eventually(t, func() bool {
		got := f.do("POST", ordersEvents, strings.NewReader(large))
		return got.StatusCode == 503 && got.Header.Get("Retry-After") == "1" && got.problem(t).Code == core.CodeUnavailable
	}, patience, 10*time.Millisecond)
	got := f.do("POST", ordersEvents, strings.NewReader(event("1")))
	require.Equal(t, http.StatusAccepted, got.StatusCode, "what fits is served")
	require.NoError(t, holder.Close())
	got = f.do("POST", ordersEvents, strings.NewReader(event(`"`+strings.Repeat("a", 20_000)+`"`)))
	require.Equal(t, http.StatusAccepted, got.StatusCode, "what was announced takes nothing")
}

// Whoever begins to stall is let go before the time for a request is over, and one that
// drips below the least speed as well.
func TestAnUploadKeepsUpALeastSpeed(t *testing.T) {
	t.Parallel()
	f := start(t, withLimits(server.Limits{ReadTimeout: 6 * time.Second, UploadRate: 1000}))
	f.stream("orders")
	stalled, dripping := f.begin(100_000, 10_000), f.begin(100_000, 10_000)
	body := event(`"` + strings.Repeat("x", 20_000) + `"`)
	steady := f.dial()
	_, err := io.WriteString(steady, f.head(len(body))+body[:10_000])
	require.NoError(t, err)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for rest := body[10_000:]; rest != ""; rest = rest[min(len(rest), 200):] {
		<-tick.C
		_, err := io.WriteString(steady, rest[:min(len(rest), 200)])
		require.NoError(t, err)
		_, _ = io.WriteString(dripping, " ") // on a busy machine it may have been let go by now
	}
	got, _ := readReply(t, steady)
	require.Equal(t, http.StatusAccepted, got.StatusCode, "%s", got.body)
	for _, conn := range []net.Conn{stalled, dripping} {
		got, closed := readReply(t, conn)
		require.Equal(t, http.StatusRequestTimeout, got.StatusCode)
		require.Contains(t, got.problem(t).Message, "too slowly")
		require.True(t, closed)
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	f := start(t, withLimits(server.Limits{Connections: 3, SpareConnections: 2}))
	f.stream("orders")
	http.DefaultClient.CloseIdleConnections()
	first := f.dial()
	_, err := io.WriteString(first, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
	for range 10 {
		f.dial()
	}
	ask := func(path string) reply {
		conn := f.dial()
		_, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: x\r\nX-API-Key: "+f.key+"\r\n\r\n")
		require.NoError(t, err)
		got, closed := readReply(t, conn)
		require.Equal(t, got.Close, closed)
		return got
	}
	require.Eventually(t, func() bool {
		got := ask("/api/v1/streams")
		return got.StatusCode == 503 && got.Close && got.Header.Get("Retry-After") == "1" && got.problem(t).Code == core.CodeUnavailable
	}, patience, 10*time.Millisecond)
	require.Equal(t, http.StatusOK, ask("/livez").StatusCode, "health is answered beyond the limit")
	require.NoError(t, first.Close())
	require.Eventually(t, func() bool {
		got := ask("/livez")
		return got.StatusCode == http.StatusOK && !got.Close
	}, patience, 10*time.Millisecond)
}

// stuckLog is storage that does not come back before its context ends.
type stuckLog struct{ core.EventLog }

func (stuckLog) Bounds(ctx context.Context, _ []core.ID) ([]core.Bounds, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestStorageThatDoesNotAnswerIsGivenUp(t *testing.T) {
	t.Parallel()
	f := start(t, withLimits(server.Limits{HandlerTimeout: 50 * time.Millisecond}), withLog(func(log core.EventLog) core.EventLog { return stuckLog{log} }))
	f.stream("orders")
	got := f.do("GET", ordersEvents, nil)
	require.Equal(t, 503, got.StatusCode)
	require.Equal(t, core.CodeUnavailable, got.problem(t).Code)
	require.NotEmpty(t, got.Header.Get("Retry-After"))
}

// panicLog is storage with a bug.
type panicLog struct{ core.EventLog }

func (panicLog) Bounds(context.Context, []core.ID) ([]core.Bounds, error) { panic("a bug") }

func TestAPanicEndsOneRequestOnly(t *testing.T) {
	t.Parallel()
	f := start(t, withLog(func(log core.EventLog) core.EventLog { return panicLog{log} }))
	f.stream("orders")
	got := f.do("GET", ordersEvents, nil)
	require.Equal(t, 500, got.StatusCode)
	problem := got.problem(t)
	require.Equal(t, core.CodeInternal, problem.Code)
	require.NotContains(t, string(got.body), "bug")
	require.Contains(t, f.logged.String(), "a bug")
	require.Contains(t, f.logged.String(), problem.RequestID)
	require.Contains(t, f.logged.String(), "limits_test.go", "the log holds the stack")
	require.Equal(t, http.StatusOK, f.do("GET", "/livez", nil).StatusCode)
}

// slowLog is storage that appends when it is told to.
type slowLog struct {
	core.EventLog
	began chan struct{}
	let   chan struct{}
}

func (l slowLog) Append(ctx context.Context, at time.Time, batches []core.Batch) error {
	l.began <- struct{}{}
	<-l.let
	return l.EventLog.Append(ctx, at, batches)
}

func TestShutdownFinishesWhatIsInFlight(t *testing.T) {
	t.Parallel()
	slow := slowLog{began: make(chan struct{}, 1), let: make(chan struct{})}
	f := start(t, withLog(func(log core.EventLog) core.EventLog { slow.EventLog = log; return slow }))
	f.stream("orders")
	idle := f.dial()
	answers := make(chan reply, 1)
	go func() { answers <- f.do("POST", ordersEvents, strings.NewReader(event("1"))) }()
	<-slow.began

	f.server.Drain()
	got := f.do("GET", "/readyz", nil)
	require.Equal(t, 503, got.StatusCode)
	require.Contains(t, string(got.body), rest.StatusUnavailable)
	require.True(t, got.Close, "each connection ends with its next answer")
	require.Equal(t, http.StatusOK, f.do("GET", "/livez", nil).StatusCode, "it is alive")
	require.Error(t, f.client.Ready(context.Background()))

	stopped := make(chan error, 1)
	go func() { stopped <- f.server.Shutdown(context.Background()) }()
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", f.address)
		if err == nil {
			conn.Close()
		}
		return err != nil
	}, patience, 5*time.Millisecond, "new connections are refused")
	select {
	case err := <-stopped:
		t.Fatalf("shut down before the request was answered: %v", err)
	default:
	}
	close(slow.let)
	got = <-answers
	require.Equal(t, http.StatusAccepted, got.StatusCode, "%s", got.body)
	require.True(t, got.Close)
	require.NoError(t, idle.Close())
	require.NoError(t, <-stopped)
}

func TestAnswersAreObserved(t *testing.T) {
	t.Parallel()
	type seen struct {
		method, route string
		status        int
		trace         string
	}
	all := make(chan seen, 100)
	f := start(t, func(o *server.Options, _ *fixture) {
		o.Observe = func(method, route string, status int, took time.Duration, trace string) {
			if took > 0 {
				all <- seen{method, route, status, trace}
			}
		}
		o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "up 1") })
	})
	f.stream("orders")
	require.Equal(t, seen{"POST", "/api/v1/streams", 201, ""}, <-all)
	f.do("POST", ordersEvents, strings.NewReader(event("1")))
	require.Equal(t, seen{"POST", "/api/v1/streams/:stream/events", 202, ""}, <-all)
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0"
	f.do("GET", ordersEvents, nil, "Traceparent: "+parent+"1")
	require.Equal(t, seen{"GET", "/api/v1/streams/:stream/events", 200, "4bf92f3577b34da6a3ce929d0e0e4736"}, <-all)
	f.do("GET", ordersEvents, nil, "traceparent: "+parent+"0")
	require.Empty(t, (<-all).trace, "nobody keeps that trace")
	f.do("HEAD", "/livez", nil)
	require.Equal(t, seen{"HEAD", "/livez", 200, ""}, <-all)
	f.do("GET", "/api/v1/random/path", nil)
	require.Equal(t, seen{"GET", server.RouteUnmatched, 404, ""}, <-all)
	f.do("BREW", "/livez", nil)
	require.Equal(t, seen{"OTHER", server.RouteUnmatched, 405, ""}, <-all)
	f.raw("nonsense\r\n\r\n")
	require.Equal(t, 400, (<-all).status)
	require.Equal(t, "up 1", string(f.do("GET", "/metrics", nil, "-").body))
}
