package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"
)

// BenchmarkServer measures requests over real connections: what the server
// itself costs, and what an event costs on storage that takes no time.
func BenchmarkServer(b *testing.B) {
	f := start(b)
	f.stream("orders")
	f.stream("full")
	body := event(`{"order_id":"0198c0de-7a1b-7c3d-8e4f-5a6b7c8d9e0f","amount":12.5,"currency":"EUR","items":[{"sku":"a-1","n":2},{"sku":"b-2","n":1}],"note":"` + fmt.Sprintf("%0150d", 0) + `"}`)
	for range 1000 {
		require.Equal(b, 202, f.do("POST", "/api/v1/streams/full/events", strings.NewReader(body)).StatusCode)
	}
	for _, c := range []struct {
		name, method, path, body string
		status                   int
	}{
		{"livez", "GET", "/livez", "", 200},
		{"post", "POST", ordersEvents, body, 202},
		{"page", "GET", "/api/v1/streams/full/events?limit=1000", "", 200},
	} {
		b.Run(c.name, func(b *testing.B) {
			client := fasthttp.HostClient{Addr: f.address, MaxConns: 128, ReadTimeout: 10 * time.Second}
			b.SetParallelism(64)
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				request, response := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
				request.SetRequestURI("http://" + f.address + c.path)
				request.Header.SetMethod(c.method)
				request.Header.Set("X-API-Key", f.key)
				request.Header.SetContentType("application/json")
				request.SetBodyString(c.body)
				for pb.Next() {
					if err := client.Do(request, response); err != nil || response.StatusCode() != c.status {
						b.Errorf("%v %d", err, response.StatusCode())
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
			client.CloseIdleConnections()
		})
	}
}
