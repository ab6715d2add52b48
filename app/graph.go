package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"go.uber.org/fx"

	"github.com/eventflow-go/eventflow/adapters/casbinauth"
	"github.com/eventflow-go/eventflow/adapters/catalog"
	"github.com/eventflow-go/eventflow/adapters/jsonschema"
	"github.com/eventflow-go/eventflow/adapters/memlimit"
	"github.com/eventflow-go/eventflow/adapters/metrics"
	"github.com/eventflow-go/eventflow/adapters/otel"
	"github.com/eventflow-go/eventflow/adapters/redislimit"
	"github.com/eventflow-go/eventflow/adapters/redisnotify"
	"github.com/eventflow-go/eventflow/adapters/rest/server"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/deliver"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/identity"
	"github.com/eventflow-go/eventflow/core/inbound"
	"github.com/eventflow-go/eventflow/core/process"
)

// graph is the whole server: what there is, and what is made of what. fx
// starts it from top to bottom and stops it in reverse: first no new requests,
// then the queued commits, then the databases. The end of ctx interrupts the
// opening of the databases.
func graph(ctx context.Context, p *program, cfg Config) fx.Option {
	return fx.Options(
		fx.NopLogger,
		fx.Supply(p, cfg, fx.Annotate(ctx, fx.As(new(context.Context)))),
		fx.Provide(
			newLogger,
			newReloader,
			newKeyPair,
			func() core.Clock { return time.Now }, // this machine's
			newClock,
			func(c *eventlog.SharedClock) func() time.Time { return c.Now },
			func() *atomic.Pointer[Config] { return holding(cfg) },

			// Driven side: the adapters behind the ports.
			openTelemetry,
			newTraces,
			openStorage,
			openCatalog,
			newMetrics,
			func(m *metrics.Metrics, t *otel.Telemetry, storage core.Storage) core.EventLog {
				return t.Log(m.Log(storage))
			},
			fx.Annotate(casbinauth.New, fx.As(new(core.Authorizer))),
			fx.Annotate(jsonschema.New, fx.As(new(core.SchemaCompiler))),

			// The core: use cases over those ports.
			newCommitter,
			newOrganization,
			newTrail,
			newShares,
			newStreams,
			newMoves,
			eventlog.NewIngest,
			newSchemas,
			newQuarantine,
			newRetention,
			newQuery,
			newRecent,
			eventlog.NewTurns,
			eventlog.NewReads,
			newDelivery,
			newMailer,
			newIdentity,
			newProcessing,
			newInbound,
			newTails,

			// Driving side: HTTP.
			newChores,
			newHealth,
			newLimiter,
			newSite,
			newServer,
			listen,
		),
		atWork(),
	)
}

// atWork is what goes on beside requests.
func atWork() fx.Option {
	return fx.Invoke(
		func(lc fx.Lifecycle, c *eventlog.SharedClock) { background(lc, c.Run) },
		func(lc fx.Lifecycle, t *eventlog.Trail) { background(lc, t.Run) },
		func(
			lc fx.Lifecycle, c *chores, s *eventlog.Streams, r *eventlog.Retention, d *deliver.UseCases, i *identity.UseCases, p *process.UseCases,
			in *inbound.Sources, m *eventlog.Moves,
		) {
			for _, run := range []func(context.Context, core.Ran){s.Run, r.Run, m.Run, d.Replayer.Run, i.Access.Run, p.Runner.Run, in.Run, in.Fetch} {
				background(lc, func(ctx context.Context) { run(ctx, c.ran) })
			}
		},
		func(m *metrics.Metrics, d *deliver.UseCases, p *process.UseCases, s *server.Server, t *eventlog.Tails, logger *slog.Logger) {
			m.Groups(d.Numbers.Census, logger)
			m.Processors(p.Processors.Census, logger)
			m.Waiting(s.Polls, t.Open)
			m.Shares(s.Loads)
		},
	)
}

func newMetrics() *metrics.Metrics {
	m := metrics.New()
	m.Build(Version, runtime.Version())
	return m
}

// newLogger returns the log, and what sets its level.
func newLogger(cfg Config) (*slog.Logger, *slog.LevelVar) {
	level := &slog.LevelVar{}
	level.Set(cfg.level())
	options := &slog.HandlerOptions{Level: level}
	if cfg.LogFormat == "text" {
		return slog.New(otel.Handler(slog.NewTextHandler(os.Stderr, options))), level
	}
	return slog.New(otel.Handler(slog.NewJSONHandler(os.Stderr, options))), level
}

// level is the log level that the settings name; validate has checked it.
func (c Config) level() (level slog.Level) {
	_ = level.UnmarshalText([]byte(c.LogLevel))
	return level
}

// startTimeout bounds the opening of the databases, migrations included.
const startTimeout = 5 * time.Minute

func openStorage(
	ctx context.Context, lc fx.Lifecycle, p *program, cfg Config, kept core.Catalog, m *metrics.Metrics, t *otel.Telemetry, logger *slog.Logger,
) (core.Storage, error) {
	ctx, cancel := context.WithTimeout(t.Databases(ctx), startTimeout)
	defer cancel()
	storage, err := p.openStorage(ctx, cfg, kept)
	if err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	m.Engine("store", storage)
	m.LostShards(func() int {
		if guarded, ok := storage.(core.Guarded); ok {
			return guarded.Lost()
		}
		return 0
	})
	m.Shards(storage)
	tier, err := withArchive(ctx, cfg, storage, kept, logger, m.Fetched)
	if err != nil {
		return nil, errors.Join(err, storage.Close())
	}
	lc.Append(fx.StopHook(tier.Close))
	return tier, nil
}

func openCatalog(ctx context.Context, lc fx.Lifecycle, cfg Config, m *metrics.Metrics, t *otel.Telemetry) (core.Catalog, error) {
	ctx, cancel := context.WithTimeout(t.Databases(ctx), startTimeout)
	defer cancel()
	u, err := cfg.catalogURL()
	if err != nil {
		return nil, wrong("catalog", err.Error())
	}
	opened, err := catalog.Open(cfg.demands(ctx), u)
	if err != nil {
		return nil, fmt.Errorf("opening the catalog: %w", err)
	}
	lc.Append(fx.StopHook(opened.Close))
	m.Engine("catalog", opened)
	return opened, nil
}

// newClock returns the clock that this node has in common with all others: the
// catalog's, because leases and sessions are there, or else the store's.
func newClock(
	ctx context.Context, own core.Clock, catalog core.Catalog, storage core.Storage, m *metrics.Metrics, logger *slog.Logger,
) (*eventlog.SharedClock, error) {
	clock, err := sharedClock(ctx, own, logger, catalog, storage)
	if err != nil {
		return nil, err
	}
	m.Clock(clock.Ahead)
	return clock, nil
}

// sharedClock returns the clock of the first engine that has one.
func sharedClock(ctx context.Context, own core.Clock, logger *slog.Logger, engines ...any) (*eventlog.SharedClock, error) {
	var keepers []core.Timekeeper
	for _, engine := range engines {
		if keeper, ok := engine.(core.Timekeeper); ok {
			keepers = append(keepers, keeper)
		}
	}
	return eventlog.NewSharedClock(ctx, own, logger, keepers...)
}

// resolveFor is how long the outcome of an append is looked up: longer than several
// servers take to choose another leader.
const resolveFor = 20 * time.Second

func newCommitter(
	lc fx.Lifecycle, cfg Config, log core.EventLog, storage core.Storage, recent *eventlog.Recent, m *metrics.Metrics, now func() time.Time,
	logger *slog.Logger,
) *eventlog.Committer {
	shards, _ := storage.(core.Sharded) // log hides it: it counts and traces
	confirmer, _ := storage.(core.Confirmer)
	committer := eventlog.NewCommitter(log, eventlog.CommitOptions{
		Lanes: cfg.lanes(), QueueEvents: cfg.QueueEvents, QueueBytes: cfg.QueueBytes, Committed: recent.Committed, Waiting: recent.Waiting,
		Now: now, Logger: logger, Shards: shards, Confirmer: confirmer, Limits: core.GroupLimitsOf(storage), ResolveFor: resolveFor,
	})
	m.Queue(committer.Queued, committer.Fullest, core.ShardsOf(storage)*cfg.lanes()*cfg.QueueEvents)
	lc.Append(fx.StopHook(committer.Close))
	return committer
}

// newRecent returns the hub of recent events and keeps it going.
func newRecent(lc fx.Lifecycle, cfg Config, log core.EventLog, storage core.Storage, logger *slog.Logger) (*eventlog.Recent, error) {
	notifier, err := openNotifier(lc, cfg, storage, logger)
	if err != nil {
		return nil, err
	}
	recent := eventlog.NewRecent(log, notifier, logger)
	if shards, several := storage.(core.Sharded); several { // log hides it: it counts and traces
		recent.ByShard(shards)
	}
	background(lc, recent.Run)
	return recent, nil
}

// openNotifier returns what carries news to other nodes: Redis, or else the store, if it
// can. Otherwise it is nil.
func openNotifier(lc fx.Lifecycle, cfg Config, storage core.Storage, logger *slog.Logger) (core.Notifier, error) {
	if cfg.Redis == "" {
		notifier, _ := storage.(core.Notifier)
		return notifier, nil // without one, nodes ask the log
	}
	notifier, err := redisnotify.Open(cfg.Redis, logger)
	if err != nil {
		return nil, wrong("redis", err.Error())
	}
	lc.Append(fx.StopHook(notifier.Close))
	return notifier, nil
}

// background runs work for as long as the server does.
func background(lc fx.Lifecycle, run func(context.Context)) {
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	lc.Append(fx.Hook{
		OnStart: func(context.Context) error {
			go func() {
				defer close(stopped)
				run(ctx)
			}()
			return nil
		},
		OnStop: func(context.Context) error {
			stop()
			<-stopped
			return nil
		},
	})
}

// newIdentity returns the use cases of people and credentials.
func newIdentity(
	lc fx.Lifecycle, cfg Config, p ports, streams *eventlog.Streams, shares *eventlog.Shares, limiter core.RateLimiter, post mailer,
) (*identity.UseCases, error) {
	needs, err := identityPorts(cfg, p.Catalog, p.Authorizer, p.Now)
	if err != nil {
		return nil, err
	}
	needs.Mailer = post.Mailer
	needs.Streams, needs.Shares, needs.Record = streams, shares, p.Record
	needs.Throttle = identity.NewThrottle(limiter, p.Now)
	needs.Later = newLater(lc, p.Logger) // after the mailer, which it hands mails to until it stops
	return identity.New(needs)
}

// newOrganization returns the organization that a new installation begins with.
func newOrganization(ctx context.Context, catalog core.Catalog, storage core.Storage, now func() time.Time) (core.Organization, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := checkWhole(ctx, catalog, storage); err != nil {
		return core.Organization{}, err
	}
	return identity.FirstOrganization(ctx, catalog, now())
}

// served is what the server serves.
type served struct {
	fx.In

	Storage    core.Storage
	Ingest     *eventlog.Ingest
	Query      *eventlog.Query
	Streams    *eventlog.Streams
	Moves      *eventlog.Moves
	Schemas    *eventlog.Schemas
	Quarantine *eventlog.Quarantine
	Shares     *eventlog.Shares
	Reads      *eventlog.Reads
	Tails      *eventlog.Tails
	Trail      *eventlog.Trail
	Delivery   *deliver.UseCases
	Identity   *identity.UseCases
	Processing *process.UseCases
	Inbound    *inbound.Sources
	Authorizer core.Authorizer
	Limiter    core.RateLimiter
	First      core.Organization
	Health     *health
	Metrics    *metrics.Metrics
	Trace      server.TraceFunc
	Site       siteFunc
	Settings   *atomic.Pointer[Config]
	Logger     *slog.Logger
	Now        func() time.Time
}

func newServer(cfg Config, p served) *server.Server {
	proxies, _ := cfg.trustedProxies() // checked by validate
	return server.New(server.Options{
		Ingest: p.Ingest, Query: p.Query, Streams: p.Streams, Moves: p.Moves, Schemas: p.Schemas, Quarantine: p.Quarantine, Shares: p.Shares, Reads: p.Reads,
		Tails: p.Tails, Trail: p.Trail, Delivery: p.Delivery, Identity: p.Identity, Processing: p.Processing, Inbound: p.Inbound, Authorizer: p.Authorizer,
		TrustedProxies: proxies, HTTPS: cfg.TLSCert != "" || strings.HasPrefix(cfg.links(), "https:"),
		Site: p.Site, System: describe(p.Settings, core.ShardsOf(p.Storage), p.Authorizer, p.First, p.Now(), p.Metrics.IngestP99),
		Ready: p.Health.report, Metrics: p.Metrics.Handler(), MetricsToken: cfg.MetricsToken, Observe: p.Metrics.Request, Trace: p.Trace, Logger: p.Logger,
		Limits: server.Limits{
			ReadTimeout: cfg.ReadTimeout, WriteTimeout: cfg.WriteTimeout, IdleTimeout: cfg.IdleTimeout,
			Connections: cfg.Connections, InflightBytes: cfg.InflightBytes, UploadRate: cfg.UploadRate,
		},
		Limiter: p.Limiter, Rates: cfg.rates(), Now: p.Now,
	})
}

// newLimiter returns what counts requests: in Redis, where there is one, for all
// nodes together.
func newLimiter(lc fx.Lifecycle, cfg Config, m *metrics.Metrics, t *otel.Telemetry, logger *slog.Logger) (core.RateLimiter, error) {
	local := memlimit.New()
	if cfg.Redis == "" {
		return m.Limiter(local, logger), nil
	}
	limiter, err := redislimit.Open(cfg.Redis, redislimit.Options{Fallback: local, Watch: t.Redis, Logger: logger})
	if err != nil {
		return nil, wrong("redis", err.Error())
	}
	m.LimiterLost(limiter.Lost)
	lc.Append(fx.StopHook(limiter.Close))
	return m.Limiter(limiter, logger), nil
}

// rates are the limits that the settings name; validate has checked them.
func (c Config) rates() server.Rates {
	limit := func(text string) core.Limit { parsed, _ := core.ParseLimit(text); return parsed }
	return server.Rates{Key: limit(c.RateKey), User: limit(c.RateUser), Address: limit(c.RateAddress)}
}

// addrError says what to do about an address that cannot be listened on.
func addrError(addr string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("setting addr: %w: another program, perhaps another eventflow, listens on %s; stop it, or choose another port with --addr", err, addr)
	}
	return fmt.Errorf("setting addr: %w", err)
}

// listen opens the port and serves on it until the graph stops.
func listen(
	ctx context.Context, lc fx.Lifecycle, cfg Config, s *server.Server, pair *keyPair, logger *slog.Logger, stop fx.Shutdowner,
) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", cfg.Addr)
	if err != nil {
		return nil, addrError(cfg.Addr, err)
	}
	listener = withTLS(pair, listener)
	served := make(chan struct{})
	lc.Append(fx.Hook{
		OnStart: func(context.Context) error {
			logger.Info("listening", "addr", listener.Addr().String())
			go func() {
				defer close(served)
				if err := s.Serve(listener); err != nil {
					logger.Error("the server stopped", "error", err)
					_ = stop.Shutdown(fx.ExitCode(1)) // only fails when already stopping
				}
			}()
			return nil
		},
		OnStop: func(ctx context.Context) error {
			s.Drain()
			pause(ctx, cfg.DrainDelay)
			ctx, cancel := context.WithTimeout(ctx, cfg.DrainTimeout)
			defer cancel()
			err := s.Shutdown(ctx)
			_ = listener.Close() // Shutdown closes it, but where the goroutine above has not begun to serve
			<-served
			if err != nil {
				return fmt.Errorf("requests were cut off after the drain-timeout of %s: %w", cfg.DrainTimeout, err)
			}
			return nil
		},
	})
	return listener, nil
}

// pause waits, unless ctx ends before.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
