// Package foreign builds on this module from others, as those do who bring a storage or a
// type of destination of their own.
package foreign

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// foreignModule copies a module in testdata to a folder of the test's, where
// it may be resolved anew against the tree as it is.
func foreignModule(t *testing.T, name string) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.CopyFS(folder, os.DirFS(filepath.Join("testdata", name))))
	root, err := filepath.Abs("../../..")
	require.NoError(t, err)
	mod := filepath.Join(folder, "go.mod")
	text, err := os.ReadFile(mod)
	require.NoError(t, err)
	require.Contains(t, string(text), "=> ../../../../..")
	require.NoError(t, os.WriteFile(mod, []byte(strings.Replace(string(text), "=> ../../../../..", "=> "+root, 1)), 0o600))
	return folder
}

// goCommand runs the go command as the Makefile does, so that neither compiles anew what
// the other has.
func goCommand(t *testing.T, folder string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir, cmd.Env = folder, append(os.Environ(), "GOFLAGS=-trimpath", "CGO_ENABLED=0")
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, string(output))
	return string(output)
}

// workspace resolves a module by itself, as its team does, and puts it into a workspace
// with this one then. A copy of this module that is merely required has another name
// for the compiler, which would compile all of it once more.
func workspace(t *testing.T, folder string) {
	t.Helper()
	require.Contains(t, goCommand(t, folder, "list", "-mod=mod", "-deps", "-test", "./..."), "github.com/eventflow-go/eventflow/app")
	root, err := filepath.Abs("../../..")
	require.NoError(t, err)
	goCommand(t, folder, "work", "init", root, folder)
}

func TestAForeignStoragePassesTheSuiteAndServes(t *testing.T) {
	t.Parallel()
	folder := foreignModule(t, "rocks")
	workspace(t, folder)
	require.Contains(t, goCommand(t, folder, "test", "-count=1", "-v", "-vet=off", "./rocks"), "--- PASS: TestStorage")
	binary := filepath.Join(folder, "server")
	goCommand(t, folder, "build", "-ldflags=-s -w", "-o", binary, ".")

	data := filepath.Join(folder, "data")
	environ := environOf(t, "EVENTFLOW_STORE=rocks:"+data, "EVENTFLOW_CATALOG=sqlite:"+data)
	first := startForeign(t, binary, environ)
	_, err := first.CreateStream(t.Context(), core.StreamSpec{Name: "orders"})
	require.NoError(t, err)
	receipt, err := first.Publish(t.Context(), "orders", rest.NewEvent{Type: "order.paid", Payload: []byte(`{"total": 1.50}`)})
	require.NoError(t, err)
	event, err := first.Event(t.Context(), "orders", receipt.ID.String())
	require.NoError(t, err)
	require.Equal(t, `{"total": 1.50}`, string(event.Payload))
}

// A team's own type of destination passes the suite, and a server that knows it sends
// events there, like to any other.
func TestAForeignSinkPassesTheSuiteAndReceives(t *testing.T) {
	t.Parallel()
	folder := foreignModule(t, "pigeon")
	workspace(t, folder)
	require.Contains(t, goCommand(t, folder, "test", "-count=1", "-v", "-vet=off", "./pigeon"), "--- PASS: TestSinks")
	binary := filepath.Join(folder, "server")
	goCommand(t, folder, "build", "-ldflags=-s -w", "-o", binary, ".")

	loft, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = loft.Close() }()
	client := startForeign(t, binary, environOf(t, "EVENTFLOW_STORE=sqlite:"+filepath.Join(folder, "data"), "EVENTFLOW_ALLOW_PRIVATE_DESTINATIONS=true"))
	_, err = client.CreateStream(t.Context(), core.StreamSpec{Name: "orders"})
	require.NoError(t, err)
	made, err := client.CreateProcessor(t.Context(), "orders", core.ProcessorSpec{
		GroupSpec: core.GroupSpec{Name: "home"}, Destination: fmt.Appendf(nil, `{"type":"pigeon","loft":%q,"password":"letmein"}`, loft.Addr()),
	})
	require.NoError(t, err)
	require.NotContains(t, string(made.Destination.Settings), "letmein")
	_, err = client.Publish(t.Context(), "orders", rest.NewEvent{Type: "order.paid", Payload: []byte(`{"total":1.50}`)})
	require.NoError(t, err)
	require.NoError(t, loft.(*net.TCPListener).SetDeadline(time.Now().Add(2*time.Minute)))
	conn, err := loft.Accept()
	require.NoError(t, err)
	lines := bufio.NewReader(conn)
	password, err := lines.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "letmein\n", password)
	event, err := lines.ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, event, `"payload":"`+base64.StdEncoding.EncodeToString([]byte(`{"total":1.50}`))+`"`)
	_, err = conn.Write([]byte("ok\n"))
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	require.Eventually(t, func() bool {
		all, err := client.Deliveries(t.Context(), "orders", "home", "", "", 10)
		return err == nil && len(all.Items) == 1 && all.Items[0].Outcome == core.Delivered
	}, 2*time.Minute, 20*time.Millisecond)
}

// environOf is the environment of a server, with some more settings.
func environOf(t *testing.T, more ...string) []string {
	t.Helper()
	return append(append(os.Environ(), "EVENTFLOW_SECRET=a-secret-for-a-server-that-lives-for-seconds",
		"EVENTFLOW_ADDR="+freeAddr(t), "EVENTFLOW_LOG_LEVEL=error"), more...)
}

// startForeign starts the binary and returns a client that may do everything.
func startForeign(t *testing.T, binary string, environ []string) *rest.Client {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	server := exec.CommandContext(ctx, binary, "serve")
	server.Env, server.Stderr = environ, os.Stderr
	require.NoError(t, server.Start())
	t.Cleanup(func() {
		stop()
		_ = server.Wait() // it was killed
	})
	create := exec.CommandContext(t.Context(), binary, "key", "create", "--label", "test", "--role", "developer")
	create.Env = environ
	key, err := create.Output()
	require.NoError(t, err)
	addr := ""
	for _, pair := range environ {
		if value, ok := strings.CutPrefix(pair, "EVENTFLOW_ADDR="); ok {
			addr = value
		}
	}
	client := rest.NewClient("http://"+addr, strings.TrimSpace(string(key)))
	require.Eventually(t, func() bool { return client.Ready(t.Context()) == nil }, 2*time.Minute, 5*time.Millisecond)
	return client
}

func freeAddr(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}

func TestImportingCorePullsInNothing(t *testing.T) {
	t.Parallel()
	for dependency := range strings.Lines(goCommand(t, "../../..", "list", "-deps", "./core", "./core/storetest")) {
		dependency = strings.TrimSpace(dependency)
		root, _, _ := strings.Cut(dependency, "/")
		if strings.Contains(root, ".") {
			require.Contains(t, dependency, "github.com/eventflow-go/eventflow/core")
		}
	}
}
