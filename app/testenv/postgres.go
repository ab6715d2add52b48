package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
)

// postgres is a server for the time of one command.
type postgres struct {
	url  string
	stop func() error
}

// start returns a running server, by the first way that this machine offers.
func (m machine) start(ctx context.Context) (*postgres, error) {
	server, err := startPrivate(ctx)
	if !errors.Is(err, pgtest.ErrNotInstalled) {
		return server, err
	}
	switch way, engine := m.way(ctx); way {
	case byInstalling:
		say("no PostgreSQL server found: installing one with apt-get; no cluster of the system is made or started")
		if err := m.install(ctx); err != nil {
			return nil, fmt.Errorf("installing PostgreSQL: %w", err)
		}
		return startPrivate(ctx)
	case byContainer:
		say("no PostgreSQL server found: using %s", engine)
		return m.startContainer(ctx, engine)
	default:
		return nil, errors.New("no PostgreSQL server found, and no container engine that works. " + m.advice() +
			", or set " + pgtest.EnvURL + " to the URL of a server where schemas may be created")
	}
}

func startPrivate(ctx context.Context) (*postgres, error) {
	dir, err := os.MkdirTemp("", "eventflow-test-")
	if err != nil {
		return nil, err
	}
	cluster, err := pgtest.Start(ctx, dir)
	server := &postgres{stop: func() error {
		var stopped error
		if cluster != nil {
			stopped = cluster.Stop()
		}
		return errors.Join(stopped, os.RemoveAll(dir))
	}}
	if err == nil {
		server.url = cluster.URL()
		err = describe(ctx, server.url, dir)
	}
	if err != nil {
		return nil, errors.Join(err, server.stop())
	}
	return server, nil
}

// describe prints what the tests run against.
func describe(ctx context.Context, url, place string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // it was only read from
	var version, fsync, commit, pages string
	err = conn.QueryRow(ctx, `select current_setting('server_version'), current_setting('fsync'),
		current_setting('synchronous_commit'), current_setting('full_page_writes')`).Scan(&version, &fsync, &commit, &pages)
	if err != nil {
		return err
	}
	say("PostgreSQL %s in %s, fsync=%s synchronous_commit=%s full_page_writes=%s", version, place, fsync, commit, pages)
	return nil
}

// answerTimeout bounds the start of a container, its first one on new data.
const answerTimeout = time.Minute

// await returns when the server answers, and says what it is.
func await(ctx context.Context, url, place string) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	for {
		err := describe(ctx, url, place)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL in %s does not answer: %w", place, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
