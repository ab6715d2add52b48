package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/adapters/redistest"
)

const asMain = "EVENTFLOW_TESTENV_AS_MAIN"

// TestMain lets the tests run this program as what it is: a process.
func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		main()
	}
	os.Exit(m.Run())
}

// program runs testenv with a temporary folder that must be empty again.
func program(t *testing.T, server string, args ...string) *exec.Cmd {
	t.Helper()
	folder, err := os.MkdirTemp("", "testenv-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(folder, 0o755)) // the server's user must enter it
	t.Cleanup(func() {
		left, err := os.ReadDir(folder)
		require.NoError(t, err)
		require.Empty(t, left, "what testenv left behind")
		require.NoError(t, os.Remove(folder))
	})
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asMain+"=1", "TMPDIR="+folder, pgtest.EnvURL+"="+server, redistest.EnvURL+"="+server)
	return cmd
}

func exitOf(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	return exit.ExitCode()
}

func TestACommandGetsAServerThatIsGoneAfterwards(t *testing.T) {
	t.Parallel()
	cmd := program(t, "", "--", "sh", "-c", `echo "$`+pgtest.EnvURL+`"; echo "$`+redistest.EnvURL+`"; read -r line; exit 7`)
	var said bytes.Buffer
	cmd.Stderr = &said
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())

	lines := bufio.NewReader(stdout)
	url, err := lines.ReadString('\n')
	require.NoError(t, err)
	url = strings.TrimSpace(url)
	redis, err := lines.ReadString('\n')
	require.NoError(t, err)
	require.NoError(t, redistest.Await(t.Context(), strings.TrimSpace(redis)))
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))

	_, err = io.WriteString(stdin, "done\n")
	require.NoError(t, err)
	require.Equal(t, 7, exitOf(t, cmd.Wait()), "the command's exit code")
	_, err = pgx.Connect(t.Context(), url)
	require.Error(t, err, "the server is stopped")
	require.Contains(t, said.String(), "fsync=on synchronous_commit=on full_page_writes=on")
}

func TestASignalReachesTheCommandAndCleansUp(t *testing.T) {
	t.Parallel()
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			cmd := program(t, "", "--", "sh", "-c", `echo "$`+pgtest.EnvURL+`"; exec sleep 60`)
			stdout, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			url, err := bufio.NewReader(stdout).ReadString('\n')
			require.NoError(t, err)
			require.NoError(t, cmd.Process.Signal(s))
			require.Equal(t, 128+int(s), exitOf(t, cmd.Wait()))
			_, err = pgx.Connect(t.Context(), strings.TrimSpace(url))
			require.Error(t, err, "the server is stopped")
		})
	}
}

func TestASignalWhileStartingCleansUp(t *testing.T) {
	t.Parallel()
	signals := make(chan os.Signal, 1)
	signals <- syscall.SIGTERM
	started, stopped, _ := startUnlessStopped(kinds, signals)
	require.Empty(t, started)
	require.Equal(t, syscall.SIGTERM, stopped)
}

func TestAServerThatIsNamedIsUsedAsItIs(t *testing.T) {
	t.Parallel()
	output, err := program(t, "postgres://elsewhere/db", "--", "sh", "-c", `echo "$`+pgtest.EnvURL+`"`).Output()
	require.NoError(t, err)
	require.Equal(t, "postgres://elsewhere/db\n", string(output))
}

func TestFaultsHaveAnExitCode(t *testing.T) {
	t.Parallel()
	require.Equal(t, exitUsage, exitOf(t, program(t, "").Run()))
	require.Equal(t, exitUsage, exitOf(t, program(t, "", "--").Run()))
	require.Equal(t, exitFailure, exitOf(t, program(t, "postgres://elsewhere/db", "--", "/no/such/program").Run()))
}

const (
	debian = "PRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\n"
	mint   = "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"
	fedora = "ID=fedora\n"
)

// fake is a machine where only the commands that begin so work.
func fake(system, release string, root bool, working ...string) (machine, *[]string) {
	ran := &[]string{}
	return machine{system: system, osRelease: release, root: root, run: func(_ context.Context, name string, args ...string) (string, error) {
		line := strings.Join(append([]string{name}, args...), " ")
		*ran = append(*ran, line)
		for _, prefix := range working {
			if strings.HasPrefix(line, prefix) {
				return "", nil
			}
		}
		return "", errors.New("not here")
	}}, ran
}

func TestTheWayToAServer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		release string
		root    bool
		working []string
		way     way
		engine  string
	}{
		"Debian as root":                   {debian, true, []string{"apt-get"}, byInstalling, ""},
		"a child of Ubuntu with sudo":      {mint, false, []string{"sudo -n true", "apt-get"}, byInstalling, ""},
		"Debian without sudo, with Docker": {debian, false, []string{"apt-get", "docker info"}, byContainer, "docker"},
		"Fedora as root, with Podman":      {fedora, true, []string{"podman info"}, byContainer, "podman"},
		"a Docker client without engine":   {fedora, true, []string{"docker version"}, byNone, ""},
		"Debian without sudo":              {debian, false, []string{"apt-get"}, byNone, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, _ := fake("linux", c.release, c.root, c.working...)
			found, engine := m.way(t.Context())
			require.Equal(t, c.way, found)
			require.Equal(t, c.engine, engine)
		})
	}
}

func TestInstallingMakesNoCluster(t *testing.T) {
	t.Parallel()
	m, ran := fake("linux", debian, false, "sudo -n sh -c")
	require.NoError(t, m.install(t.Context(), kinds))
	require.Len(t, *ran, 1)
	script := (*ran)[0]
	require.Less(t, strings.Index(script, "create_main_cluster = false"), strings.Index(script, "apt-get -q install"))
	require.Contains(t, script, `trap 'rm -f "$dropin" $policy' EXIT`)
	require.Contains(t, script, "exit 101", "nor is Redis started")
	require.True(t, strings.HasSuffix(script, " postgresql redis-server chromium-headless-shell"), script)
	m, ran = fake("linux", debian, true, "sh -c")
	require.NoError(t, m.install(t.Context(), kinds))
	require.NotContains(t, (*ran)[0], "sudo")
}

func TestAContainerThatFailsIsRemoved(t *testing.T) {
	t.Parallel()
	m, ran := fake("linux", fedora, false, "docker run", "docker rm")
	_, err := m.startPostgresContainer(t.Context(), "docker")
	require.ErrorContains(t, err, "not here")
	require.Contains(t, (*ran)[len(*ran)-1], "docker rm --force")
}

func TestAdviceFitsTheSystem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ system, release, says string }{
		{"linux", debian, "apt-get install"},
		{"linux", fedora, "dnf install postgresql-server"},
		{"darwin", "", "brew install"},
		{"freebsd", "", "your package manager"},
	} {
		m, _ := fake(c.system, c.release, false)
		err := m.advise(kinds, "PostgreSQL and Redis")
		require.ErrorContains(t, err, c.says)
		require.ErrorContains(t, err, "Docker or Podman")
		require.ErrorContains(t, err, "Install Redis")
	}
}
