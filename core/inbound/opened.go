package inbound

import (
	"context"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Open is a source ready for use, its secrets opened. It does not change after it is made,
// so requests share it.
type Open struct {
	core.Source
	kept secrets
	// sealed says why the secrets cannot be opened, or is nil.
	sealed error
	preset *preset
}

// openTTL is how long a source is believed before the catalog is asked again, and
// openCacheSize how many are kept.
const (
	openTTL       = time.Second
	openCacheSize = 10_000
)

// errNoAddress answers for a token that is none. It says what every address says at which
// there is nothing.
var errNoAddress = core.Errorf(core.CodeNotFound, "there is nothing at this address")

// Find returns the source that a token belongs to, or [core.CodeNotFound].
func (s *Sources) Find(ctx context.Context, token string) (*Open, error) {
	if !wellFormedToken(token) {
		return nil, errNoAddress
	}
	for _, hash := range s.vault.hashes(token) {
		open, err := s.known.Get(ctx, hash, func(*Open) (*Open, error) { return s.open(ctx, hash) }, core.IsNotFound)
		if err == nil && open.Preset.Fetches() {
			return nil, errNoAddress
		}
		if err == nil {
			return open, nil
		}
		if !core.IsNotFound(err) {
			return nil, core.StoreFailed(err)
		}
	}
	return nil, errNoAddress
}

func (s *Sources) open(ctx context.Context, hash core.KeyHash) (*Open, error) {
	source, err := s.Catalog.SourceByHash(ctx, hash)
	if err != nil {
		return nil, err
	}
	return s.opened(ctx, source), nil
}

// opened opens the secrets of a source.
func (s *Sources) opened(ctx context.Context, source core.Source) *Open {
	open := &Open{Source: source, preset: presets[source.Preset]}
	if open.kept, open.sealed = s.vault.open(&source); open.sealed != nil {
		s.Logger.ErrorContext(ctx, "the secrets of a source cannot be opened", "source_id", source.ID, "error", open.sealed)
	}
	return open
}

// Principal is who sends to a source.
func (o *Open) Principal() core.Principal {
	return core.Principal{Org: o.Org, Label: o.Name, Role: core.RoleProducer, Streams: []core.ID{o.Stream}}
}
