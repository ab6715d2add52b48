// Package oteltest is a collector of OpenTelemetry's spans within the process, for
// tests and measurements.
package oteltest

import (
	"compress/gzip"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip" // which clients may ask for
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

// Collector takes spans by gRPC and by HTTP.
type Collector struct {
	collector.UnimplementedTraceServiceServer
	// GRPC and HTTP are the URLs of its two doors.
	GRPC, HTTP string
	// Count is how many spans came.
	Count atomic.Int64

	close func()
	// mu guards what follows.
	mu      sync.Mutex
	forgets bool
	batches []*traces.ResourceSpans
	headers []map[string][]string
}

// Start starts a collector on free ports of this machine.
func Start() (*Collector, error) {
	c := &Collector{}
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it does not wait
	if err != nil {
		return nil, err
	}
	rpc := grpc.NewServer()
	collector.RegisterTraceServiceServer(rpc, c)
	go func() { _ = rpc.Serve(listener) }() // ends with Stop
	web := httptest.NewServer(http.HandlerFunc(c.serve))
	c.GRPC, c.HTTP = "http://"+listener.Addr().String(), web.URL
	c.close = func() { rpc.Stop(); web.Close() }
	return c, nil
}

// Close closes both doors.
func (c *Collector) Close() { c.close() }

// Forget has the collector count spans and keep none.
func (c *Collector) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgets = true
}

// Export implements the collector's service.
func (c *Collector) Export(ctx context.Context, request *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	sent, _ := metadata.FromIncomingContext(ctx)
	c.take(request, sent)
	return &collector.ExportTraceServiceResponse{}, nil
}

func (c *Collector) serve(w http.ResponseWriter, r *http.Request) {
	var body io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body = unpacked
	}
	text, err := io.ReadAll(body)
	request := &collector.ExportTraceServiceRequest{}
	if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(text, request) != nil {
		http.Error(w, "these are no traces", http.StatusBadRequest)
		return
	}
	c.take(request, r.Header)
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func (c *Collector) take(request *collector.ExportTraceServiceRequest, headers map[string][]string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, batch := range request.GetResourceSpans() {
		for _, scope := range batch.GetScopeSpans() {
			c.Count.Add(int64(len(scope.GetSpans())))
		}
		if !c.forgets {
			c.batches, c.headers = append(c.batches, batch), append(c.headers, headers)
		}
	}
}

// Spans returns all spans that came.
func (c *Collector) Spans() (all []*traces.Span) {
	for _, batch := range c.Batches() {
		for _, scope := range batch.GetScopeSpans() {
			all = append(all, scope.GetSpans()...)
		}
	}
	return all
}

// Batches returns all that came, as it came: by who sent it.
func (c *Collector) Batches() []*traces.ResourceSpans {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*traces.ResourceSpans(nil), c.batches...)
}

// Headers returns the headers that each of the batches came with.
func (c *Collector) Headers() []map[string][]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]map[string][]string(nil), c.headers...)
}
