package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// The credentials live as long as the server: for minutes.
const (
	secret       = "a-secret-for-a-server-that-is-broken-on-purpose"
	metricsToken = "a-token-for-a-prometheus-of-minutes" //nolint:gosec // of a server that nobody else reaches
)

// traceID is the trace of every request of the load.
const traceID = "4bf92f3577b34da6a3ce929d0e0e4736"

// server is a process that serves, with SQLite in a folder, and a second shard of its store
// beside it. It can be stopped and started again at its address. Redis is lost to it.
type server struct {
	addr, folder, key string
	environ           []string
	client            *rest.Client
	process           *exec.Cmd
	// log is where the process writes: it has much to say while it is broken.
	log *os.File
}

func newServer(ctx context.Context, folder string) (*server, error) {
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	s := &server{addr: addr, folder: filepath.Join(folder, "data")}
	if s.log, err = os.Create(filepath.Join(folder, "server.log")); err != nil {
		return nil, err
	}
	s.environ = append(os.Environ(), "EVENTFLOW_STORE=sharded:sqlite://"+s.folder+",sqlite://"+s.second(), "EVENTFLOW_SECRET="+secret, "EVENTFLOW_ADDR="+addr,
		"EVENTFLOW_METRICS_TOKEN="+metricsToken, "EVENTFLOW_REDIS=redis://127.0.0.1:1/0", "EVENTFLOW_RATE_KEY=1000000/100000", "EVENTFLOW_QUEUE_EVENTS=10000",
		"EVENTFLOW_ALLOW_PRIVATE_DESTINATIONS=true", "EVENTFLOW_PROCESSOR_DISABLE_AFTER=30s",
		"EVENTFLOW_LOG_LEVEL=error", "GOMEMLIMIT=4GiB")
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	made, err := s.command(ctx, "key", "create", "--label", "alerts", "--role", "admin").Output()
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	s.key = strings.TrimSpace(string(made))
	s.client = rest.NewClient("http://"+addr, s.key)
	err = s.furnish(ctx)
	return s, err
}

// second is the folder of the second shard.
func (s *server) second() string { return s.folder + "-2" }

// furnish makes what the load and the breaks use, beside the catalog.
func (s *server) furnish(ctx context.Context) error {
	for stream, group := range map[string]string{"orders": "mail", "history": "behind", "poison": "parking"} {
		if _, err := s.client.CreateStream(ctx, core.StreamSpec{Name: stream, Shard: new(0)}); err != nil {
			return err
		}
		if _, err := s.client.CreateGroup(ctx, stream, core.GroupSpec{Name: group}); err != nil {
			return err
		}
	}
	return s.send(ctx, "arriving", `{"type":"log"}`)
}

// send makes a processor that sends what comes to orders somewhere.
func (s *server) send(ctx context.Context, name, destination string) error {
	spec := core.ProcessorSpec{GroupSpec: core.GroupSpec{Name: name, MaxAttempts: new(core.MaxMaxAttempts)}, Destination: []byte(destination)}
	_, err := s.client.CreateProcessor(ctx, "orders", spec)
	return err
}

func freeAddr(ctx context.Context) (string, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// command is this program as the one that serves and that its operator uses.
func (s *server) command(ctx context.Context, args ...string) *exec.Cmd {
	self, _ := os.Executable() // known on every system that runs this
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Env, cmd.Stderr = s.environ, s.log
	return cmd
}

// start starts the process and returns when it is ready.
func (s *server) start(ctx context.Context) error {
	s.process = s.command(ctx, "serve")
	if err := s.process.Start(); err != nil {
		return err
	}
	return until(ctx, func() error { return s.get(ctx, "/readyz") })
}

// get fails unless the server answers 200.
func (s *server) get(ctx context.Context, path string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.addr+path, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", path, answer.Status)
	}
	return nil
}

// kill ends the process as a power cut would.
func (s *server) kill() {
	_ = s.process.Process.Kill() // it may have ended
	_ = s.process.Wait()
}

// traffic is some load of every kind: it stores, reads, consumes and refuses. Failures are
// what this program is about, and do not end it.
func (s *server) traffic(ctx context.Context) {
	for i := 0; ctx.Err() == nil; i++ {
		go s.publish(ctx, s.key)
		if i%5 == 0 {
			go s.consume(ctx)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// publish stores an event, as part of a trace that somebody keeps.
func (s *server) publish(ctx context.Context, key string) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	body := strings.NewReader(`{"event_type":"order.paid","payload":{"total":1}}`)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.addr+"/api/v1/streams/orders/events", body)
	if err != nil {
		return
	}
	request.Header.Set("X-Api-Key", key)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Traceparent", "00-"+traceID+"-00f067aa0ba902b7-01")
	if answer, err := http.DefaultClient.Do(request); err == nil {
		_ = answer.Body.Close()
	}
}

func (s *server) consume(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	got, err := s.client.Poll(ctx, "orders", "mail", rest.PollOptions{Limit: 100})
	if err != nil || len(got.Events) == 0 {
		return
	}
	_ = s.client.Nack(ctx, "orders", "mail", got.Lease.ID, rest.Nack{Offset: &got.Events[len(got.Events)-1].Offset, Action: core.NackSkip})
	_ = s.client.Ack(ctx, "orders", "mail", got.Lease.ID)
	_, _ = s.client.Event(ctx, "orders", got.Events[0].ID.String())
}

// said is the end of what the process has written.
func (s *server) said() string {
	text, _ := os.ReadFile(s.log.Name()) // for a person who looks for a cause
	return string(text[max(0, len(text)-2000):])
}

// fill stores n events in a stream.
func (s *server) fill(ctx context.Context, stream string, n int) error {
	for n > 0 {
		batch := make([]rest.NewEvent, min(n, 1000))
		for i := range batch {
			batch[i] = rest.NewEvent{Type: "made", Payload: []byte("1")}
		}
		if _, err := s.client.PublishBatch(ctx, stream, batch); err != nil {
			return err
		}
		n -= len(batch)
	}
	return nil
}

// park makes n events of the stream poison dead letters.
func (s *server) park(ctx context.Context, n int) error {
	if err := s.fill(ctx, "poison", n); err != nil {
		return err
	}
	got, err := s.client.Poll(ctx, "poison", "parking", rest.PollOptions{Limit: n})
	if err != nil {
		return err
	}
	if len(got.Events) < n {
		return errors.New("the group got fewer events than there are")
	}
	nacks := make([]rest.Nack, len(got.Events))
	for i := range nacks {
		nacks[i] = rest.Nack{Offset: &got.Events[i].Offset, Action: core.NackPark, Reason: "on purpose"}
	}
	return s.client.Nack(ctx, "poison", "parking", got.Lease.ID, nacks...)
}
