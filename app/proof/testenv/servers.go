package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/adapters/redistest"
	"github.com/eventflow-go/eventflow/app/proof/browser"
)

// kind is a server that the tests need, and how to come by one.
type kind struct {
	name  string
	env   string
	start func(context.Context) (*server, error)
	// missing is what start answers where the machine has no such server.
	missing error
	// apt is Debian's package, container runs an image.
	apt       string
	container func(m machine, ctx context.Context, engine string) (*server, error)
	advice    func(m machine) string
}

var kinds = []kind{
	{"PostgreSQL", pgtest.EnvURL, startPostgres, pgtest.ErrNotInstalled, "postgresql", machine.startPostgresContainer, machine.postgresAdvice},
	{"Redis", redistest.EnvURL, startRedis, redistest.ErrNotInstalled, "redis-server", machine.startRedisContainer, machine.redisAdvice},
	{"Chromium", browser.EnvChromium, findChromium, browser.ErrNotInstalled, "chromium-headless-shell", machine.noChromiumContainer, machine.chromiumAdvice},
}

// servers are those that were started.
type servers []*server

// stop ends all.
func (all servers) stop() error {
	var errs []error
	for _, one := range all {
		errs = append(errs, one.stop())
	}
	return errors.Join(errs...)
}

// envNATS names a program that is a server of NATS where it is started as one: this one.
const envNATS = "EVENTFLOW_TEST_NATS"

// environ names the servers to a command.
func (all servers) environ() []string {
	environ := os.Environ()
	if self, err := os.Executable(); err == nil {
		environ = append(environ, envNATS+"="+self)
	}
	for _, one := range all {
		environ = append(environ, one.env+"="+one.url)
	}
	return environ
}

// unnamed are the kinds that the environment does not name yet.
func unnamed() (wanted []kind) {
	for _, k := range kinds {
		if os.Getenv(k.env) == "" {
			wanted = append(wanted, k)
		} else {
			say("%s is set: using that server", k.env)
		}
	}
	return wanted
}

// start returns running servers, by the first way that this machine offers.
func (m machine) start(ctx context.Context, wanted []kind) (started servers, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, started.stop())
			started = nil
		}
	}()
	var missing []kind
	for _, k := range wanted {
		one, err := k.start(ctx)
		switch {
		case errors.Is(err, k.missing):
			missing = append(missing, k)
		case err != nil:
			return started, err
		default:
			started = append(started, one)
		}
	}
	if len(missing) == 0 {
		return started, nil
	}
	found, err := m.find(ctx, missing)
	return append(started, found...), err
}

// find comes by servers that the machine does not have.
func (m machine) find(ctx context.Context, missing []kind) (found servers, err error) {
	names := make([]string, len(missing))
	for i, k := range missing {
		names[i] = k.name
	}
	text := strings.Join(names, " and ")
	way, engine := m.way(ctx)
	switch way {
	case byInstalling:
		say("no %s found: installing with apt-get; nothing of the system is started", text)
		if err := m.install(ctx, missing); err != nil {
			return nil, fmt.Errorf("installing %s: %w", text, err)
		}
	case byContainer:
		say("no %s found: using %s", text, engine)
	case byNone:
		return nil, m.advise(missing, text)
	}
	for _, k := range missing {
		start := k.start
		if way == byContainer {
			start = func(ctx context.Context) (*server, error) { return k.container(m, ctx, engine) }
		}
		one, err := start(ctx)
		if err != nil {
			return found, err
		}
		found = append(found, one)
	}
	return found, nil
}

// findChromium names the browser of the tests, which start it themselves.
func findChromium(context.Context) (*server, error) {
	path, err := browser.Find()
	return &server{env: browser.EnvChromium, url: path, stop: func() error { return nil }}, err
}

// noChromiumContainer says that a browser in a container is of no use: it could
// not reach the tests' servers, which listen on the loopback address.
func (m machine) noChromiumContainer(context.Context, string) (*server, error) {
	return nil, errors.New("no Chromium found. " + m.chromiumAdvice())
}

// advise says what to do on this system.
func (m machine) advise(missing []kind, text string) error {
	var advice []string
	for _, k := range missing {
		advice = append(advice, k.advice(m)+", or set "+k.env+" to one for tests")
	}
	return errors.New("no " + text + " found, and no container engine that works (Docker or Podman). " + strings.Join(advice, ". ") + ".")
}
