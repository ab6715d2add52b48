package deliver

import (
	"context"
	"log/slog"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/internal/cache"
	"github.com/eventflow-go/eventflow/core/internal/lookout"
)

// UseCases is all of delivery on one node.
type UseCases struct {
	Groups    *Groups
	Consumers *Consumers
	Workers   *Workers
	Letters   *Letters
	Replayer  *Replayer
	Numbers   *Numbers
	Tracer    *Tracer
}

// Ports are the stores and use cases that delivery works with.
type Ports struct {
	// Streams opens streams by name, for principals that may use them.
	Streams *eventlog.Streams
	// Recent holds the newest events, and wakes polls that wait for more. Who neither
	// consumes nor works does without, and without Log.
	Recent *eventlog.Recent
	// Log holds all events.
	Log core.Reader
	// Store holds groups, their progress, and their dead letters.
	Store core.GroupStore
	// Shares bounds what an organization may have. It may be nil.
	Shares     *eventlog.Shares
	Authorizer core.Authorizer
	// Bearer returns the principal that a user or a key of an organization is now, or
	// [core.CodeUnauthorized] where it is none any more. What goes on without the one
	// who started it asks it. Nil asks nobody.
	Bearer func(ctx context.Context, org, id core.ID) (core.Principal, error)
	// Record adds to the audit trail; a nil one records nothing.
	Record core.Recorder
	// Handed is told of each delivery that has events, and Settled of each answer of a
	// consumer that was stored, with the lease that it was about. The lease is zero
	// where the answer was about none. Consumers wait for both, so they must be fast. They may be nil.
	Handed  func(d core.Delivery, at time.Time)
	Settled func(lease core.ID, at time.Time)
	Logger  *slog.Logger
	Now     core.Clock
}

// New returns the use cases of a node. It is the only way to them: they share the
// turns, by which the node makes the steps of a group one after the other.
func New(p Ports) *UseCases {
	steps := newTurns(p.Store, p.Log, p.Now)
	groups := &Groups{
		streams: p.Streams, store: p.Store, log: p.Log, turns: steps, shares: p.Shares, record: p.Record, now: p.Now,
		known: cache.New[core.ID, []core.Group](p.Now, groupTTL, groupCacheSize),
	}
	consumers := &Consumers{
		streams: p.Streams, groups: groups, letters: p.Store, log: p.Log, recent: p.Recent, turns: steps, logger: p.Logger, now: p.Now,
		backfills: eventlog.NewTurns(p.Recent), reads: eventlog.NewReads(p.Recent),
		permits: lookout.New[permit](eventlog.RecheckInterval), moves: lookout.New[core.ID](eventlog.RecheckInterval),
		handed: p.Handed, settled: p.Settled, closing: make(chan struct{}),
	}
	return &UseCases{
		Groups:    groups,
		Consumers: consumers,
		Workers:   &Workers{consumers: consumers},
		Letters: &Letters{
			streams: p.Streams, groups: groups, store: p.Store, turns: steps, shares: p.Shares, authorizer: p.Authorizer, record: p.Record, now: p.Now,
		},
		Replayer: &Replayer{
			store: p.Store, turns: steps, bearer: p.Bearer, authorizer: p.Authorizer, record: p.Record, logger: p.Logger, now: p.Now,
		},
		Numbers: &Numbers{streams: p.Streams, groups: p.Store, log: p.Log, authorizer: p.Authorizer, now: p.Now},
		Tracer:  &Tracer{streams: p.Streams, store: p.Store, log: p.Log, authorizer: p.Authorizer},
	}
}
