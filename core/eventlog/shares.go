package eventlog

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/internal/cache"
)

// Shares knows what each organization may take of the installation. A nil one bounds
// nothing but by [core.DefaultShares].
type Shares struct {
	SharePorts
	// general are the bounds of organizations that have none of their own.
	general atomic.Pointer[core.Shares]
	// known remembers the bounds of an organization for a moment, because large uploads
	// and polls ask for them.
	known *cache.Cache[core.ID, core.Shares]
}

// SharePorts is what Shares works with.
type SharePorts struct {
	Organizations core.Organizations
	Holdings      core.Holdings
	Authorizer    core.Authorizer
	// General are the bounds, to begin with, of organizations that have none of their
	// own. Its zeros are those of [core.DefaultShares].
	General core.Shares
	Now     core.Clock
}

// How long bounds are trusted, and of how many organizations.
const (
	shareTTL       = time.Second
	shareCacheSize = 10_000
)

// NewShares returns the use case.
func NewShares(ports SharePorts) *Shares {
	s := &Shares{SharePorts: ports, known: cache.New[core.ID, core.Shares](ports.Now, shareTTL, shareCacheSize)}
	s.SetGeneral(ports.General)
	return s
}

// SetGeneral replaces the bounds of organizations that have none of their own, within
// a second. What they have beyond the new bounds stays.
func (s *Shares) SetGeneral(general core.Shares) {
	general = general.Or(core.DefaultShares)
	s.general.Store(&general)
}

// Allowed returns what an organization may take. Where a share has no bound but what
// others leave free, it is 0.
func (s *Shares) Allowed(ctx context.Context, org core.ID) (core.Shares, error) {
	if s == nil {
		return core.DefaultShares, nil
	}
	allowed, err := s.known.Get(ctx, org, func(core.Shares) (core.Shares, error) {
		stored, err := s.Organizations.Organization(ctx, org)
		return stored.Shares.Or(*s.general.Load()), err
	}, core.IsNotFound)
	if core.IsNotFound(err) { // nobody's: it is not signed in yet
		return *s.general.Load(), nil
	}
	return allowed, core.StoreFailed(err)
}

// Room refuses one more of something that is counted when an organization has as many of
// it as it may. Nodes that are asked at the same moment may each let one through.
func (s *Shares) Room(ctx context.Context, org core.ID, share core.Share) error {
	if s == nil {
		return nil
	}
	allowed, err := s.Allowed(ctx, org)
	if err != nil {
		return err
	}
	held, err := s.Holdings.Held(ctx, org)
	if err != nil {
		return core.StoreFailed(err)
	}
	if most := *allowed.At(share); *held.At(share) >= most {
		return core.ShareFull(share, most)
	}
	return nil
}

// Usage returns what the organization of a principal has, and what it may take. What a
// node counts, the memory of uploads and requests that last, is 0.
func (s *Shares) Usage(ctx context.Context, who core.Principal) (usage core.Usage, err error) {
	if err := core.Authorize(s.Authorizer, who, core.ActionReadUsers, core.ID{}); err != nil {
		return usage, err
	}
	if usage.Allowed, err = s.Allowed(ctx, who.Org); err != nil {
		return usage, err
	}
	usage.Used, err = s.Holdings.Held(ctx, who.Org)
	return usage, core.StoreFailed(err)
}
