package chaos_test

import (
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/jetstreamtest/natsserver"
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

var binary string

// TestMain builds the program that the tests run and kill. Started by one of them, it is a
// server of JetStream.
func TestMain(m *testing.M) {
	natsserver.ServeIfAsked()
	os.Exit(func() int {
		folder, err := os.MkdirTemp("", "eventflow-chaos-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(folder) //nolint:errcheck // a temporary folder
		binary = filepath.Join(folder, "eventflow")
		// As the Makefile builds it, so that little is compiled anew.
		build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "../../eventflow")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if output, err := build.CombinedOutput(); err != nil {
			panic(string(output))
		}
		return m.Run()
	}())
}

const secret = "a-secret-for-servers-that-are-killed-soon"

// node is one server process that can be killed and started again.
type node struct {
	t       *testing.T
	program string
	addr    string
	environ []string
	process *exec.Cmd
	// exited is closed once the process has ended and was waited for.
	exited chan struct{}
	log    *os.File
}

func newNode(t *testing.T, store string, settings ...string) *node {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "server.log"))
	require.NoError(t, err)
	n := &node{t: t, program: binary, addr: freeAddress(t), log: log}
	n.environ = append(os.Environ(), "EVENTFLOW_STORE="+store, "EVENTFLOW_SECRET="+secret, "EVENTFLOW_ADDR="+n.addr,
		"EVENTFLOW_LOG_LEVEL=error", "EVENTFLOW_LOG_FORMAT=text", "EVENTFLOW_RATE_KEY=off")
	n.environ = append(n.environ, settings...)
	t.Cleanup(func() {
		n.kill()
		_ = n.log.Close() // it was written by the server
		if t.Failed() {
			text, _ := os.ReadFile(n.log.Name()) // only to tell more about the failure
			t.Logf("end of the log of the server on %s:\n%s", n.addr, text[max(0, len(text)-4000):])
		}
	})
	return n
}

// addresses are those that servers of this process have, also while they are down.
var addresses sync.Map

// freeAddress is one that nobody listens on, and that no system gives to the client of
// a connection: while a server is down, a client of another one could have it. Nor is it
// given twice.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		listener, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(10_000+rand.IntN(20_000)))
		if err == nil {
			require.NoError(t, listener.Close())
			address := listener.Addr().String()
			if _, had := addresses.LoadOrStore(address, true); !had {
				return address
			}
		}
	}
	require.Fail(t, "no port is free")
	return ""
}

// start starts the server and returns how long it took to be ready.
func (n *node) start() time.Duration {
	n.t.Helper()
	started := time.Now()
	n.launch()
	until(n.t, "the server becomes ready", func() bool { return n.ready() || n.gone() })
	require.False(n.t, n.gone(), "the server has ended")
	return time.Since(started)
}

// launch starts the server, and waits for nothing.
func (n *node) launch() {
	n.t.Helper()
	n.process = exec.Command(n.program, "serve")
	n.process.Env, n.process.Stdout, n.process.Stderr = n.environ, n.log, n.log
	require.NoError(n.t, n.process.Start())
	process, exited := n.process, make(chan struct{})
	n.exited = exited
	go func() {
		_ = process.Wait() // a killed process ends with an error
		close(exited)
	}()
}

func (n *node) gone() bool {
	select {
	case <-n.exited:
		return true
	default:
		return false
	}
}

func (n *node) ready() bool {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.addr+"/readyz", nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	return response.Body.Close() == nil && response.StatusCode == http.StatusOK
}

// kill ends the process at once, with whatever it was doing.
func (n *node) kill() { n.end(syscall.SIGKILL) }

func (n *node) end(signal syscall.Signal) {
	if n.process == nil {
		return
	}
	_ = n.process.Process.Signal(signal) // it may have gone
	<-n.exited
	n.process = nil
}

// key returns a new key that may do everything the tests do.
func (n *node) key() string {
	n.t.Helper()
	create := exec.Command(n.program, "key", "create", "--label", "chaos", "--role", "developer")
	create.Env, create.Stderr = n.environ, n.log
	key, err := create.Output()
	require.NoError(n.t, err)
	return strings.TrimSpace(string(key))
}

func (n *node) client(key string) *rest.Client { return rest.NewClient("http://"+n.addr, key) }

func createStreams(t *testing.T, client *rest.Client, names ...string) {
	t.Helper()
	for _, name := range names {
		_, err := client.CreateStream(t.Context(), core.StreamSpec{Name: name})
		require.NoError(t, err)
	}
}
