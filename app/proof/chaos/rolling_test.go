package chaos_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// probeEvery is how often the balancer asks the nodes whether they are ready. drainDelay
// is for how long a node that stops still takes requests: enough for a few probes, on a
// busy machine too.
const (
	probeEvery = 50 * time.Millisecond
	drainDelay = time.Second
)

// balancer passes requests on to the nodes that are ready, one after the other, as a
// plain load balancer does: it tries nothing twice.
type balancer struct {
	nodes []*node
	ready []atomic.Bool
	turn  atomic.Int64

	mu sync.Mutex
	// failures are the answers that a client cannot do anything about, and retryable is
	// how many said when to come back.
	failures  []string
	retryable int
}

// balance starts a balancer in front of nodes and returns its address.
func balance(t *testing.T, nodes ...*node) (*balancer, string) {
	t.Helper()
	b := &balancer{nodes: nodes, ready: make([]atomic.Bool, len(nodes))}
	ctx, stop := context.WithCancel(context.Background())
	var probing sync.WaitGroup
	for i := range nodes {
		b.ready[i].Store(true)
		probing.Go(func() { b.probe(ctx, i) })
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	proxy := &httputil.ReverseProxy{
		Transport: transport,
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(b.next()) },
		ModifyResponse: func(r *http.Response) error {
			b.note(r)
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil { // or the client has gone
				b.fail(fmt.Sprintf("%s %s: %v", r.Method, r.URL.Path, err))
			}
			w.WriteHeader(http.StatusBadGateway)
		},
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(func() {
		server.Close()
		stop()
		probing.Wait()
		transport.CloseIdleConnections()
	})
	return b, server.URL
}

// probe looks again and again whether a node is ready.
func (b *balancer) probe(ctx context.Context, i int) {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			b.ready[i].Store(b.nodes[i].ready())
		}
	}
}

// next is the node whose turn it is.
func (b *balancer) next() *url.URL {
	for range b.nodes {
		i := int(b.turn.Add(1)) % len(b.nodes)
		if b.ready[i].Load() {
			return &url.URL{Scheme: "http", Host: b.nodes[i].addr}
		}
	}
	return &url.URL{Scheme: "http", Host: b.nodes[0].addr}
}

func (b *balancer) fail(what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures = append(b.failures, what)
}

// note counts an answer with which a request failed.
func (b *balancer) note(r *http.Response) {
	switch {
	case r.StatusCode < 400:
	case r.StatusCode == http.StatusServiceUnavailable && r.Header.Get("Retry-After") != "":
		b.mu.Lock()
		b.retryable++
		b.mu.Unlock()
	default:
		b.fail(fmt.Sprintf("%s %s: %s", r.Request.Method, r.Request.URL.Path, r.Status))
	}
}

// TestARollingRestartFailsNoRequest restarts two nodes one after the other behind a load
// balancer, while producers, readers and a consumer are at work. No request fails but
// with a 503 that says when to come back, and nothing is lost or doubled.
func TestARollingRestartFailsNoRequest(t *testing.T) {
	t.Parallel()
	store := pgtest.URL(t).String()
	delay := "EVENTFLOW_DRAIN_DELAY=" + drainDelay.String()
	first, second := newNode(t, store, delay), newNode(t, store, delay)
	first.start()
	second.start()
	b, address := balance(t, first, second)
	client := rest.NewClient(address, first.key())
	createStreams(t, client, streams...)
	_, err := client.CreateGroup(t.Context(), streams[0], core.GroupSpec{Name: "mail"})
	require.NoError(t, err)
	load := startLoad(t, client)
	consumed := consume(t, client)
	for range max(kills(t)/8, 1) {
		for _, n := range []*node{first, second} {
			load.progress(someEvents())
			n.end(syscall.SIGTERM)
			n.start()
			until(t, "the balancer finds both nodes ready", func() bool { return b.ready[0].Load() && b.ready[1].Load() })
		}
	}
	load.progress(someEvents())
	before := consumed.Load()
	until(t, "the consumer gets on", func() bool { return consumed.Load() > before })
	load.check(client)
	b.mu.Lock()
	defer b.mu.Unlock()
	require.Empty(t, b.failures)
	t.Logf("%d requests were answered with a 503 that says when to come back", b.retryable)
}

// consume takes events out of the group as long as the test runs, and counts them.
func consume(t *testing.T, client *rest.Client) *atomic.Int64 {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var consuming sync.WaitGroup
	t.Cleanup(func() {
		stop()
		consuming.Wait()
	})
	consumed := &atomic.Int64{}
	consuming.Go(func() {
		for ctx.Err() == nil {
			got, err := client.Poll(ctx, streams[0], "mail", rest.PollOptions{Limit: 100, Wait: 5 * time.Second})
			if err != nil || len(got.Events) == 0 {
				<-time.After(retryAfter)
				continue
			}
			last := got.Events[len(got.Events)-1]
			if _, err := client.Commit(ctx, streams[0], "mail", rest.CommitRequest{LastEventID: &last.ID, Lease: &got.Lease.ID}); err == nil {
				consumed.Add(int64(len(got.Events)))
			}
		}
	})
	return consumed
}
