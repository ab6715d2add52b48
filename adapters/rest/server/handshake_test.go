package server_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// A sender of CloudEvents asks whether it may deliver. Who holds a key that may
// ingest says yes.
func TestASenderAsksWhetherItMayDeliver(t *testing.T) {
	t.Parallel()
	f := start(t, withLimiter(&counter{state: core.LimitState{Allowed: true}}, someRates))
	f.stream("orders")
	const origin = "WebHook-Request-Origin: eventgrid.azure.net"
	for _, path := range []string{ordersEvents, ordersBatch, "/api/v1/events", "/api/v1/events/batch"} {
		got := f.do("OPTIONS", path, nil, "X-API-Key: "+f.newKey(core.RoleProducer), origin, "WebHook-Request-Rate: 120")
		require.Equal(t, 200, got.StatusCode, path)
		require.Empty(t, got.body)
		require.Equal(t, "eventgrid.azure.net", got.Header.Get("WebHook-Allowed-Origin"))
		require.Equal(t, "1000", got.Header.Get("WebHook-Allowed-Rate"))
		require.Contains(t, got.Header.Get("Allow"), "POST, OPTIONS")
		for key, status := range map[string]int{"-": 401, "X-API-Key: x": 401, "X-API-Key: " + f.newKey(core.RoleViewer): 403} {
			got := f.do("OPTIONS", path, nil, key, origin)
			require.Equal(t, status, got.StatusCode, path)
			require.Empty(t, got.Header.Get("WebHook-Allowed-Origin"))
		}
		got = f.do("OPTIONS", path, nil)
		require.Equal(t, 200, got.StatusCode)
		require.Empty(t, got.Header.Get("WebHook-Allowed-Origin"), "nobody asked")
	}
	for _, path := range []string{"/api/v1/streams", "/api/v1/streams/orders/validate", groups, "/livez"} {
		got := f.do("OPTIONS", path, nil, origin)
		require.Equal(t, 405, got.StatusCode, path)
		require.Empty(t, got.Header.Get("WebHook-Allowed-Origin"))
	}
	require.Equal(t, 404, f.do("OPTIONS", "/api/v1/nothing", nil, origin).StatusCode)
}
