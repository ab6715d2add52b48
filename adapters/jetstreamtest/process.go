package jetstreamtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// startTimeout bounds a start.
const startTimeout = time.Minute

// envNode names the variable by which a process learns that it is to be a server, and
// which.
const envNode = "EVENTFLOW_TEST_NATS_NODE"

// Asked returns the server that this process was started to be by [Node.Start], if it was.
func Asked() (n Node, asked bool, err error) {
	text := os.Getenv(envNode)
	if text == "" {
		return n, false, nil
	}
	if err := json.Unmarshal([]byte(text), &n); err != nil {
		return n, true, fmt.Errorf("%s: %w", envNode, err)
	}
	return n, true, nil
}

// Process is a server in a process of its own.
type Process struct {
	Node
	cmd *exec.Cmd
}

// Start is StartBy with this program.
func (n Node) Start() (*Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return n.StartBy(self)
}

// StartBy starts a server as a process of a program that calls natsserver.ServeIfAsked.
// Where the system can do that, the server dies with this process, however that ends. It
// does not wait until the server is ready.
func (n Node) StartBy(program string) (*Process, error) {
	text, err := json.Marshal(n)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program) //nolint:noctx // it outlives contexts; Kill ends it
	cmd.Env = append(os.Environ(), envNode+"="+string(text))
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = dieWithParent()
	return &Process{Node: n, cmd: cmd}, cmd.Start()
}

// Pid is the process's number.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Kill ends the server as a crash does, and waits until it is gone.
func (p *Process) Kill() error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	_ = p.cmd.Wait() // it was killed
	return nil
}

// Retire ends the server as an upgrade does, and waits until it is gone: it hands over
// what it leads, and takes leave of its clients.
func (p *Process) Retire() error {
	if err := p.cmd.Process.Signal(syscall.SIGUSR2); err != nil {
		return err
	}
	return p.cmd.Wait()
}

// Pause stops the server where it is, until Continue.
func (p *Process) Pause() error { return p.cmd.Process.Signal(syscall.SIGSTOP) }

// Continue lets a server go on.
func (p *Process) Continue() error { return p.cmd.Process.Signal(syscall.SIGCONT) }

// Await returns when a server answers that its part of JetStream is in order.
func (n Node) Await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		err := n.ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the NATS server %s does not get ready: %w", n.Name, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (n Node) ask(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+strconv.Itoa(n.Monitor)+"/healthz", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	return nil
}
