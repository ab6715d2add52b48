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

// server is one for the time of one command.
type server struct {
	env  string // the variable that names it to the command
	url  string
	stop func() error
}

// startPostgres starts a private cluster in a temporary folder.
func startPostgres(ctx context.Context) (*server, error) {
	dir, err := os.MkdirTemp("", "eventflow-test-")
	if err != nil {
		return nil, err
	}
	cluster, err := pgtest.Start(ctx, dir)
	started := &server{env: pgtest.EnvURL, stop: func() error {
		var stopped error
		if cluster != nil {
			stopped = cluster.Stop()
		}
		return errors.Join(stopped, os.RemoveAll(dir))
	}}
	if err == nil {
		started.url = cluster.URL()
		err = describe(ctx, started.url, dir)
	}
	if err != nil {
		return nil, errors.Join(err, started.stop())
	}
	return started, nil
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
