package e2e

import (
	"bufio"
	"context"
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

// fleetEnviron is what all nodes are told. Their Redis is their own: it counts how often
// somebody tries to sign in, and the same people do in all tests.
func fleetEnviron(t testing.TB) []string {
	t.Helper()
	redis, err := redistest.Start(t.Context(), t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, redis.Stop()) })
	return []string{
		"EVENTFLOW_STORE=" + pgtest.URL(t).String(), "EVENTFLOW_REDIS=" + redis.URL(),
		"EVENTFLOW_RATE_KEY=off", "EVENTFLOW_ALLOW_PRIVATE_DESTINATIONS=true",
	}
}

// fleet is some nodes, and the proxy in front of them all.
type fleet struct {
	turn  atomic.Int64
	proxy *http.Server
	// mu guards nodes, of which one may be replaced or away while requests come.
	mu    sync.Mutex
	nodes []*node
}

// node is one server of a fleet.
type node struct {
	at      *url.URL
	process *os.Process
	stop    func()
	// away says that the proxy passes it over, as one does that probes /readyz.
	away bool
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
	first := p.runNode("127.0.0.1:0")
	first.at, err = url.Parse(p.base)
	require.NoError(p.t, err)
	p.fleet = &fleet{nodes: []*node{first}}
	for len(p.fleet.nodes) < size {
		p.fleet.nodes = append(p.fleet.nodes, p.serve())
	}
	p.fleet.proxy = &http.Server{Handler: p.fleet.handler(), ReadHeaderTimeout: patience}
	go func() { _ = p.fleet.proxy.Serve(listener) }() // until stop closes it
	p.base = front
	p.stop = sync.OnceFunc(p.fleet.stop)
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
			r.SetURL(f.next())
			r.Out.Host = r.In.Host
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
}

// next is where the node is whose turn it is.
func (f *fleet) next() *url.URL {
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		if n := f.nodes[int(f.turn.Add(1))%len(f.nodes)]; !n.away {
			return n.at
		}
	}
}

// away takes a node out of the proxy's turns, or puts it back.
func (f *fleet) away(i int, away bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.nodes[i].away = away
}

// restart stops a node and puts another one in its place.
func (p *program) restart(i int) {
	p.t.Helper()
	f := p.fleet
	f.away(i, true)
	f.nodes[i].stop()
	n := p.serve()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.nodes[i] = n
}

// inForce waits until a change of a processor is in force on all nodes, within about a
// second as the guide says. The one that made it knows it already.
func (p *program) inForce() {
	if p.nodes > 1 {
		<-time.After(3 * time.Second)
	}
}

// stop ends the proxy first: a server that is away answers nothing.
func (f *fleet) stop() {
	_ = f.proxy.Close() // its clients do not wait
	var all sync.WaitGroup
	for _, n := range f.nodes {
		all.Go(n.stop)
	}
	all.Wait()
}

var listening = regexp.MustCompile(`"msg":"listening","addr":"([^"]+)"`)

// serve starts one more node.
func (p *program) serve() *node {
	p.t.Helper()
	binary, err := os.Executable()
	require.NoError(p.t, err)
	secret, err := os.ReadFile(filepath.Join(p.folder, "eventflow_data", "secret"))
	require.NoError(p.t, err)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	cmd := exec.CommandContext(ctx, binary, "serve", "--addr", "127.0.0.1:0", "--rate-user", "off", "--rate-address", "off")
	cmd.Dir, cmd.Env = p.folder, append(p.environ(), "EVENTFLOW_SECRET="+strings.TrimSpace(string(secret)))
	stderr, err := cmd.StderrPipe()
	require.NoError(p.t, err)
	require.NoError(p.t, cmd.Start())
	n := &node{process: cmd.Process, stop: sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = cmd.Wait()                          // however it ended
		cancel()
	})}
	p.t.Cleanup(n.stop)
	var said strings.Builder
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		if found := listening.FindStringSubmatch(lines.Text()); found != nil {
			go func() { // what else it logs
				for lines.Scan() {
				}
			}()
			n.at = &url.URL{Scheme: "http", Host: found[1]}
			return n
		}
	}
	p.t.Fatalf("a node ended: %s", &said)
	return nil
}
