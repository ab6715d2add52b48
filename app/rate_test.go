package app_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWrongLimitsRefuseToStart holds that a limit nobody can mean is named.
func TestWrongLimitsRefuseToStart(t *testing.T) {
	t.Parallel()
	for flag, text := range map[string]string{"rate-key": "1000", "rate-user": "none", "rate-address": "0/5"} {
		o := newHome(t).run([]string{secret, anyone}, "serve", "--"+flag+"="+text)
		require.Equal(t, 2, o.code, o.stderr)
		require.Contains(t, o.stderr, "setting "+flag+" must be requests per minute and at once")
		require.Contains(t, o.stderr, "like 1000/100, or off")
	}
}

// TestAServerLimitsRequests holds that the settings arrive, that dev does not
// limit keys, and that a Redis which is not there removes no limit.
func TestAServerLimitsRequests(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	store := "EVENTFLOW_STORE=sqlite:" + t.TempDir()
	server := h.serve(store, "EVENTFLOW_RATE_KEY=1/2", "EVENTFLOW_RATE_ADDRESS=1/3", "EVENTFLOW_REDIS=redis://127.0.0.1:1")
	key := h.key(store)
	ask := func(key string) answer {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.url+"/api/v1/streams", nil)
		require.NoError(t, err)
		request.Header.Set("X-API-Key", key)
		return do(t, request)
	}
	statuses := func(key string, n int) (got []int) {
		for range n {
			got = append(got, ask(key).status)
		}
		return got
	}
	require.Equal(t, []int{200, 200, 429, 429}, statuses(key, 4))
	require.Equal(t, []int{401, 401, 401, 429, 429}, statuses("wrong", 5))
	require.Equal(t, `"default";q=1;w=60`, ask(key).header.Get("RateLimit-Policy"))
	server.await(server.stderr, `(Redis is unreachable: each node counts requests on its own)`)
	require.Zero(t, server.stop())

	dev := newHome(t).dev()
	key = dev.await(dev.stdout, `Test key +(\S+)`)
	server = dev
	require.Empty(t, ask(key).header.Get("RateLimit-Policy"))
	require.Equal(t, `"default";q=100;w=60`, ask("wrong").header.Get("RateLimit-Policy"))
	require.Zero(t, dev.stop())
}
