package inbound

import (
	"context"
	"log/slog"
	"slices"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/internal/cache"
)

// Sources is the life of sources, and takes in what senders send to them.
type Sources struct {
	Ports
	vault vault
	// known are the sources by the hashes of their tokens, for openTTL. A change on this
	// node drops its source, one on another node shows after openTTL.
	known    *cache.Cache[core.KeyHash, *Open]
	refusals refusals
	// changed holds at most one signal: feeds have changed on this node.
	changed chan struct{}
	// node tells the notes of this node from those of others.
	node core.ID
}

// Ports is what Sources works with.
type Ports struct {
	Catalog core.Sources
	Streams *eventlog.Streams
	Ingest  *eventlog.Ingest
	// Shares bounds how many sources there are. It may be nil.
	Shares     *eventlog.Shares
	Authorizer core.Authorizer
	// Feeds are the systems that can be fetched from, by their presets.
	Feeds map[core.Preset]core.FeedConnector
	// Secrets are the server's secret and those before it. At least one is not empty.
	Secrets [][]byte
	// Refusal is told of each refusal, stored or not; it must be fast, and may be nil.
	Refusal func(source core.ID, code core.Code)
	Record  core.Recorder
	Logger  *slog.Logger
	Now     core.Clock
}

// New returns the use case.
func New(ports Ports) *Sources {
	return &Sources{
		Ports: ports, vault: newVault(ports.Secrets),
		known:    cache.New[core.KeyHash, *Open](ports.Now, openTTL, openCacheSize),
		refusals: newRefusals(), changed: make(chan struct{}, 1), node: core.RandomID(ports.Now()),
	}
}

// Create makes a source and returns it with the token of its address, which cannot be
// shown again; one that fetches has no address, and no token. A taken name is a [core.CodeConflict].
func (s *Sources) Create(ctx context.Context, who core.Principal, spec core.SourceSpec) (source core.Source, token string, err error) {
	if err := core.Authorize(s.Authorizer, who, core.ActionWriteSources, core.ID{}); err != nil {
		return core.Source{}, "", err
	}
	kept := secrets{Token: newToken(), Secret: spec.Secret}
	if source, err = s.newSource(who, spec, &kept); err != nil {
		return core.Source{}, "", err
	}
	stream, err := s.Streams.Open(ctx, who, spec.Stream, core.ActionWriteSources)
	if core.IsNotFound(err) {
		return core.Source{}, "", core.Invalid("stream", "there is no such stream")
	}
	if err != nil {
		return core.Source{}, "", err
	}
	source.Stream = stream.ID
	if err := s.vault.seal(&source, kept); err != nil {
		return core.Source{}, "", err
	}
	if err := s.Shares.Room(ctx, who.Org, core.ShareSources); err != nil {
		return core.Source{}, "", err
	}
	if err := s.roomForFeed(ctx, &source); err != nil {
		return core.Source{}, "", err
	}
	if err := s.Catalog.CreateSource(ctx, source); err != nil {
		return core.Source{}, "", core.StoreFailed(err)
	}
	s.Record.Record(ctx, who.Did(core.AuditSourceCreated, "source", source.ID))
	if source.Preset.Fetches() {
		s.wake()
		return source, "", nil
	}
	return source, kept.Token, nil
}

// newSource checks a spec, and adds to what is kept of it.
func (s *Sources) newSource(who core.Principal, spec core.SourceSpec, kept *secrets) (core.Source, error) {
	now := s.Now.Stamp()
	source := core.Source{
		ID: core.RandomID(now), Org: who.Org, Preset: spec.Preset, State: core.SourceRunning, CreatedBy: who.Creator(),
		Revision: 1, CreatedAt: now, UpdatedAt: now,
	}
	if spec.Stream == "" {
		return core.Source{}, core.Invalid("stream", "is required: the name or the id of a stream")
	}
	if err := s.setFrom(&source, kept, spec.From); err != nil {
		return core.Source{}, err
	}
	change := core.SourceChange{Name: &spec.Name, Map: spec.Map, Headers: &spec.Headers, Signature: spec.Signature}
	if err := source.Apply(change); err != nil {
		return core.Source{}, err
	}
	if err := checkPaths(source.Map); err != nil {
		return core.Source{}, err
	}
	return source, checkSecret(spec.Preset, spec.Secret)
}

// Change changes a source. With a revision other than 0, a source that has another one by
// now is a [core.CodePreconditionFailed]. The secret before another one stays good for
// [SecretGrace].
func (s *Sources) Change(ctx context.Context, who core.Principal, id string, change core.SourceChange, expected int64) (core.Source, error) {
	source, err := s.revise(ctx, who, id, expected, func(source *core.Source, kept *secrets) error {
		if err := s.setFrom(source, kept, change.From); err != nil {
			return err
		}
		if err := source.Apply(change); err != nil {
			return err
		}
		if err := checkPaths(source.Map); err != nil || change.Secret == nil {
			return err
		}
		if err := checkSecret(source.Preset, *change.Secret); err != nil {
			return err
		}
		kept.replace(*change.Secret, s.Now())
		return nil
	})
	if err == nil {
		s.Record.Record(ctx, who.Did(core.AuditSourceChanged, "source", source.ID))
	}
	return source, err
}

// Rotate gives a source another address, and returns its token. The one before is void at
// once.
func (s *Sources) Rotate(ctx context.Context, who core.Principal, id string) (source core.Source, token string, err error) {
	source, err = s.revise(ctx, who, id, 0, func(source *core.Source, kept *secrets) error {
		if source.Preset.Fetches() {
			return core.Errorf(core.CodeConflict, "this source has no address: the server fetches its events")
		}
		token = newToken()
		kept.Token = token
		return nil
	})
	if err != nil {
		return core.Source{}, "", err
	}
	s.Record.Record(ctx, who.Did(core.AuditSourceRotated, "source", source.ID))
	return source, token, nil
}

// revise changes a source and its secrets. What it stores is sealed anew.
func (s *Sources) revise(
	ctx context.Context, who core.Principal, id string, expected int64, change func(*core.Source, *secrets) error,
) (core.Source, error) {
	var before core.KeyHash
	return core.Revision[core.Source]{
		Noun:   "source",
		Read:   func() (core.Source, error) { return s.find(ctx, who, id, core.ActionWriteSources) },
		Number: func(source *core.Source) *int64 { return &source.Revision },
		Change: func(source *core.Source) error {
			kept, err := s.vault.open(source)
			if err != nil {
				return core.Errorf(core.CodeConflict, "the secrets of this source cannot be read: %w", err)
			}
			before = source.Hash
			if err := change(source, &kept); err != nil {
				return err
			}
			source.UpdatedAt = s.Now.Stamp()
			return s.vault.seal(source, kept)
		},
		Store: func(source core.Source) error {
			err := s.Catalog.UpdateSource(ctx, source)
			s.known.Drop(before)
			s.wake()
			return err
		},
	}.Revise(ctx, expected)
}

// Delete removes a source with its refusals. With a revision other than 0, a source that
// has another one by now is a [core.CodePreconditionFailed].
func (s *Sources) Delete(ctx context.Context, who core.Principal, id string, expected int64) error {
	source, err := s.find(ctx, who, id, core.ActionWriteSources)
	if err != nil {
		return err
	}
	if expected != 0 && expected != source.Revision {
		return core.ChangedMeanwhile("source", source.Revision, expected)
	}
	err = s.Catalog.DeleteSource(ctx, who.Org, source.ID)
	s.known.Drop(source.Hash) // whatever the answer is: it may have been lost
	s.wake()
	if err != nil {
		return core.StoreFailed(err)
	}
	s.Record.Record(ctx, who.Did(core.AuditSourceDeleted, "source", source.ID))
	return nil
}

// find returns a source that a principal sees.
func (s *Sources) find(ctx context.Context, who core.Principal, id string, action core.Action) (core.Source, error) {
	if err := core.Authorize(s.Authorizer, who, action, core.ID{}); err != nil {
		return core.Source{}, err
	}
	wanted, err := core.ParseID(id)
	if err != nil {
		return core.Source{}, core.Invalid("id", "%v", err)
	}
	source, err := s.Catalog.Source(ctx, who.Org, wanted)
	if err != nil {
		return core.Source{}, core.StoreFailed(err)
	}
	if core.Narrowed(who, source.Stream) != nil {
		return core.Source{}, errNoSource
	}
	return source, nil
}

var errNoSource = core.Errorf(core.CodeNotFound, "there is no such source")

// checkSecret refuses a secret that the preset's sender cannot sign with.
func checkSecret(preset core.Preset, secret string) error {
	switch {
	case !preset.Signs() && secret != "":
		return core.Invalid("secret", "must be left out: the preset %s checks no signature", preset)
	case !preset.Signs():
		return nil
	case secret == "":
		return core.Invalid("secret", "is required: what the sender shows as the signing secret of the webhook")
	}
	if err := core.CheckText("secret", secret, 1, core.MaxSourceSecret); err != nil {
		return err
	}
	if slices.Contains([]byte{secret[0], secret[len(secret)-1]}, ' ') {
		return core.Invalid("secret", "must not begin or end with a space")
	}
	if preset == core.PresetStandard {
		_, err := standardKeyOf(secret)
		return err
	}
	return nil
}
