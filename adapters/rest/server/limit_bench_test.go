package server_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/memlimit"
	"github.com/eventflow-go/eventflow/adapters/rest/server"
	"github.com/eventflow-go/eventflow/core"
)

// BenchmarkLimiter measures what a limiter costs a request that stores an event
// on storage that takes no time: as the ratio of the rate with to that without,
// the median of rounds in which both take turns.
func BenchmarkLimiter(b *testing.B) {
	most := server.Rates{Key: core.Limit{PerMinute: core.MaxLimit, Burst: core.MaxLimit}}
	without, with := start(b), start(b, withLimiter(memlimit.New(), most))
	body := event(`{"note":"` + fmt.Sprintf("%0300d", 0) + `"}`)
	const requests = 2000
	round := func(f *fixture) float64 {
		client := fasthttp.HostClient{Addr: f.address, ReadTimeout: 10 * time.Second}
		defer client.CloseIdleConnections()
		request, response := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
		request.SetRequestURI("http://" + f.address + ordersEvents)
		request.Header.SetMethod("POST")
		request.Header.Set("X-API-Key", f.key)
		request.Header.SetContentType("application/json")
		request.SetBodyString(body)
		begin := time.Now()
		for range requests {
			if err := client.Do(request, response); err != nil || response.StatusCode() != 202 {
				b.Fatalf("%v %d", err, response.StatusCode())
			}
		}
		return requests / time.Since(begin).Seconds()
	}
	without.stream("orders")
	with.stream("orders")
	round(without)
	round(with)
	var ratios []float64
	for b.Loop() {
		first, on, second := round(without), round(with), round(without)
		ratios = append(ratios, 2*on/(first+second))
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "on÷off")
	b.ReportMetric(0, "ns/op")
}
