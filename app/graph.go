package app

import (
	"context"
	"log/slog"
	"net"
	"os"
	"time"

	"go.uber.org/fx"

	"github.com/eventflow-go/eventflow/adapters/casbinauth"
	"github.com/eventflow-go/eventflow/adapters/catalog"
	"github.com/eventflow-go/eventflow/adapters/jsonschema"
	"github.com/eventflow-go/eventflow/adapters/metrics"
	"github.com/eventflow-go/eventflow/adapters/rest/server"
	"github.com/eventflow-go/eventflow/core"
)

// graph is the whole server: what there is, and what is made of what. fx
// starts it from top to bottom and stops it in reverse: first no new requests,
// then the queued commits, then the databases.
func graph(p *program, cfg Config) fx.Option {
	return fx.Options(
		fx.NopLogger,
		fx.Supply(p, cfg),
		fx.Provide(
			newLogger,
			func() func() time.Time { return time.Now },

			// Driven side: the adapters behind the ports.
			openStorage,
			openCatalog,
			metrics.New,
			func(m *metrics.Metrics, storage core.Storage) core.EventLog { return m.Log(storage) },
			fx.Annotate(casbinauth.New, fx.As(new(core.Authorizer))),
			fx.Annotate(jsonschema.New, fx.As(new(core.SchemaCompiler))),

			// The core: use cases over those ports.
			newCommitter,
			newAccess,
			newOrganization,
			func(c core.Catalog, log core.EventLog, schemas core.SchemaCompiler, auth core.Authorizer, now func() time.Time) *core.Streams {
				return core.NewStreams(c, log, schemas, auth, now)
			},
			core.NewIngest,
			func(c core.Catalog, log core.EventLog, logger *slog.Logger) *core.Retention {
				return core.NewRetention(c, log, logger)
			},
			func(log core.EventLog, streams *core.Streams, now func() time.Time) *core.Query {
				return core.NewQuery(log, streams, now)
			},

			// Driving side: HTTP.
			newHealth,
			newServer,
			listen,
		),
		fx.Invoke(keepRetention),
	)
}

func newLogger(cfg Config) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(cfg.LogLevel)) // checked by validate
	options := &slog.HandlerOptions{Level: level}
	if cfg.LogFormat == "text" {
		return slog.New(slog.NewTextHandler(os.Stderr, options))
	}
	return slog.New(slog.NewJSONHandler(os.Stderr, options))
}

// startTimeout bounds the opening of the databases, migrations included.
const startTimeout = 5 * time.Minute

func openStorage(lc fx.Lifecycle, p *program, cfg Config) (core.Storage, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	storage, err := p.openStorage(ctx, cfg)
	if err != nil {
		return nil, err
	}
	lc.Append(fx.StopHook(storage.Close))
	return storage, nil
}

func openCatalog(lc fx.Lifecycle, cfg Config) (core.Catalog, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	u, err := cfg.catalogURL()
	if err != nil {
		return nil, wrong("catalog", err.Error())
	}
	opened, err := catalog.Open(ctx, u)
	if err != nil {
		return nil, err
	}
	lc.Append(fx.StopHook(opened.Close))
	return opened, nil
}

func newCommitter(lc fx.Lifecycle, cfg Config, log core.EventLog, m *metrics.Metrics, logger *slog.Logger) *core.Committer {
	committer := core.NewCommitter(log, core.CommitOptions{
		Lanes: cfg.lanes(), QueueEvents: cfg.QueueEvents, QueueBytes: cfg.QueueBytes, Logger: logger,
	})
	m.Queue(committer.Queued)
	lc.Append(fx.StopHook(committer.Close))
	return committer
}

// keepRetention removes old events for as long as the server runs.
func keepRetention(lc fx.Lifecycle, retention *core.Retention) {
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	lc.Append(fx.Hook{
		OnStart: func(context.Context) error {
			go func() {
				defer close(stopped)
				retention.Run(ctx)
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

func newAccess(cfg Config, catalog core.Catalog, now func() time.Time) (*core.Access, error) {
	return core.NewAccess(catalog, []byte(cfg.Secret), now)
}

// newOrganization returns the organization that a new installation begins with.
func newOrganization(catalog core.Catalog, now func() time.Time) (core.Organization, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	return core.FirstOrganization(ctx, catalog, now())
}

func newServer(
	cfg Config, logger *slog.Logger, m *metrics.Metrics, health *health, access *core.Access,
	ingest *core.Ingest, query *core.Query, streams *core.Streams,
) *server.Server {
	return server.New(server.Options{
		Ingest: ingest, Query: query, Streams: streams, Access: access,
		Ready: health.report, Metrics: m.Handler(), Observe: m.Request, Logger: logger,
		Limits: server.Limits{
			ReadTimeout: cfg.ReadTimeout, WriteTimeout: cfg.WriteTimeout, IdleTimeout: cfg.IdleTimeout,
			Connections: cfg.Connections, InflightBytes: cfg.InflightBytes,
		},
	})
}

// listen opens the port and serves on it until the graph stops.
func listen(lc fx.Lifecycle, cfg Config, s *server.Server, logger *slog.Logger, stop fx.Shutdowner) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", cfg.Addr)
	if err != nil {
		return nil, err
	}
	lc.Append(fx.Hook{
		OnStart: func(context.Context) error {
			go func() {
				if err := s.Serve(listener); err != nil {
					logger.Error("the server stopped", "error", err)
					_ = stop.Shutdown(fx.ExitCode(1)) // only fails when already stopping
				}
			}()
			return nil
		},
		OnStop: func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, cfg.DrainTimeout)
			defer cancel()
			return s.Shutdown(ctx)
		},
	})
	return listener, nil
}
