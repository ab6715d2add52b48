package app

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/eventflow-go/eventflow/core"
)

// OpenStorage opens the storage that a URL names. It brings the database to
// the schema it needs, and fails when it cannot serve.
type OpenStorage func(ctx context.Context, u *url.URL) (core.Storage, error)

// Option adds something to the program that Main runs.
type Option func(*program)

// program is what the options build: the parts that differ between binaries.
type program struct {
	storages map[string]OpenStorage
}

func newProgram(options []Option) *program {
	p := &program{storages: map[string]OpenStorage{}}
	for _, option := range options {
		option(p)
	}
	return p
}

// Storage makes a storage adapter available under a URL scheme: with
// Storage("rocks", rocks.Open), the setting EVENTFLOW_STORE=rocks://… uses it.
func Storage(scheme string, open OpenStorage) Option {
	return func(p *program) { p.storages[scheme] = open }
}

func (p *program) openStorage(ctx context.Context, cfg Config) (core.Storage, error) {
	u, err := storeURL(cfg.Store)
	if err != nil {
		return nil, wrong("store", err.Error())
	}
	open, ok := p.storages[u.Scheme]
	if !ok {
		known := slices.Sorted(maps.Keys(p.storages))
		return nil, wrong("store", fmt.Sprintf("has the scheme %q; this build knows %s", u.Scheme, strings.Join(known, ", ")))
	}
	return open(ctx, u)
}
