package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// benchSecret keys the bench servers' credentials; they live for minutes.
const benchSecret = "bench-secret-of-a-server-that-lives-for-minutes"

// server is a running EventFlow process.
type server struct {
	// base is the address with the scheme, http or, with a certificate, https.
	addr, base string
	store      string
	key        string
	client     *rest.Client
	started    time.Duration
	process    *exec.Cmd
}

// running are the servers' processes, for a run that breaks off.
var running []*os.Process

// killServers ends those that were not stopped.
func killServers() {
	for _, process := range running {
		_ = process.Kill() // most have ended
	}
}

// startServer starts this binary as a server on a store and returns when it is
// ready, with an API key and a stream named bench.
func startServer(ctx context.Context, store string, settings ...string) (*server, error) {
	s, environment, err := launch(ctx, store, settings...)
	if err != nil {
		return nil, err
	}
	create := exec.CommandContext(ctx, s.process.Path, "key", "create", "--label", "bench", "--role", "developer")
	create.Env = environment
	secret, err := create.Output()
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	s.key = strings.TrimSpace(string(secret))
	s.client = rest.NewClient(s.base, s.key)
	_, err = s.client.CreateStream(ctx, core.StreamSpec{Name: "bench"})
	return s, err
}

// launch starts this binary as a server and returns when it is ready.
func launch(ctx context.Context, store string, settings ...string) (*server, []string, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	environment := append(os.Environ(), "EVENTFLOW_STORE="+store, "EVENTFLOW_SECRET="+benchSecret,
		"EVENTFLOW_ADDR="+addr, "EVENTFLOW_LOG_LEVEL=warn", "EVENTFLOW_RATE_KEY=off")
	environment = append(environment, settings...)
	s := &server{addr: addr, base: "http://" + addr, store: store, process: exec.CommandContext(ctx, self, "serve")}
	if slices.ContainsFunc(settings, func(one string) bool { return strings.HasPrefix(one, "EVENTFLOW_TLS_CERT=") }) {
		s.base = "https://" + addr
	}
	s.process.Env, s.process.Stderr = environment, os.Stderr
	before := time.Now()
	if err := s.process.Start(); err != nil {
		return nil, nil, err
	}
	running = append(running, s.process.Process)
	err = s.waitReady(ctx)
	s.started = time.Since(before)
	return s, environment, err
}

func freeAddr() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

func (s *server) waitReady(ctx context.Context) error {
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/readyz", nil)
		if err != nil {
			return err
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
	return fmt.Errorf("the server on %s did not become ready", s.addr)
}

// stop drains the server and waits for its end.
func (s *server) stop() error {
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return s.process.Wait()
}

// rssMiB is the memory the server's process holds, where /proc tells it.
func (s *server) rssMiB() (float64, error) {
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(s.process.Process.Pid), "status"))
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(status) {
		if rest, ok := bytes.CutPrefix(line, []byte("VmRSS:")); ok {
			kib, err := strconv.Atoi(string(bytes.Fields(rest)[0]))
			return float64(kib) / 1024, err
		}
	}
	return 0, fmt.Errorf("no VmRSS in /proc")
}
