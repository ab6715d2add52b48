package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/app"
	"github.com/eventflow-go/eventflow/core"
)

// answer is what a server said.
type answer struct {
	status int
	header http.Header
	body   string
	last   bool // the connection is closed after it
}

func get(t *testing.T, url string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	return do(t, request)
}

func do(t *testing.T, request *http.Request) answer {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return answer{response.StatusCode, response.Header, string(body), response.Close}
}

// stores are the stores that a server is proved on.
func stores() map[string]func(*testing.T) string {
	return map[string]func(*testing.T) string{
		"sqlite":   func(t *testing.T) string { t.Helper(); return "EVENTFLOW_STORE=sqlite:" + t.TempDir() },
		"postgres": func(t *testing.T) string { t.Helper(); return "EVENTFLOW_STORE=" + pgtest.URL(t).String() },
	}
}

// TestAServerServesUntilItIsStopped holds, on each store, what those who
// operate a server see of it, and that its events outlive it.
func TestAServerServesUntilItIsStopped(t *testing.T) {
	t.Parallel()
	for name, store := range stores() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, store := newHome(t), store(t)
			server := h.serve(store)
			alive := get(t, server.url+"/livez")
			require.Equal(t, 200, alive.status)
			require.Equal(t, `{"status":"ok"}`, alive.body)
			for _, path := range []string{"/readyz", "/api/v1/health"} {
				ready := get(t, server.url+path)
				require.Equal(t, 200, ready.status, ready.body)
				checkHealth(t, ready.body, name)
			}
			client := server.client(h.key(store))
			_, err := client.CreateStream(t.Context(), core.StreamSpec{Name: "orders"})
			require.NoError(t, err)
			receipt, err := client.Publish(t.Context(), "orders", someEvent)
			require.NoError(t, err)
			_, err = client.Event(t.Context(), "orders", receipt.ID.String())
			require.NoError(t, err)
			checkMetrics(t, get(t, server.url+"/metrics").body)
			require.Zero(t, server.stop(), server.stderr)

			again := h.serve(store).client(h.key(store))
			event, err := again.Event(t.Context(), "orders", receipt.ID.String())
			require.NoError(t, err)
			require.Equal(t, string(someEvent.Payload), string(event.Payload))
		})
	}
}

// checkHealth holds that all is well, and what is looked at.
func checkHealth(t *testing.T, body, store string) {
	t.Helper()
	var report rest.Health
	require.NoError(t, json.Unmarshal([]byte(body), &report))
	require.Equal(t, rest.StatusOK, report.Status, body)
	looked := []string{"store", "catalog", "clock", "migrations"}
	if store == "sqlite" {
		looked = append(looked, "disk")
	}
	for _, name := range looked {
		require.Equal(t, rest.Check{Status: rest.StatusOK}, report.Checks[name], body)
		delete(report.Checks, name)
	}
	for work, check := range report.Checks { // which there has been time for
		require.Contains(t, []string{"retention", "replays", "replay_rights", "key_usage", "processors", "deliveries", "reports", "sources", "feeds", "moves"}, work)
		require.Equal(t, rest.StatusOK, check.Status, body)
		require.NotZero(t, check.LastRun, body)
	}
}

// checkMetrics holds the names that dashboards are built on.
func checkMetrics(t *testing.T, text string) {
	t.Helper()
	for _, name := range []string{
		"eventflow_http_request_duration_seconds_count{", "eventflow_append_duration_seconds_count{", "eventflow_append_group_events_sum ",
		"eventflow_read_duration_seconds_count ", "eventflow_events_stored_total{", "eventflow_ingest_queue_events 0\n", "go_goroutines ",
	} {
		require.Contains(t, text, "\n"+name)
	}
	require.Contains(t, text, `type="order.paid"} 1`)
	require.Contains(t, text, `# TYPE eventflow_append_duration_seconds histogram`)
}

// TestRequestsAreLoggedAsJSON holds that each line of the log is a JSON object
// and that a request's line has the id that its answer has.
func TestRequestsAreLoggedAsJSON(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	server := h.serve("EVENTFLOW_LOG_LEVEL=debug")
	refused := get(t, server.url+"/api/v1/streams")
	require.Equal(t, 401, refused.status)
	id := refused.header.Get("X-Request-Id")
	require.NotEmpty(t, id)
	require.Equal(t, id, server.await(server.stderr, `"request_id":"(`+id+`)"`))
	require.Equal(t, 200, get(t, server.url+"/livez?logged=at-debug-level").status)
	server.await(server.stderr, `("path":"/livez)`)
	require.Zero(t, server.stop())
	found := false
	for line := range strings.Lines(server.stderr.String()) {
		var record map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &record), line)
		require.Contains(t, record, "time")
		require.Contains(t, record, "level")
		if record["request_id"] == id {
			found = true
			require.Equal(t, []any{"request", "GET", "/api/v1/streams", 401.0}, []any{record["msg"], record["method"], record["path"], record["status"]})
			require.Contains(t, record, "duration_ms")
		}
	}
	require.True(t, found)
}

// TestTwoServersMayShareAFolder holds that a second server on the same SQLite
// folder is a second server of the same log, not a second log.
func TestTwoServersMayShareAFolder(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	one, other := h.serve(), h.serve()
	key := h.key()
	_, err := one.client(key).CreateStream(t.Context(), core.StreamSpec{Name: "orders"})
	require.NoError(t, err)
	for i := range core.Offset(10) {
		server := []*process{one, other}[i%2]
		receipt, err := server.client(key).Publish(t.Context(), "orders", someEvent)
		require.NoError(t, err)
		require.Equal(t, i, receipt.Offset)
	}
	for _, server := range []*process{one, other} {
		stats, err := server.client(key).StreamStats(t.Context(), "orders")
		require.NoError(t, err)
		require.EqualValues(t, 10, stats.NextOffset)
	}
	require.Zero(t, one.stop())
	_, err = other.client(key).Publish(t.Context(), "orders", someEvent)
	require.NoError(t, err)
	require.Zero(t, other.stop())
}

// gone is an address at which nothing listens, and no other test may either.
const gone = "127.0.0.1:1"

// TestWhatKeepsAServerFromStartingIsSaid holds that a server that cannot do
// its work says why and ends, and shows no password.
func TestWhatKeepsAServerFromStartingIsSaid(t *testing.T) {
	t.Parallel()
	var config net.ListenConfig
	taken, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = taken.Close() })
	for name, c := range map[string]struct {
		setting string
		says    []string
	}{
		"address in use":       {"EVENTFLOW_ADDR=" + taken.Addr().String(), []string{"setting addr", taken.Addr().String(), "address already in use"}},
		"unreachable database": {"EVENTFLOW_STORE=postgres://user:hush@" + gone + "/db", []string{"opening the catalog", gone, "connection refused"}},
		"unreachable catalog":  {"EVENTFLOW_CATALOG=postgres://user:hush@" + gone + "/db", []string{"opening the catalog", gone, "connection refused"}},
		"folder is a file":     {"EVENTFLOW_STORE=sqlite:file", []string{"opening the catalog", "file", "not a directory"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			h.write("file", "no folder")
			o := h.run([]string{secret, anyone, c.setting}, "serve")
			require.Equal(t, 1, o.code, o.stderr)
			for _, says := range c.says {
				require.Contains(t, o.stderr, says)
			}
			require.Contains(t, o.stderr, "eventflow: ")
			require.NotContains(t, o.stderr, "hush")
			require.NotContains(t, o.stderr, "listening")
		})
	}
}

// TestAStartThatHangsCanBeStopped holds that SIGTERM ends a server that waits
// for a database that does not answer.
func TestAStartThatHangsCanBeStopped(t *testing.T) {
	t.Parallel()
	var config net.ListenConfig
	silent, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = silent.Close() })
	server := newHome(t).start([]string{secret, anyone, "EVENTFLOW_STORE=postgres://user@" + silent.Addr().String() + "/db?sslmode=disable"}, "serve")
	conn, err := silent.Accept() // it has begun
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.Equal(t, 1, server.stop())
	require.Contains(t, server.stderr.String(), "stopped before the server was ready")
}

// TestRelaxedDurabilityIsNotReady holds that a server whose database may lose
// acknowledged events takes no traffic, unless the operator allows it.
func TestRelaxedDurabilityIsNotReady(t *testing.T) {
	t.Parallel()
	u := pgtest.URL(t)
	query := u.Query()
	query.Set("synchronous_commit", "off")
	u.RawQuery = query.Encode()
	store := "EVENTFLOW_STORE=" + u.String()
	h := newHome(t)
	for setting, want := range map[string]struct {
		store   string
		status  int
		overall string
		says    string
	}{
		"EVENTFLOW_ALLOW_RELAXED_DURABILITY=false": {store, 503, "unavailable", "synchronous_commit=off"},
		"EVENTFLOW_ALLOW_RELAXED_DURABILITY=true":  {store, 200, "degraded", "acknowledged events may be lost in a crash"},
		"EVENTFLOW_REQUIRE_STANDBY=true": {
			"EVENTFLOW_STORE=" + pgtest.URL(t).String(), 503, "unavailable", "no standby is waited for: synchronous_standby_names is empty",
		},
	} {
		server := h.serve(want.store, setting)
		ready := get(t, server.url+"/readyz")
		require.Equal(t, want.status, ready.status, ready.body)
		require.Contains(t, ready.body, fmt.Sprintf(`{"status":%q`, want.overall))
		require.Contains(t, ready.body, want.says)
		require.Equal(t, 200, get(t, server.url+"/livez").status)
		require.Zero(t, server.stop())
	}
}

// TestAnEmbeddedServerStopsCompletely holds that Start and Stop leave nothing
// behind in a process that goes on: TestMain looks for goroutines.
func TestAnEmbeddedServerStopsCompletely(t *testing.T) {
	t.Parallel()
	_, err := app.Start(t.Context(), app.Config{})
	require.ErrorContains(t, err, "setting addr")
	cfg := app.DefaultConfig()
	cfg.Addr, cfg.Store, cfg.Catalog, cfg.LogLevel = "127.0.0.1:0", "memory:", "sqlite:"+t.TempDir(), "error"
	cfg.AllowRelaxedDurability = true // it is memory
	_, err = app.Start(t.Context(), cfg, app.Storage("memory", memory.Open))
	require.ErrorContains(t, err, "setting secret is not set")
	cfg.Secret = strings.TrimPrefix(secret, "EVENTFLOW_SECRET=")
	running, err := app.Start(t.Context(), cfg, app.Storage("memory", memory.Open))
	require.NoError(t, err)
	require.Equal(t, 200, get(t, "http://"+running.Addr.String()+"/readyz").status)
	require.NoError(t, running.Stop())
}

// The secret is changed without a moment in which somebody is shut out: keys,
// sessions and links of the one before stay good while it is named.
func TestTheSecretIsChanged(t *testing.T) {
	t.Parallel()
	h, ctx := newHome(t), context.Background()
	server := h.serve(secret)
	key := h.key()
	_, ticket, _ := strings.Cut(strings.TrimSpace(h.run([]string{secret}, "user", "setup-link").stdout), "#t=")
	signedIn, err := server.client("").Setup(ctx, rest.SetupRequest{Token: ticket, Email: "ann@example.com", Password: goodPassword, WantRefreshToken: true})
	require.NoError(t, err)
	invited, err := server.client(signedIn.AccessToken).Invite(ctx, rest.InviteRequest{Email: "bob@example.com", Role: core.RoleViewer})
	require.NoError(t, err)
	require.Zero(t, server.stop())

	const next = "EVENTFLOW_SECRET=another-secret-for-programs-that-live-on-and-on"
	for _, kept := range []bool{false, true} {
		server = h.serve(next, "EVENTFLOW_SECRET_PREVIOUS="+map[bool]string{true: strings.TrimPrefix(secret, "EVENTFLOW_SECRET=")}[kept])
		_, err = server.client(key).StreamsPage(ctx, core.StreamQuery{})
		require.Equal(t, kept, err == nil, "the key: %v", err)
		_, err = server.client(signedIn.AccessToken).Me(ctx)
		require.Equal(t, kept, err == nil, "the access token: %v", err)
		again, err := server.client("").Refresh(ctx, rest.RefreshRequest{RefreshToken: signedIn.RefreshToken, WantRefreshToken: true})
		require.Equal(t, kept, err == nil, "the refresh token: %v", err)
		if kept {
			_, err = server.client(again.AccessToken).Me(ctx)
			require.NoError(t, err, "the new secret's")
			_, ticket, _ := strings.Cut(invited.Link, "#invite=")
			_, err = server.client("").Accept(ctx, rest.AcceptRequest{Token: ticket, Password: goodPassword})
			require.NoError(t, err, "the link")
		}
		require.Zero(t, server.stop())
	}
}
