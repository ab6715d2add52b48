package server_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/casbinauth"
	"github.com/eventflow-go/eventflow/adapters/memlimit"
	"github.com/eventflow-go/eventflow/adapters/metrics"
	"github.com/eventflow-go/eventflow/adapters/rest/server"
	"github.com/eventflow-go/eventflow/core"
)

// guarded is all that stands between a producer's request and the log, as the
// program wires it: metrics, the policies and a limiter.
func guarded(b *testing.B) option {
	authorizer, err := casbinauth.New()
	if err != nil {
		b.Fatal(err)
	}
	most := server.Rates{Key: core.Limit{PerMinute: core.MaxLimit, Burst: core.MaxLimit}}
	return func(o *server.Options, f *fixture) {
		withLimiter(memlimit.New(), most)(o, f)
		o.Authorizer, o.Observe = authorizer, metrics.New().Request
	}
}

// BenchmarkGuards measures what the guards cost a request that stores an event
// on storage that takes no time: as the ratio of the rate with to that without,
// the median of rounds in which both take turns. The check of the key, which
// cannot be turned off, is measured alone and counted in.
func BenchmarkGuards(b *testing.B) {
	without, with := start(b), start(b, guarded(b))
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
	key := keyCheck(b, without)
	var ratios []float64
	for b.Loop() {
		first, on, second := round(without), round(with), round(without)
		off := 2 / (1/first + 1/second)
		bare := 1 / (1/off - key.Seconds())
		ratios = append(ratios, on/bare)
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "on÷off")
	b.ReportMetric(float64(key.Nanoseconds()), "ns/key")
	b.ReportMetric(0, "ns/op")
}

// keyCheck returns how long it takes to know a key that was used before.
func keyCheck(b *testing.B, f *fixture) time.Duration {
	const checks = 100_000
	begin := time.Now()
	for range checks {
		if _, err := f.access.Authenticate(b.Context(), f.key); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(begin) / checks
}
