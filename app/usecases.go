package app

import (
	"log/slog"
	"runtime"
	"time"

	"go.uber.org/fx"

	"github.com/eventflow-go/eventflow/adapters/argon2"
	"github.com/eventflow-go/eventflow/adapters/jwt"
	"github.com/eventflow-go/eventflow/adapters/metrics"
	"github.com/eventflow-go/eventflow/adapters/otel"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/deliver"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/identity"
	"github.com/eventflow-go/eventflow/core/inbound"
)

// ports are what most use cases work with.
type ports struct {
	fx.In

	Catalog    core.Catalog
	Log        core.EventLog
	Schemas    core.SchemaCompiler
	Authorizer core.Authorizer
	Record     core.Recorder
	Logger     *slog.Logger
	Now        func() time.Time
}

// newTrail returns the audit trail, which all other use cases tell what they do.
func newTrail(
	committer *eventlog.Committer, log core.EventLog, turns *eventlog.Turns, authorizer core.Authorizer, logger *slog.Logger, now func() time.Time,
) (*eventlog.Trail, core.Recorder) {
	trail := eventlog.NewTrail(eventlog.TrailPorts{
		Committer: committer, Log: log, Turns: turns, Authorizer: authorizer, Logger: logger, Now: now,
	})
	return trail, trail.Record
}

func newShares(cfg Config, p ports) *eventlog.Shares {
	return eventlog.NewShares(eventlog.SharePorts{
		Organizations: p.Catalog, Holdings: p.Catalog, Authorizer: p.Authorizer, General: cfg.shares(), Now: p.Now,
	})
}

func newStreams(cfg Config, p ports, storage core.Storage, shares *eventlog.Shares, m *metrics.Metrics) *eventlog.Streams {
	shards, _ := storage.(core.Sharded)
	return eventlog.NewStreams(eventlog.StreamPorts{
		Catalog: p.Catalog, Log: p.Log, Schemas: p.Schemas, Authorizer: p.Authorizer, Shares: shares, Record: p.Record, Now: p.Now,
		Versions: p.Catalog, Misfit: m.Misfit, Archive: archiveOf(storage), HotDays: cfg.HotDays, Shards: shards, Places: p.Catalog,
	})
}

// newMoves returns who moves streams. What is under way when the server stops is left where
// it can go on.
func newMoves(lc fx.Lifecycle, p ports, storage core.Storage, streams *eventlog.Streams) *eventlog.Moves {
	store, _ := engineOf(storage).(eventlog.ShardedLog) // what is in an archive is on no shard
	moves := eventlog.NewMoves(eventlog.MovePorts{Streams: streams, Store: store, Record: p.Record, Logger: p.Logger, Now: p.Now})
	lc.Append(fx.StopHook(moves.Close))
	return moves
}

func newSchemas(p ports, streams *eventlog.Streams, turns *eventlog.Turns) *eventlog.Schemas {
	return eventlog.NewSchemas(eventlog.SchemaPorts{
		Streams: streams, Store: p.Catalog, Compiler: p.Schemas, Log: p.Log, Turns: turns, Record: p.Record, Now: p.Now,
	})
}

func newQuarantine(p ports, streams *eventlog.Streams, ingest *eventlog.Ingest) *eventlog.Quarantine {
	return eventlog.NewQuarantine(eventlog.QuarantinePorts{Streams: streams, Events: ingest, Store: p.Catalog, Record: p.Record})
}

func newQuery(p ports, streams *eventlog.Streams, turns *eventlog.Turns) *eventlog.Query {
	return eventlog.NewQuery(eventlog.QueryPorts{Log: p.Log, Turns: turns, Streams: streams, Authorizer: p.Authorizer, Record: p.Record, Now: p.Now})
}

func newTails(p ports, streams *eventlog.Streams, recent *eventlog.Recent) *eventlog.Tails {
	return eventlog.NewTails(streams, recent, p.Log)
}

func newRetention(cfg Config, p ports, storage core.Storage, m *metrics.Metrics) *eventlog.Retention {
	room, _ := storage.(core.Preparer) // where none is needed, there is none
	return eventlog.NewRetention(eventlog.RetentionPorts{
		Catalog: p.Catalog, Log: p.Log, Attempts: p.Catalog, Sessions: p.Catalog, Quarantine: p.Catalog, Room: room,
		Archive: archiveOf(storage), HotDays: cfg.HotDays, HandedOver: m.HandedOver,
		Removed: m.Removed, Swept: m.Swept, Logger: p.Logger, Now: p.Now,
	})
}

func newDelivery(
	p ports, t *otel.Telemetry, streams *eventlog.Streams, shares *eventlog.Shares, recent *eventlog.Recent, people *identity.UseCases,
	m *metrics.Metrics,
) *deliver.UseCases {
	return deliver.New(deliver.Ports{
		Streams: streams, Recent: recent, Log: p.Log, Store: t.Groups(m.GroupStore(p.Catalog)), Shares: shares,
		Authorizer: p.Authorizer, Bearer: people.Bearer, Record: p.Record, Handed: m.Handed, Settled: m.Settled, Logger: p.Logger, Now: p.Now,
	})
}

func newInbound(
	cfg Config, p ports, streams *eventlog.Streams, ingest *eventlog.Ingest, shares *eventlog.Shares, m *metrics.Metrics,
) *inbound.Sources {
	return inbound.New(inbound.Ports{
		Catalog: p.Catalog, Streams: streams, Ingest: ingest, Shares: shares, Authorizer: p.Authorizer, Secrets: cfg.secrets(),
		Feeds: cfg.feeds(), Refusal: m.Refused, Record: p.Record, Logger: p.Logger, Now: p.Now,
	})
}

// identityPorts are the ports that the server and the commands of its operator
// have in common.
func identityPorts(cfg Config, catalog core.Catalog, authorizer core.Authorizer, now core.Clock) (identity.Ports, error) {
	tokens, err := jwt.New(cfg.secrets()...)
	return identity.Ports{
		Organizations: catalog, Users: catalog, Sessions: catalog, Tickets: catalog, Credentials: catalog, Authorizer: authorizer,
		Hasher: argon2.New(runtime.NumCPU()), Tokens: tokens, Links: cfg.links(),
		Secret: []byte(cfg.Secret), Previous: []byte(cfg.SecretPrevious), Now: now,
	}, err
}
