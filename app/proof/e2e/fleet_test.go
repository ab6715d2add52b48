package e2e

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/adapters/redistest"
)

// envFleet names the variable that says over how many nodes the tests run. They share a
// PostgreSQL and a Redis, and a proxy gives each request to the next of them, so that no
// two requests of a page reach the same one. Without it there is one node on SQLite.
const envFleet = "EVENTFLOW_TEST_FLEET"

// fleetSize is how many nodes there are.
func fleetSize(t testing.TB) int {
	t.Helper()
	text := os.Getenv(envFleet)
	if text == "" {
		return 1
	}
	size, err := strconv.Atoi(text)
	require.NoError(t, err, envFleet)
	return size
}

// fleetEnviron is what all nodes are told.
func fleetEnviron(t testing.TB) []string {
	t.Helper()
	return []string{
		"EVENTFLOW_STORE=" + pgtest.URL(t).String(), "EVENTFLOW_REDIS=" + redistest.URL(t),
		"EVENTFLOW_RATE_KEY=off", "EVENTFLOW_ALLOW_PRIVATE_DESTINATIONS=true", "EVENTFLOW_TRUSTED_PROXIES=127.0.0.0/8",
	}
}

// fleet is the nodes beside the first one, and the proxy in front of them all.
type fleet struct {
	nodes []*url.URL
	turn  atomic.Int64
	// from is the address that clients seem to have. Redis counts attempts to sign in by
	// it, and other tests use the same Redis.
	from  string
	proxy *http.Server
	stops []func()
}

// runFleet starts the nodes and the proxy at addr, which is the program's address then.
// The first node is `eventflow dev`, which makes the first minute; the others are
// `eventflow serve` with its secret.
func (p *program) runFleet(addr string, size int) {
	p.t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(p.t.Context(), "tcp", addr)
	require.NoError(p.t, err)
	front := "http://" + listener.Addr().String()
	p.shared = append(p.sharedStores(), "EVENTFLOW_PUBLIC_URL="+front)
	p.runNode("127.0.0.1:0")
	first, err := url.Parse(p.base)
	require.NoError(p.t, err)
	f := &fleet{nodes: []*url.URL{first}, stops: []func(){p.stop}, from: fmt.Sprintf("10.%d.%d.%d", rand.N(256), rand.N(256), rand.N(256))}
	secret, err := os.ReadFile(filepath.Join(p.folder, "eventflow_data", "secret"))
	require.NoError(p.t, err)
	for len(f.nodes) < size {
		node, stop := p.serve("EVENTFLOW_SECRET=" + strings.TrimSpace(string(secret)))
		f.nodes, f.stops = append(f.nodes, node), append(f.stops, stop)
	}
	f.proxy = &http.Server{Handler: f.handler(), ReadHeaderTimeout: patience}
	go func() { _ = f.proxy.Serve(listener) }() // until stop closes it
	p.base = front
	p.stop = sync.OnceFunc(f.stop)
	p.t.Cleanup(p.stop)
}

// sharedStores are the stores of the program's nodes. They outlive the nodes.
func (p *program) sharedStores() []string {
	if p.stores == nil {
		p.stores = fleetEnviron(p.t)
	}
	return p.stores
}

// handler gives each request to the next node, under the name that the client called.
func (f *fleet) handler() http.Handler {
	return &httputil.ReverseProxy{
		FlushInterval: -1, // tails are streams
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(f.nodes[int(f.turn.Add(1))%len(f.nodes)])
			r.Out.Host = r.In.Host
			r.Out.Header.Set("X-Forwarded-For", f.from)
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
}

// stop ends the proxy first: a server that is away answers nothing.
func (f *fleet) stop() {
	_ = f.proxy.Close() // its clients do not wait
	var all sync.WaitGroup
	for _, stop := range f.stops {
		all.Go(stop)
	}
	all.Wait()
}

var listening = regexp.MustCompile(`"msg":"listening","addr":"([^"]+)"`)

// serve starts one more node and returns where it listens.
func (p *program) serve(environ ...string) (at *url.URL, stop func()) {
	p.t.Helper()
	binary, err := os.Executable()
	require.NoError(p.t, err)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	cmd := exec.CommandContext(ctx, binary, "serve", "--addr", "127.0.0.1:0", "--rate-user", "off", "--rate-address", "off")
	cmd.Dir, cmd.Env = p.folder, append(p.environ(), environ...)
	stderr, err := cmd.StderrPipe()
	require.NoError(p.t, err)
	require.NoError(p.t, cmd.Start())
	stop = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = cmd.Wait()                          // however it ended
		cancel()
	})
	p.t.Cleanup(stop)
	var said strings.Builder
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		if found := listening.FindStringSubmatch(lines.Text()); found != nil {
			go func() { // what else it logs
				for lines.Scan() {
				}
			}()
			return &url.URL{Scheme: "http", Host: found[1]}, stop
		}
	}
	p.t.Fatalf("a node ended: %s", &said)
	return nil, nil
}
