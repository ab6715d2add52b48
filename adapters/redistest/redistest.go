// Package redistest gives tests a real Redis, and a way to take it away.
package redistest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// EnvURL names the variable that holds the URL of the tests' server.
const EnvURL = "EVENTFLOW_TEST_REDIS"

// URL returns the URL of the tests' server. Tests share the server, so each keeps to
// keys and channels with random names. Without a server the test fails: a test
// that is skipped looks like one that passes.
func URL(t testing.TB) string {
	t.Helper()
	url := os.Getenv(EnvURL)
	if url == "" {
		t.Fatalf("%s is not set: run `make test`, or set it to the URL of a Redis server", EnvURL)
	}
	return url
}

// ErrNotInstalled says that this machine has no Redis server.
var ErrNotInstalled = errors.New("no Redis server is installed (redis-server was not found)")

// Server is a private Redis.
type Server struct {
	url     string
	process *exec.Cmd
}

// startTimeout bounds the start.
const startTimeout = time.Minute

// Start starts a server on a free loopback port, which keeps nothing on disk. Where
// the system can do that, the server dies with this process, however that ends.
func Start(ctx context.Context, dir string) (*Server, error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		if program, err = exec.LookPath("valkey-server"); err != nil {
			return nil, ErrNotInstalled
		}
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", dir) //nolint:noctx // it outlives ctx; Stop ends it
	cmd.SysProcAttr = dieWithParent()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &Server{url: "redis://127.0.0.1:" + port + "/0", process: cmd}
	if err := Await(ctx, s.url); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// freePort is a port on which nobody listens. Somebody may before the server does,
// which then does not start: that is rare, and seen.
func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it does not wait
	if err != nil {
		return "", err
	}
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port), listener.Close()
}

// Await returns when the server of a URL answers.
func Await(ctx context.Context, url string) error {
	options, err := redis.ParseURL(url)
	if err != nil {
		return err
	}
	client := redis.NewClient(options)
	defer client.Close() //nolint:errcheck // it was only asked
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		err := client.Ping(ctx).Err()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("Redis does not answer: %w", err) //nolint:staticcheck // a name
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// URL returns where the server answers.
func (s *Server) URL() string { return s.url }

// Stop ends the server.
func (s *Server) Stop() error {
	_ = s.process.Process.Kill() // it keeps nothing
	_ = s.process.Wait()         // it was killed
	return nil
}
