package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// maker makes an installation by the commands and the HTTP of a server.
type maker struct {
	installation
	binary, home, store string
	base                string
	// admin and shop are keys: of an admin, and of the producer of most events.
	admin, shop string
}

// environ has nothing in it that the machine sets.
func (m *maker) environ() []string {
	return []string{
		"HOME=" + m.home, "XDG_CONFIG_HOME=" + m.home, "PATH=" + os.Getenv("PATH"),
		"EVENTFLOW_STORE=" + m.store, "EVENTFLOW_SECRET=" + m.Secret,
		"EVENTFLOW_RATE_KEY=off", "EVENTFLOW_RATE_USER=off", "EVENTFLOW_RATE_ADDRESS=off",
	}
}

// command runs a command of the binary, and returns what it prints.
func (m *maker) command(ctx context.Context, input string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, m.binary, args...)
	cmd.Env, cmd.Dir, cmd.Stdin = m.environ(), m.home, strings.NewReader(input)
	var output, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &complaint
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("eventflow %s: %w: %s", strings.Join(args, " "), err, &complaint)
	}
	return strings.TrimSpace(output.String()), nil
}

// make runs the server while it tells the story.
func (m *maker) make(ctx context.Context) error {
	stop, err := m.start(ctx)
	if err != nil {
		return err
	}
	return errors.Join(m.story(ctx), stop())
}

// start starts the server, and returns when it is ready.
func (m *maker) start(ctx context.Context) (stop func() error, err error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := listener.Addr().String()
	if err := listener.Close(); err != nil {
		return nil, err
	}
	m.base = "http://" + addr
	mode, environ := "serve", append(m.environ(), "EVENTFLOW_ADDR="+addr, "EVENTFLOW_LOG_LEVEL=error")
	if strings.HasPrefix(m.store, "sqlite:") {
		mode, environ = "dev", append(environ, "EVENTFLOW_SECRET=") // it is to find its secret itself
	}
	server := exec.CommandContext(context.WithoutCancel(ctx), m.binary, mode) // it is stopped in order
	server.Env, server.Dir, server.Stderr = environ, m.home, os.Stderr
	if err := server.Start(); err != nil {
		return nil, err
	}
	stop = func() error {
		return errors.Join(server.Process.Signal(os.Interrupt), server.Wait())
	}
	if err := m.ready(ctx); err != nil {
		return nil, errors.Join(err, stop())
	}
	return stop, nil
}

// patience bounds every wait: what is waited for takes a second or two. It is
// looked for at every tick.
const (
	patience = time.Minute
	tick     = 20 * time.Millisecond
)

func (m *maker) ready(ctx context.Context) error {
	for began := time.Now(); time.Since(began) < patience; time.Sleep(tick) {
		if status, _, err := m.request(ctx, "GET", "/readyz", "", nil, ""); err == nil && status == 200 {
			return nil
		}
	}
	return fmt.Errorf("the server at %s does not become ready", m.base)
}

// request makes a request below the API, or below the root if the path begins
// with /readyz. It returns the answer's status and body.
func (m *maker) request(ctx context.Context, method, path, credential string, headers map[string]string, body string) (int, []byte, error) {
	address := m.base + "/api/v1" + path
	if path == "/readyz" {
		address = m.base + path
	}
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if credential != "" {
		request.Header.Set("Authorization", "Bearer "+credential)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}

// ask makes a request that must succeed, and reads the answer unless into is nil.
func (m *maker) ask(ctx context.Context, method, path, credential, body string, into any) error {
	status, answer, err := m.request(ctx, method, path, credential, nil, body)
	if err == nil && status >= 300 {
		err = fmt.Errorf("%s %s: %d: %s", method, path, status, answer)
	}
	if err != nil || into == nil {
		return err
	}
	return json.Unmarshal(answer, into)
}
