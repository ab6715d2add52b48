package main

import (
	"context"
	"errors"
	"os"

	"github.com/eventflow-go/eventflow/adapters/redistest"
)

// startRedis starts a private Redis, which keeps nothing.
func startRedis(ctx context.Context) (*server, error) {
	dir, err := os.MkdirTemp("", "eventflow-test-redis-")
	if err != nil {
		return nil, err
	}
	private, err := redistest.Start(ctx, dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	say("Redis at %s, in memory", private.URL())
	return &server{env: redistest.EnvURL, url: private.URL(), stop: func() error {
		return errors.Join(private.Stop(), os.RemoveAll(dir))
	}}, nil
}
