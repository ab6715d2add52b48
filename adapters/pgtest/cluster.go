package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Cluster is a private PostgreSQL server in a folder. It is for one goroutine.
type Cluster struct {
	bin     string // the folder of PostgreSQL's programs
	dir     string
	port    int
	options []string
	// owner is the user that the server runs as; nil is the current one.
	owner *syscall.Credential
	// server is the process of the last start, and exited is closed once it has
	// ended and was waited for.
	server *exec.Cmd
	exited chan struct{}
}

// ErrNotInstalled says that this machine has no PostgreSQL server.
var ErrNotInstalled = errors.New("no PostgreSQL server is installed (initdb and postgres were not found)")

// Private starts a cluster for one test, which may kill it.
func Private(t testing.TB, options ...string) *Cluster {
	t.Helper()
	// Below t.TempDir, PostgreSQL's own user could not enter.
	dir, err := os.MkdirTemp("", "eventflow-postgres-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	c, err := Start(context.Background(), dir, options...)
	if err != nil {
		t.Fatalf("starting a private PostgreSQL: %v", err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Errorf("stopping the private PostgreSQL: %v", err)
		}
	})
	return c
}

// Start makes a cluster in dir, and starts it on a free loopback port. dir must
// exist, lie below folders that every user may enter, and be empty, but for an empty
// folder [DataFolder] that a file system may be mounted on. The settings
// are PostgreSQL's own, which are durable, unless options (`name=value`) say
// otherwise. If root calls Start, the server runs as another user, who gets dir.
func Start(ctx context.Context, dir string, options ...string) (*Cluster, error) {
	bin, err := findBinaries()
	if err != nil {
		return nil, err
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	c := &Cluster{bin: bin, dir: dir, port: port, options: options}
	if err := c.own(); err != nil {
		return nil, err
	}
	// What it makes need not outlive the machine; what the server writes does as
	// its settings say.
	initdb := c.command(ctx, "initdb", "--pgdata", c.data(), "--username", "postgres", "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync")
	if output, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, output)
	}
	if err := c.Restart(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// findBinaries is the folder of initdb and postgres. Debian keeps them out of the
// PATH, in a folder for each version, of which the newest is taken.
func findBinaries() (string, error) {
	var folders []string
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin", "/usr/local/pgsql/bin",
	} {
		found, _ := filepath.Glob(pattern) // fails for bad patterns only
		slices.SortFunc(found, func(a, b string) int { return version(b) - version(a) })
		folders = append(folders, found...)
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		folders = append(folders, filepath.Dir(path))
	}
	for _, folder := range folders {
		if executable(filepath.Join(folder, "initdb")) && executable(filepath.Join(folder, "postgres")) {
			return folder, nil
		}
	}
	return "", ErrNotInstalled
}

// executable reports whether there is a program at a path.
func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir() && info.Mode()&0o111 != 0
}

// version is the number in a folder's name, like 15 in /usr/lib/postgresql/15.
func version(path string) int {
	number, _ := strconv.Atoi(strings.Trim(strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return ' '
	}, path), " "))
	return number
}

// given are the ports of the clusters of this process, also of those that are down.
var given sync.Map

// freePort is a port on which nobody listens, and which no system gives to the client of
// a connection: while a server is down, somebody's client could have it, and the server
// would not start again.
func freePort(ctx context.Context) (int, error) {
	var config net.ListenConfig
	for tries := 0; ; tries++ {
		port := 10_000 + rand.IntN(20_000) //nolint:gosec // any number does
		listener, err := config.Listen(ctx, "tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err != nil && tries > 100 {
			return 0, err
		}
		if err != nil {
			continue
		}
		if err := listener.Close(); err != nil {
			return 0, err
		}
		if _, had := given.LoadOrStore(port, true); !had {
			return port, nil
		}
	}
}

// own gives the folder to a user that PostgreSQL can run as, since it refuses to
// run as root.
func (c *Cluster) own() error {
	if os.Getuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.Atoi(account.Uid) // a number on every system with uid 0
		gid, _ := strconv.Atoi(account.Gid)
		c.owner = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), NoSetGroups: runtime.GOOS == "darwin"}
		if err := os.Chown(c.data(), uid, gid); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return os.Chown(c.dir, uid, gid)
	}
	return errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody")
}

// DataFolder is where in its folder a cluster keeps what must not be lost.
const DataFolder = "data"

func (c *Cluster) data() string { return filepath.Join(c.dir, DataFolder) }

func (c *Cluster) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, name), args...)
	cmd.Dir = c.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: c.owner}
	return cmd
}

// URL is the address of the cluster's database.
func (c *Cluster) URL() string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", c.port)
}

// startTimeout bounds a start, recovery after a crash included.
const startTimeout = time.Minute

// Restart starts the server on its data, after Start, Stop or Kill, and
// returns when it answers.
func (c *Cluster) Restart(ctx context.Context) error {
	args := []string{"-D", c.data(), "-p", strconv.Itoa(c.port), "-k", c.dir, "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=300"}
	for _, option := range c.options {
		args = append(args, "-c", option)
	}
	_ = os.Remove(filepath.Join(c.data(), "postmaster.pid")) // of one that was killed, whose process id another may have by now
	// The server outlives ctx: it runs until it is stopped.
	c.server = c.command(context.Background(), "postgres", args...)
	log := &bytes.Buffer{}
	c.server.Stdout, c.server.Stderr = log, log
	if err := c.server.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	c.exited = exited
	go func() {
		_ = c.server.Wait() // it is stopped and killed on purpose
		close(exited)
	}()
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, c.URL())
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-exited:
			return fmt.Errorf("PostgreSQL did not start: %s", log)
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL did not answer: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Kill ends the server and all its processes at once, as a crash would.
func (c *Cluster) Kill() {
	// The backends are asked for before the server dies, while it makes no more of them.
	// Each leads a session of its own, so no signal reaches them all together.
	_ = c.server.Process.Signal(syscall.SIGSTOP) // it may have gone
	children := c.children()
	_ = c.server.Process.Kill()
	for _, pid := range children {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have gone
	}
	<-c.exited // not before they are: they hold what the server prints to
}

// Exited reports whether the server has ended, by whatever means.
func (c *Cluster) Exited() bool {
	select {
	case <-c.exited:
		return true
	default:
		return false
	}
}

// children are the ids of the server's processes, from /proc or, where there is
// none, from pgrep.
func (c *Cluster) children() (pids []int) {
	pid := strconv.Itoa(c.server.Process.Pid)
	list, err := os.ReadFile(filepath.Join("/proc", pid, "task", pid, "children"))
	if err != nil {
		list, _ = exec.CommandContext(context.Background(), "pgrep", "-P", pid).Output() // finds none: they end by themselves
	}
	for field := range strings.FieldsSeq(string(list)) {
		if child, err := strconv.Atoi(field); err == nil {
			pids = append(pids, child)
		}
	}
	return pids
}

// Stop ends the server in order: it ends its sessions and writes a checkpoint.
func (c *Cluster) Stop() error {
	if err := c.server.Process.Signal(syscall.SIGINT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-c.exited
	return nil
}
