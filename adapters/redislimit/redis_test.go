package redislimit_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memlimit"
	"github.com/eventflow-go/eventflow/adapters/redislimit"
)

// server is the tests' Redis: that of EVENTFLOW_TEST_REDIS, or one that the
// tests start.
var server = sync.OnceValues(func() (string, error) {
	if given := os.Getenv("EVENTFLOW_TEST_REDIS"); given != "" {
		return given, nil
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	address := listener.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	if err := listener.Close(); err != nil {
		return "", err
	}
	process := exec.Command("redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", folder, "--logfile", filepath.Join(folder, "log"))
	if err := process.Start(); err != nil {
		return "", err
	}
	stop = func() { _ = process.Process.Kill(); _ = process.Wait() } // it keeps nothing
	client := redis.NewClient(&redis.Options{Addr: address})
	defer func() { _ = client.Close() }() // it has answered
	for deadline := time.Now().Add(20 * time.Second); ; {
		if err = client.Ping(context.Background()).Err(); err == nil || time.Now().After(deadline) {
			return "redis://" + address, err
		}
	}
})

// What TestMain cleans up.
var (
	folder string
	stop   = func() {}
)

func TestMain(m *testing.M) {
	var err error
	if folder, err = os.MkdirTemp("", "redislimit"); err != nil {
		panic(err)
	}
	code := m.Run()
	stop()
	_ = os.RemoveAll(folder) // a temporary folder
	os.Exit(code)
}

// direct returns a client of the tests' Redis.
func direct(t *testing.T) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(redisURL(t))
	require.NoError(t, err)
	client := redis.NewClient(options)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return client
}

func redisURL(t testing.TB) string {
	t.Helper()
	address, err := server()
	require.NoError(t, err, "set EVENTFLOW_TEST_REDIS, or install redis-server")
	return address
}

// node is one node's limiter, and what it said about Redis.
type node struct {
	*redislimit.Limiter
	mu      sync.Mutex
	changes []bool
	logged  strings.Builder
}

func (n *node) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.logged.Write(p)
}

// told returns the changes that were told, and the lines that were logged.
func (n *node) told() (changes []bool, log string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append(changes, n.changes...), n.logged.String()
}

// open opens a limiter that bears with a busy machine, hasty one that does not.
func open(t testing.TB, address string) *node { t.Helper(); return openFor(t, address, 10*time.Second) }

func hasty(t testing.TB, address string) *node { t.Helper(); return openFor(t, address, 0) }

func openFor(t testing.TB, address string, patience time.Duration) *node {
	t.Helper()
	n := &node{}
	var err error
	n.Limiter, err = redislimit.Open(address, redislimit.Options{
		Patience: patience, Fallback: memlimit.New(), Logger: slog.New(slog.NewTextHandler(n, nil)),
		Changed: func(lost bool) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.changes = append(n.changes, lost)
		},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, n.Close()) })
	return n
}

// wire is a way to Redis that can be cut and blocked.
type wire struct {
	t       testing.TB
	url     string
	target  string
	mu      sync.Mutex
	cond    *sync.Cond
	blocked bool
	cut     bool
	delay   time.Duration // of what is sent to Redis
	conns   map[net.Conn]bool
	// asked counts what came from the near end.
	asked atomic.Int64
}

func newWire(t testing.TB) *wire {
	t.Helper()
	target, err := url.Parse(redisURL(t))
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &wire{t: t, target: target.Host, conns: map[net.Conn]bool{}}
	w.cond = sync.NewCond(&w.mu)
	target.Host = listener.Addr().String()
	w.url = target.String()
	t.Cleanup(func() {
		require.NoError(t, listener.Close())
		w.set(true, false)
	})
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go w.join(conn)
		}
	}()
	return w
}

// set cuts the wire, or blocks it so that what is sent arrives nowhere.
func (w *wire) set(cut, blocked bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut, w.blocked = cut, blocked
	w.cond.Broadcast()
	if cut {
		for conn := range w.conns {
			_ = conn.Close() // that is the cut
		}
		clear(w.conns)
	}
}

// slow has everything that is sent to Redis take so long.
func (w *wire) slow(delay time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.delay = delay
}

func (w *wire) add(conn net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut {
		_ = conn.Close() // as if nobody listened
		return false
	}
	w.conns[conn] = true
	return true
}

func (w *wire) join(near net.Conn) {
	if !w.add(near) {
		return
	}
	far, err := net.Dial("tcp", w.target)
	if err != nil || !w.add(far) {
		_ = near.Close() // cut meanwhile
		return
	}
	go w.copy(near, far, new(atomic.Int64))
	w.copy(far, near, &w.asked)
}

func (w *wire) copy(to io.WriteCloser, from io.ReadCloser, count *atomic.Int64) {
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		count.Add(1)
		w.mu.Lock()
		for w.blocked {
			w.cond.Wait()
		}
		delay := w.delay
		w.mu.Unlock()
		if count == &w.asked {
			<-time.After(delay)
		}
		if err == nil {
			_, err = to.Write(buffer[:n])
		}
		if err != nil {
			_ = from.Close()
			_ = to.Close()
			return
		}
	}
}
