package app

import (
	"context"
	"errors"
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

// Storage makes a storage adapter available under a URL scheme: with
// Storage("rocks", rocks.Open), the setting EVENTFLOW_STORE=rocks://… uses it.
func Storage(scheme string, open OpenStorage) Option {
	return func(p *program) { p.storages[scheme] = open }
}

// SharedStorage is Storage for an adapter that several processes may have open
// at once, as the suite in core/storetest calls it Second. Only there does the
// command line write into the audit trail: a server may be at work.
func SharedStorage(scheme string, open OpenStorage) Option {
	return func(p *program) { p.storages[scheme], p.shared[scheme] = open, true }
}

// InitStorage makes what a store needs before its first use, and tells of each thing
// whether it was made or found. It may be called again.
type InitStorage func(ctx context.Context, u *url.URL, tell func(text string)) error

// StorageInit has 'eventflow init' prepare stores of a scheme, whose adapter makes
// nothing when it is opened.
func StorageInit(scheme string, start InitStorage) Option {
	return func(p *program) { p.inits[scheme] = start }
}

// alone reports whether a server keeps the storage for itself.
func (p *program) alone(cfg Config) (scheme string, alone bool) {
	u, err := storeURL(cfg.Store)
	if err != nil || p.storages[u.Scheme] == nil {
		return "", false
	}
	all, err := shardURLs(u)
	if err != nil {
		return "", false
	}
	for _, one := range all {
		if !p.shared[one.Scheme] {
			return one.Scheme, true
		}
	}
	return u.Scheme, false
}

// reminder is what a storage needs to know of the catalog: where streams are, and how far
// the log had come.
type reminder interface {
	core.Homes
	core.Extents
}

// openSharedStorage opens the storage beside a server that may have it open.
func (p *program) openSharedStorage(ctx context.Context, cfg Config, kept reminder) (core.Storage, error) {
	if scheme, alone := p.alone(cfg); alone {
		return nil, fmt.Errorf("a %s: store can be open in one process only, the server", scheme)
	}
	storage, err := p.openStorage(ctx, cfg, kept)
	if err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	return storage, nil
}

// openStorage opens the storage and tells it what it needs to know of the catalog.
func (p *program) openStorage(ctx context.Context, cfg Config, kept reminder) (core.Storage, error) {
	open, u, err := p.opener(cfg)
	if err != nil {
		return nil, err
	}
	storage, err := open(cfg.demands(ctx), u)
	if err != nil {
		return nil, err
	}
	if err := refuseShard(ctx, storage); err != nil {
		return nil, errors.Join(err, storage.Close())
	}
	seat(storage, kept)
	if guarded, ok := storage.(core.Guarded); ok {
		if err := guarded.Guard(ctx, kept); err != nil {
			return nil, errors.Join(err, storage.Close())
		}
	}
	return storage, nil
}

// opener returns what opens the store that the settings name.
func (p *program) opener(cfg Config) (OpenStorage, *url.URL, error) {
	u, err := storeURL(cfg.Store)
	if err != nil {
		return nil, nil, wrong("store", err.Error())
	}
	open, ok := p.storages[u.Scheme]
	if !ok {
		return nil, nil, p.unknownScheme(u.Scheme)
	}
	return open, u, nil
}

func (p *program) unknownScheme(scheme string) error {
	known := slices.Sorted(maps.Keys(p.storages))
	return wrong("store", fmt.Sprintf("has the unknown scheme %q; this build supports %s", scheme, strings.Join(known, ", ")))
}
