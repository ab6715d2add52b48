// Command testenv runs a command with what the tests need:
//
//	testenv -- go test ./...
//
// It starts a private PostgreSQL and a private Redis in temporary folders, names
// them to the command in EVENTFLOW_TEST_POSTGRES and EVENTFLOW_TEST_REDIS, and
// removes them when the command has ended, by itself or by a signal. A server
// that its variable names already is used as it is. What is missing is installed (Debian and Ubuntu, as root or
// with a sudo that asks for no password), run by a container engine, or the exit
// code is 1 with what to install: tests are never left out in silence.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/eventflow-go/eventflow/adapters/jetstreamtest/natsserver"
)

func main() {
	natsserver.ServeIfAsked()
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	os.Exit(run(os.Args[1:], signals))
}

// say tells people what happens; stdout is the command's.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, "testenv: "+format+"\n", args...) }

// The exit codes that are not the command's own.
const (
	exitFailure = 1
	exitUsage   = 2
	exitSignal  = 128 // and the signal's number, as shells have it
)

// run provides the servers, runs the command and returns the exit code. All is
// cleaned up when it returns.
func run(args []string, signals <-chan os.Signal) int {
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		say("usage: testenv -- COMMAND [ARGUMENT…]")
		return exitUsage
	}
	started, stopped, err := startUnlessStopped(unnamed(), signals)
	if stopped != nil {
		return exitSignal + int(stopped.(syscall.Signal))
	}
	if err != nil {
		say("%v", err)
		return exitFailure
	}
	code := command(args, started.environ(), signals)
	if err := started.stop(); err != nil {
		say("%v", err)
		return max(code, exitFailure)
	}
	return code
}

// startUnlessStopped starts the servers; a signal meanwhile ends that, and leaves
// nothing behind.
func startUnlessStopped(wanted []kind, signals <-chan os.Signal) (servers, os.Signal, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	type result struct {
		servers servers
		err     error
	}
	started := make(chan result, 1)
	go func() {
		servers, err := thisMachine().start(ctx, wanted)
		started <- result{servers, err}
	}()
	select {
	case r := <-started:
		return r.servers, nil, r.err
	case s := <-signals:
		cancel()
		r := <-started
		if r.err == nil {
			r.err = r.servers.stop()
		}
		return nil, s, r.err
	}
}

// grace is how long a command may take to end after a signal.
const grace = 30 * time.Second

// command runs the command in a process group of its own, so that a signal,
// typed or sent, reaches all of it exactly once, through here.
func command(args, environ []string, signals <-chan os.Signal) int {
	cmd := exec.Command(args[0], args[1:]...) //nolint:gosec,noctx // running a command is the point, and signals end it
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = environ
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		say("%v", err)
		return exitFailure
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var late <-chan time.Time
	for {
		select {
		case err := <-ended:
			return exitCode(err)
		case s := <-signals:
			tell(cmd, s.(syscall.Signal))
			late = time.After(grace)
		case <-late:
			tell(cmd, syscall.SIGKILL)
		}
	}
}

func tell(cmd *exec.Cmd, s syscall.Signal) {
	_ = syscall.Kill(-cmd.Process.Pid, s) // it may have ended
}

func exitCode(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case !errors.As(err, &exit):
		say("%v", err)
		return exitFailure
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return exitSignal + int(status.Signal())
	}
	return exit.ExitCode()
}
