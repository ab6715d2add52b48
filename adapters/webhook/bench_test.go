package webhook_test

import (
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/webhook"
	"github.com/eventflow-go/eventflow/core"
)

// BenchmarkSingleDeliveries sends events of 1 KB one by one, 64 at once, to a receiver in
// this process, which costs as little as a receiver can.
func BenchmarkSingleDeliveries(b *testing.B) {
	const inFlight = 64
	listener, err := (&net.ListenConfig{}).Listen(b.Context(), "tcp", "127.0.0.1:0")
	require.NoError(b, err)
	var received atomic.Int64
	server := &fasthttp.Server{Handler: func(c *fasthttp.RequestCtx) {
		received.Add(1)
		c.SetStatusCode(http.StatusNoContent)
	}}
	go func() { _ = server.Serve(listener) }()
	b.Cleanup(func() { require.NoError(b, server.Shutdown()) })

	c := webhook.New(webhook.Options{AllowPrivate: true})
	to, err := c.Check([]byte(`{"parallel":64,"url":"http://`+listener.Addr().String()+`"}`), core.Destination{})
	require.NoError(b, err)
	sink, err := c.Open(b.Context(), to, core.Origin{})
	require.NoError(b, err)
	sent := event(`{"text":"` + strings.Repeat("x", 1000) + `"}`)
	sent.Event.Context = []byte(`{"traceparent":"` + traceparent + `"}`)
	b.ReportAllocs()
	b.SetParallelism(inFlight / 2) // of two cores each
	b.ResetTimer()
	start := time.Now()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := sink.Send(b.Context(), []core.Outgoing{sent})[0].Err; err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "deliveries/s")
	require.EqualValues(b, b.N, received.Load())
}
