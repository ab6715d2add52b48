package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
)

// machine is what decides how PostgreSQL can be had.
type machine struct {
	system    string // as in runtime.GOOS
	osRelease string // the text of /etc/os-release
	root      bool
	// run runs a command and returns what it printed on stdout.
	run func(ctx context.Context, name string, args ...string) (string, error)
}

func thisMachine() machine {
	release, _ := os.ReadFile("/etc/os-release") // only some systems have it
	return machine{system: runtime.GOOS, osRelease: string(release), root: os.Getuid() == 0, run: runCommand}
}

func runCommand(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var output, faults bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &faults
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", name, err, bytes.TrimSpace(faults.Bytes()))
	}
	return strings.TrimSpace(output.String()), nil
}

type way int

const (
	byNone way = iota
	byInstalling
	byContainer
)

// way finds a way to a server, and the container engine where that is it.
func (m machine) way(ctx context.Context) (found way, engine string) {
	if m.like("debian", "ubuntu") && (m.root || m.works(ctx, "sudo", "-n", "true")) && m.works(ctx, "apt-get", "--version") {
		return byInstalling, ""
	}
	for _, engine := range []string{"docker", "podman"} {
		// info asks the engine itself: a client without one fails.
		if m.works(ctx, engine, "info") {
			return byContainer, engine
		}
	}
	return byNone, ""
}

func (m machine) works(ctx context.Context, name string, args ...string) bool {
	_, err := m.run(ctx, name, args...)
	return err == nil
}

// like reports whether this is one of these Linux distributions, or made of
// one.
func (m machine) like(names ...string) bool {
	for line := range strings.Lines(m.osRelease) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if key != "ID" && key != "ID_LIKE" {
			continue
		}
		for id := range strings.FieldsSeq(strings.Trim(value, `"'`)) {
			if slices.Contains(names, id) {
				return true
			}
		}
	}
	return false
}

// installScript installs the server's programs alone. Debian would make and
// start a cluster of its own; the drop-in file, gone afterwards, tells it not
// to, and leaves clusters that are there alone.
const installScript = `set -e
dropin=/etc/postgresql-common/createcluster.d/eventflow-testenv.conf
trap 'rm -f "$dropin"' EXIT
mkdir -p "${dropin%/*}"
echo 'create_main_cluster = false' >"$dropin"
export DEBIAN_FRONTEND=noninteractive
apt-get -q update >&2
apt-get -q install -y --no-install-recommends postgresql >&2`

func (m machine) install(ctx context.Context) error {
	command := []string{"sh", "-c", installScript}
	if !m.root {
		command = append([]string{"sudo", "-n"}, command...)
	}
	_, err := m.run(ctx, command[0], command[1:]...)
	return err
}

// image is the server that a container engine runs.
const image = "docker.io/library/postgres:17"

func (m machine) startContainer(ctx context.Context, engine string) (*postgres, error) {
	id, err := m.run(ctx, engine, "run", "--rm", "--detach", "--publish", "127.0.0.1::5432",
		"--env", "POSTGRES_HOST_AUTH_METHOD=trust", image, "-c", "max_connections=300")
	if err != nil {
		return nil, err
	}
	stop := func() error {
		// Not ctx: it has ended when a signal has.
		_, err := m.run(context.Background(), engine, "rm", "--force", "--volumes", id)
		return err
	}
	address, err := m.run(ctx, engine, "port", id, "5432/tcp")
	url := "postgres://postgres@" + address + "/postgres?sslmode=disable"
	if err == nil {
		err = await(ctx, url, engine+" container "+id[:min(12, len(id))])
	}
	if err != nil {
		_ = stop() // the first fault is the one to tell
		return nil, err
	}
	return &postgres{url: url, stop: stop}, nil
}

// advice is what to do on this system.
func (m machine) advice() string {
	install := "Install PostgreSQL with your package manager, so that initdb is in the PATH"
	switch {
	case m.like("debian", "ubuntu"):
		install = "Install it: sudo apt-get install --no-install-recommends postgresql"
	case m.like("fedora", "rhel", "centos"):
		install = "Install it: sudo dnf install postgresql-server"
	case m.like("arch"):
		install = "Install it: sudo pacman -S postgresql"
	case m.like("alpine"):
		install = "Install it: sudo apk add postgresql"
	case m.like("suse", "opensuse"):
		install = "Install it: sudo zypper install postgresql-server"
	case m.system == "darwin":
		install = "Install it: brew install postgresql@17"
	}
	return install + ", or start Docker or Podman"
}
