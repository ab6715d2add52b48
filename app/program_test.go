package app_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/adapters/postgres"
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/sqlite"
	"github.com/eventflow-go/eventflow/app"
	"github.com/eventflow-go/eventflow/app/proof/frail"
)

// asProgram is the variable that makes the test binary the program: what these
// tests run is what they were built from, race detector included.
const asProgram = "EVENTFLOW_TEST_AS_PROGRAM"

// TestMain is the program in the processes that the tests start. In the tests'
// own process it fails when a goroutine is left over at the end.
func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		app.Main(stock()...)
	}
	code := m.Run()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	err := goleak.Find(ignoredLeaks()...) // which waits for half a second
	for range 50 {
		if err != nil { // a busy machine ends them later
			err = goleak.Find(ignoredLeaks()...)
		}
	}
	if err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, "goroutines are left over:", err)
		code = 1
	}
	os.Exit(code)
}

// ignoredLeaks are the goroutines of libraries that nobody can end: a clock,
// once per process; a cleaner that sees within ten seconds that its server has
// stopped; and the cache of prepared statements of a catalog.
func ignoredLeaks() []goleak.Option {
	return []goleak.Option{
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("gorm.io/gorm/internal/lru.NewLRU[...].func1"),
	}
}

// stock is what the stock binary is built with.
func stock() []app.Option {
	return []app.Option{
		app.SharedStorage("sqlite", sqlite.Open), app.Storage("memory", memory.Open), app.SharedStorage(frail.Scheme, frail.Open),
		app.SharedStorage("postgres", postgres.Open), app.SharedStorage("postgresql", postgres.Open),
	}
}

// patience bounds every wait: what is waited for takes milliseconds, or seconds where the
// machine does much else.
const patience = 2 * time.Minute

const (
	secret = "EVENTFLOW_SECRET=a-secret-for-programs-that-live-for-seconds"
	anyone = "EVENTFLOW_ADDR=127.0.0.1:0"
)

// home is a folder of the test's, in which programs run and keep their files.
type home struct {
	t      *testing.T
	folder string
}

func newHome(t *testing.T) home {
	t.Helper()
	return home{t, t.TempDir()}
}

// write makes a file in the folder and returns its path.
func (h home) write(name, text string) string {
	h.t.Helper()
	path := filepath.Join(h.folder, name)
	require.NoError(h.t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// command is the program with nothing in its environment but what is given.
func (h home) command(ctx context.Context, environ []string, args ...string) *exec.Cmd {
	h.t.Helper()
	binary, err := os.Executable()
	require.NoError(h.t, err)
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir = h.folder
	cmd.Env = append([]string{asProgram + "=1", "GORACE=atexit_sleep_ms=10", "HOME=" + h.folder, "XDG_CONFIG_HOME=" + h.folder}, environ...)
	return cmd
}

// outcome is what a program that has ended leaves to be seen.
type outcome struct {
	stdout, stderr string
	code           int
}

// run runs the program to its end.
func (h home) run(environ []string, args ...string) outcome {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := h.command(ctx, environ, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); !exited {
		require.NoError(h.t, err)
	}
	require.NoError(h.t, ctx.Err(), "the program ends by itself")
	return outcome{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// output collects what a running program writes, for readers that wait for it.
type output struct {
	mu    sync.Mutex
	text  bytes.Buffer
	grown chan struct{}
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.grown)
	o.grown = make(chan struct{})
	return o.text.Write(p)
}

func (o *output) String() string {
	text, _ := o.look()
	return text
}

func (o *output) look() (string, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String(), o.grown
}

// process is a program that runs until it is stopped.
type process struct {
	t              *testing.T
	cmd            *exec.Cmd
	stdout, stderr *output
	ended          chan struct{}
	url            string
}

// start starts the program; it is killed when the test ends, if not before.
func (h home) start(environ []string, args ...string) *process {
	h.t.Helper()
	p := &process{t: h.t, ended: make(chan struct{}), stdout: &output{grown: make(chan struct{})}, stderr: &output{grown: make(chan struct{})}}
	p.cmd = h.command(context.Background(), environ, args...)
	p.cmd.Stdout, p.cmd.Stderr = p.stdout, p.stderr
	require.NoError(h.t, p.cmd.Start())
	go func() {
		_ = p.cmd.Wait() // the exit code tells
		close(p.ended)
	}()
	h.t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it may have ended
		<-p.ended
	})
	return p
}

// await returns the first group of pattern in what the program writes.
func (p *process) await(o *output, pattern string) string {
	p.t.Helper()
	find, late := regexp.MustCompile(pattern), time.After(patience)
	for {
		text, grown := o.look()
		if found := find.FindStringSubmatch(text); found != nil {
			return found[1]
		}
		select {
		case <-grown:
		case <-p.ended:
			require.Regexp(p.t, pattern, o.String(), "the program ended: %s", p.stderr)
		case <-late:
			require.Regexp(p.t, pattern, o.String(), "the program did not say so: %s", p.stderr)
		}
	}
}

// stop sends SIGTERM, and returns the exit code.
func (p *process) stop() int {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(syscall.SIGTERM))
	return p.exit()
}

// exit waits for the end and returns the exit code.
func (p *process) exit() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		require.Fail(p.t, "the program does not end", p.stderr.String())
	}
	return p.cmd.ProcessState.ExitCode()
}

// serve starts a server on a free port and returns when it listens.
func (h home) serve(environ ...string) *process {
	h.t.Helper()
	p := h.start(append([]string{secret, anyone}, environ...), "serve") // of two that are alike the later counts
	p.url = "http://" + p.await(p.stderr, `"msg":"listening","addr":"([^"]+)"`)
	return p
}

// key makes a key that may do everything these tests do.
func (h home) key(environ ...string) string {
	h.t.Helper()
	made := h.run(append([]string{secret}, environ...), "key", "create", "--label", "test", "--role", "developer")
	require.Zero(h.t, made.code, made.stderr)
	return strings.TrimSpace(made.stdout)
}

func (p *process) client(key string) *rest.Client { return rest.NewClient(p.url, key) }
