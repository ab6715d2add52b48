package server_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memlimit"
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/server"
	"github.com/eventflow-go/eventflow/core"
)

// counter is a limiter that answers what it is told to.
type counter struct {
	mu    sync.Mutex
	state core.LimitState
	err   error
	asked []string
}

func (c *counter) Take(_ context.Context, key string, limit core.Limit, n int, _ time.Time) (core.LimitState, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, strings.Join([]string{key, limit.String(), strconv.Itoa(n)}, " "))
	return c.state, c.err
}

func (c *counter) answer(state core.LimitState, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state, c.err, c.asked = state, err, nil
}

func (c *counter) takeAsked() (asked []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	asked, c.asked = c.asked, nil
	return asked
}

var someRates = server.Rates{
	Key: core.Limit{PerMinute: 1000, Burst: 100}, User: core.Limit{PerMinute: 500, Burst: 50}, Address: core.Limit{PerMinute: 60, Burst: 3},
}

func withLimiter(limiter core.RateLimiter, rates server.Rates) option {
	return func(o *server.Options, _ *fixture) { o.Limiter, o.Rates = limiter, rates }
}

// limitHeaders are what an answer says about limits.
func limitHeaders(r reply) map[string]string {
	found := map[string]string{}
	for name, values := range r.Header {
		if strings.Contains(name, "Ratelimit") || name == "Retry-After" {
			found[name] = strings.Join(values, "|")
		}
	}
	return found
}

// takeReset removes the time of the reset, which must be as far away as said.
func takeReset(t *testing.T, headers map[string]string, since time.Time, after time.Duration) {
	t.Helper()
	reset, err := strconv.ParseInt(headers["X-Ratelimit-Reset"], 10, 64)
	require.NoError(t, err)
	require.False(t, time.Unix(reset, 0).Before(since.Add(after)), "%d", reset)
	require.True(t, time.Unix(reset, 0).Before(time.Now().Add(after+time.Second)), "%d", reset)
	delete(headers, "X-Ratelimit-Reset")
}

// TestEveryAnswerSaysWhatIsLeft holds the headers of all that is counted, also
// of what goes wrong after it was.
func TestEveryAnswerSaysWhatIsLeft(t *testing.T) {
	t.Parallel()
	limiter := &counter{state: core.LimitState{Allowed: true}}
	f := start(t, withLimiter(limiter, someRates))
	f.stream("orders")
	producer := f.newKey(core.RoleProducer)
	for _, c := range []struct {
		name, method, path, body, header string
		status                           int
		limit                            string
	}{
		{"stored", "POST", ordersEvents, event(`{}`), "", 202, "1000"},
		{"a batch", "POST", ordersEvents + "/batch", `{"events":[` + event(`1`) + `,` + event(`2`) + `]}`, "", 0, "1000"},
		{"HEAD", "HEAD", rest.StreamsPath, "", "", 200, "1000"},
		{"not valid", "POST", ordersEvents, `{}`, "", 400, "1000"},
		{"not permitted", "GET", rest.StreamsPath, "", "X-API-Key: " + producer, 403, "1000"},
		{"not there", "GET", rest.StreamsPath + "/nope", "", "", 404, "1000"},
		{"no credential", "GET", rest.StreamsPath, "", "-", 401, "60"},
		{"a wrong credential", "GET", rest.StreamsPath, "", "X-API-Key: wrong", 401, "60"},
	} {
		t.Run(c.name, func(t *testing.T) {
			limiter.answer(core.LimitState{Allowed: true, Remaining: 42, ResetAfter: 5100 * time.Millisecond}, nil)
			var headers []string
			if c.header != "" {
				headers = []string{c.header}
			}
			before := time.Now()
			got := f.do(c.method, c.path, strings.NewReader(c.body), append(headers, "Content-Type: application/json")...)
			if c.status != 0 {
				require.Equal(t, c.status, got.StatusCode, "%s", got.body)
			}
			said := limitHeaders(got)
			takeReset(t, said, before, 5100*time.Millisecond)
			require.Equal(t, map[string]string{
				"X-Ratelimit-Limit": c.limit, "X-Ratelimit-Remaining": "42",
				"Ratelimit-Policy": `"default";q=` + c.limit + `;w=60`, "Ratelimit": `"default";r=42;t=6`,
			}, said)
			require.Len(t, limiter.takeAsked(), 1, "a request is counted once")
		})
	}
}

// TestWhoIsOverTheLimitIsToldWhenToComeBack holds the answer 429, and that
// nothing else happens.
func TestWhoIsOverTheLimitIsToldWhenToComeBack(t *testing.T) {
	t.Parallel()
	limiter := &counter{state: core.LimitState{Allowed: true}}
	f := start(t, withLimiter(limiter, someRates))
	f.stream("orders")
	for _, c := range []struct {
		wait         time.Duration
		header, says string
	}{
		{time.Millisecond, "1", "1 second"},
		{time.Second, "1", "1 second"},
		{1001 * time.Millisecond, "2", "2 seconds"},
		{time.Hour, "3600", "3600 seconds"},
	} {
		limiter.answer(core.LimitState{ResetAfter: 2 * time.Hour, RetryAfter: c.wait}, nil)
		before := time.Now()
		got := f.do("POST", ordersEvents, strings.NewReader(event(`{}`)), "Content-Type: application/json")
		problem := got.problem(t)
		require.Equal(t, 429, got.StatusCode)
		require.Equal(t, core.CodeRateLimited, problem.Code)
		require.Equal(t, "too many requests: 1000 per minute and 100 at once are allowed; try again in "+c.says, problem.Message)
		said := limitHeaders(got)
		takeReset(t, said, before, 2*time.Hour)
		require.Equal(t, map[string]string{
			"Retry-After": c.header, "X-Ratelimit-Limit": "1000", "X-Ratelimit-Remaining": "0",
			"Ratelimit-Policy": `"default";q=1000;w=60`, "Ratelimit": `"default";r=0;t=7200`,
		}, said)
		require.True(t, got.Close, "of a request with a body the connection is closed")
		require.False(t, f.do("GET", rest.StreamsPath, nil).Close, "without one it stays")
	}
	limiter.answer(core.LimitState{Allowed: true}, nil)
	require.Zero(t, f.events("orders"))
}

// TestRequestsAreCountedByWhoMakesThem holds whose bucket a request takes from.
func TestRequestsAreCountedByWhoMakesThem(t *testing.T) {
	t.Parallel()
	limiter := &counter{state: core.LimitState{Allowed: true}}
	o := openOffice(t, withLimiter(limiter, someRates))
	signedIn := o.person("ann@example.com", core.RoleAdmin)
	require.Equal(t, []string{"addr:127.0.0.1 60/3 1"}, limiter.takeAsked(), "the login")
	me, err := o.as(signedIn).Me(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"user:" + me.User.ID.String() + " 500/50 1"}, limiter.takeAsked())
	require.Equal(t, 200, o.do("GET", rest.StreamsPath, nil).StatusCode)
	asked := limiter.takeAsked()
	require.Len(t, asked, 1)
	require.Regexp(t, `^key:[0-9a-f-]{36} 1000/100 1$`, asked[0])
	require.Equal(t, 401, o.do("GET", rest.StreamsPath, nil, "-").StatusCode)
	require.Equal(t, []string{"addr:127.0.0.1 60/3 1"}, limiter.takeAsked())
}

// TestThoseWhoOperateAreNotCounted holds which paths have no limit.
func TestThoseWhoOperateAreNotCounted(t *testing.T) {
	t.Parallel()
	limiter := &counter{}
	f := start(t, withLimiter(limiter, someRates), func(o *server.Options, _ *fixture) {
		o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) })
	})
	for _, path := range []string{"/livez", "/readyz", "/metrics", "/api/v1/health", "/api/v1/health/live", "/api/v1/health/ready"} {
		got := f.do("GET", path, nil)
		require.Equal(t, 200, got.StatusCode, path)
		require.Empty(t, limitHeaders(got), path)
	}
	require.Empty(t, limiter.takeAsked())
	for _, r := range server.Routes() {
		if r.Action == server.Public && strings.HasPrefix(r.Path, rest.AuthPath) {
			got := f.do(r.Method, r.Path, strings.NewReader(`{}`), "-", "Content-Type: application/json")
			require.Equal(t, 429, got.StatusCode, r.Path)
		}
	}
}

// TestALimitOfNoneIsNone holds that each kind can be switched off.
func TestALimitOfNoneIsNone(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]option{
		"no limiter": withLimiter(nil, someRates), "no limits": withLimiter(&counter{}, server.Rates{}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := start(t, option)
			for _, header := range []string{"Accept: */*", "-"} {
				require.Empty(t, limitHeaders(f.do("GET", rest.StreamsPath, nil, header)))
			}
		})
	}
}

// TestGuessersAreLimitedByAddress holds that failing credentials use up their
// address's limit, and nobody else's.
func TestGuessersAreLimitedByAddress(t *testing.T) {
	t.Parallel()
	rates := someRates
	rates.Address = core.Limit{PerMinute: 1, Burst: 3}
	f := start(t, withLimiter(memlimit.New(), rates))
	for left := 2; left >= 0; left-- {
		got := f.do("GET", rest.StreamsPath, nil, "X-API-Key: guess"+strconv.Itoa(left))
		require.Equal(t, 401, got.StatusCode)
		require.Equal(t, strconv.Itoa(left), got.Header.Get("X-RateLimit-Remaining"))
	}
	for range 3 {
		got := f.do("GET", rest.StreamsPath, nil, "X-API-Key: guess")
		require.Equal(t, 429, got.StatusCode)
		wait, err := strconv.Atoi(got.Header.Get("Retry-After"))
		require.NoError(t, err)
		require.InDelta(t, 45, wait, 15)
	}
	got := f.do("GET", rest.StreamsPath, nil)
	require.Equal(t, 200, got.StatusCode)
	require.Equal(t, "99", got.Header.Get("X-RateLimit-Remaining"))
}

// TestAKeyHasAsManyRequestsAsItsLimitSays holds the whole way with a limiter.
func TestAKeyHasAsManyRequestsAsItsLimitSays(t *testing.T) {
	t.Parallel()
	rates := server.Rates{Key: core.Limit{PerMinute: 1, Burst: 20}}
	f := start(t, withLimiter(memlimit.New(), rates))
	other := f.newKey(core.RoleAdmin)
	statuses := map[int]int{}
	for range 30 {
		statuses[f.do("GET", rest.StreamsPath, nil).StatusCode]++
	}
	require.Equal(t, map[int]int{200: 20, 429: 10}, statuses)
	require.Equal(t, 200, f.do("GET", rest.StreamsPath, nil, "X-API-Key: "+other).StatusCode)
	_, err := f.client.StreamStats(t.Context(), "orders")
	require.Equal(t, core.CodeRateLimited, core.CodeOf(err), "the client understands the answer")
}

// TestALimiterThatFailsIsAnAnswer holds that its reason stays inside.
func TestALimiterThatFailsIsAnAnswer(t *testing.T) {
	t.Parallel()
	limiter := &counter{err: errors.New("hush")}
	f := start(t, withLimiter(limiter, someRates))
	got := f.do("GET", rest.StreamsPath, nil)
	require.Equal(t, 500, got.StatusCode)
	require.NotContains(t, string(got.body), "hush")
	require.Contains(t, f.logged.String(), "hush")
}
