package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/adapters/redistest"
)

// machine is what decides how servers can be had.
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

// installScript installs the servers' programs alone. Debian would make and
// start a cluster, and start Redis: two files, gone afterwards, tell it not to.
// What is there already is left alone, a policy of the machine's owner too.
const installScript = `set -e
dropin=/etc/postgresql-common/createcluster.d/eventflow-testenv.conf
policy=/usr/sbin/policy-rc.d
if [ -e "$policy" ]; then policy=; fi
trap 'rm -f "$dropin" $policy' EXIT
mkdir -p "${dropin%/*}"
echo 'create_main_cluster = false' >"$dropin"
if [ -n "$policy" ]; then printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod +x "$policy"; fi
export DEBIAN_FRONTEND=noninteractive
apt-get -q update >&2
apt-get -q install -y --no-install-recommends "$@" >&2`

func (m machine) install(ctx context.Context, missing []kind) error {
	command := []string{"sh", "-c", installScript, "install"}
	for _, k := range missing {
		command = append(command, k.apt)
	}
	if !m.root {
		command = append([]string{"sudo", "-n"}, command...)
	}
	_, err := m.run(ctx, command[0], command[1:]...)
	return err
}

// The images that a container engine runs.
const (
	postgresImage = "docker.io/library/postgres:17"
	redisImage    = "docker.io/library/redis:7"
)

// startContainer runs an image and returns where its port is, and its end.
func (m machine) startContainer(ctx context.Context, engine, port string, args ...string) (address, name string, stop func() error, err error) {
	id, err := m.run(ctx, engine, append([]string{"run", "--rm", "--detach", "--publish", "127.0.0.1::" + port}, args...)...)
	if err != nil {
		return "", "", nil, err
	}
	stop = func() error {
		// Not ctx: it has ended when a signal has.
		_, err := m.run(context.Background(), engine, "rm", "--force", "--volumes", id)
		return err
	}
	if address, err = m.run(ctx, engine, "port", id, port+"/tcp"); err != nil {
		_ = stop() // the first fault is the one to tell
	}
	return address, engine + " container " + id[:min(12, len(id))], stop, err
}

func (m machine) startPostgresContainer(ctx context.Context, engine string) (*server, error) {
	address, name, stop, err := m.startContainer(ctx, engine, "5432",
		"--env", "POSTGRES_HOST_AUTH_METHOD=trust", postgresImage, "-c", "max_connections=300")
	if err != nil {
		return nil, err
	}
	url := "postgres://postgres@" + address + "/postgres?sslmode=disable"
	if err := await(ctx, url, name); err != nil {
		return nil, errors.Join(err, stop())
	}
	return &server{env: pgtest.EnvURL, url: url, stop: stop}, nil
}

func (m machine) startRedisContainer(ctx context.Context, engine string) (*server, error) {
	address, name, stop, err := m.startContainer(ctx, engine, "6379", redisImage)
	if err != nil {
		return nil, err
	}
	url := "redis://" + address + "/0"
	if err := redistest.Await(ctx, url); err != nil {
		return nil, errors.Join(err, stop())
	}
	say("Redis in %s", name)
	return &server{env: redistest.EnvURL, url: url, stop: stop}, nil
}

// redisAdvice is what to do on this system.
func (m machine) redisAdvice() string {
	switch {
	case m.like("debian", "ubuntu"):
		return "Install Redis: sudo apt-get install --no-install-recommends redis-server"
	case m.system == "darwin":
		return "Install Redis: brew install redis"
	}
	return "Install Redis with your package manager, so that redis-server is in the PATH"
}

// postgresAdvice is what to do on this system.
func (m machine) postgresAdvice() string {
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
	return install
}

// chromiumAdvice is what to do on this system.
func (m machine) chromiumAdvice() string {
	switch {
	case m.like("debian"):
		return "Install Chromium: sudo apt-get install --no-install-recommends chromium-headless-shell"
	case m.system == "darwin":
		return "Install Chromium: brew install --cask chromium"
	}
	return "Install Chromium with your package manager, so that chromium is in the PATH"
}
