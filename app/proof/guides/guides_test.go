// Package guides follows the guides in docs/ as a newcomer does: it types every command
// that stands in them, from the first to the last, and looks where each link leads.
package guides

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/adapters/postgres"
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/sqlite"
	"github.com/eventflow-go/eventflow/app"
)

// asProgram is the variable that makes the test binary the program.
const asProgram = "EVENTFLOW_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		app.Main(app.SharedStorage("sqlite", sqlite.Open), app.Storage("memory", memory.Open), app.SharedStorage("postgres", postgres.Open))
	}
	os.Exit(m.Run())
}

const root = "../../.."

// patience bounds a guide: its commands take a second or two.
const patience = 2 * time.Minute

// newcomer has a folder with nothing in it, the program in the PATH, and a server that
// `eventflow dev` runs, whose address and key the guides call $URL and $KEY.
type newcomer struct {
	t       *testing.T
	folder  string
	environ []string
}

func arrive(t *testing.T) *newcomer {
	t.Helper()
	programs, folder := t.TempDir(), t.TempDir()
	binary, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.Symlink(binary, filepath.Join(programs, "eventflow")))
	curl, err := exec.LookPath("curl")
	require.NoError(t, err, "the guides are followed with curl: install it")
	// A command that is refused fails: the guides show none.
	wrapped := "#!/bin/sh\nexec " + curl + " --silent --show-error --fail-with-body --max-time 30 \"$@\"\n"
	require.NoError(t, os.WriteFile(filepath.Join(programs, "curl"), []byte(wrapped), 0o700))
	n := &newcomer{t, folder, []string{
		asProgram + "=1", "PATH=" + programs + ":" + os.Getenv("PATH"), "HOME=" + folder, "XDG_CONFIG_HOME=" + folder, "GORACE=atexit_sleep_ms=10",
	}}
	n.serve()
	return n
}

// serve runs `eventflow dev` until the test ends.
func (n *newcomer) serve() {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	cmd := n.command(ctx, "eventflow", "dev", "--addr", "127.0.0.1:0")
	output, err := cmd.StdoutPipe()
	require.NoError(n.t, err)
	cmd.Stderr = os.Stderr
	require.NoError(n.t, cmd.Start())
	n.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = cmd.Wait()                          // however it ended
		cancel()
	})
	for lines := bufio.NewScanner(output); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if after, found := strings.CutPrefix(line, "API"); found {
			n.environ = append(n.environ, "URL="+strings.TrimSuffix(strings.TrimSpace(after), rest.Prefix))
		}
		if after, found := strings.CutPrefix(line, "Test key"); found {
			n.environ = append(n.environ, "KEY="+strings.TrimSpace(after))
		}
		if strings.Contains(line, "Or prove the whole path") {
			return
		}
	}
	n.t.Fatal("the server ended")
}

// command is a command in the newcomer's folder. The program is looked for there.
func (n *newcomer) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	shell := exec.CommandContext(ctx, "bash", append([]string{"-c", `exec "$0" "$@"`, name}, args...)...)
	shell.Dir, shell.Env = n.folder, n.environ
	return shell
}

// fences are the blocks of a page that are typed.
var fences = regexp.MustCompile("(?s)\n```sh\n(.*?)\n```\n")

func TestTheGuidesCanBeFollowed(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"docs/getting-started.md", "docs/producing.md", "docs/schemas.md", "docs/consuming.md", "docs/processing.md", "docs/sources.md", "docs/retention.md", "docs/operating.md"} {
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join(root, page))
			require.NoError(t, err)
			blocks := fences.FindAllStringSubmatch(string(text), -1)
			require.NotEmpty(t, blocks)
			n := arrive(t)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			for _, block := range blocks {
				output, err := n.command(ctx, "bash", "-euo", "pipefail", "-c", block[1]).CombinedOutput()
				require.NoError(t, err, "%s\nanswers\n%s", block[1], output)
			}
		})
	}
}

// TestAnInstallationGoesFromStoreToStore types what stands in the guide about growing: the
// installation of the newcomer goes from SQLite to PostgreSQL, and then onto two of them.
func TestAnInstallationGoesFromStoreToStore(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, "docs/scaling.md"))
	require.NoError(t, err)
	_, after, found := strings.Cut(string(text), "\n## From one to the next\n")
	require.True(t, found)
	typed := fences.FindStringSubmatch(after)
	require.NotNil(t, typed)
	n := arrive(t)
	n.environ = append(n.environ, "DATABASE="+pgtest.URL(t).String(), "SECOND="+pgtest.URL(t).String())
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	output, err := n.command(ctx, "bash", "-euo", "pipefail", "-c", "export EVENTFLOW_SECRET_FILE=eventflow_data/secret\n"+typed[1]).CombinedOutput()
	require.NoError(t, err, "%s\nanswers\n%s", typed[1], output)
	require.Regexp(t, `(?s)sha256 of the log.*sha256 of the log`, string(output))
}

// links finds the links of a page that lead to files of this repository.
var links = regexp.MustCompile(`\]\(([^)#:\s]+)(#[^)\s]*)?\)`)

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	t.Parallel()
	var seen int
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "core/*.md", "adapters/*/*.md", "deploy/*/*.md", "terraform/*.md"} {
		pages, err := filepath.Glob(filepath.Join(root, pattern))
		require.NoError(t, err)
		for _, page := range pages {
			text, err := os.ReadFile(page)
			require.NoError(t, err)
			for _, link := range links.FindAllStringSubmatch(string(text), -1) {
				seen++
				require.Truef(t, exists(filepath.Join(filepath.Dir(page), link[1])), "%s leads to %s", page, link[1])
			}
		}
	}
	require.Greater(t, seen, 20)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
