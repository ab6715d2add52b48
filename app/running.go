package app

import (
	"context"
	"fmt"
	"net"
	"time"

	"go.uber.org/dig"
	"go.uber.org/fx"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/deliver"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/identity"
)

// Running is a started server.
type Running struct {
	// Addr is the address it listens on.
	Addr net.Addr
	// Identity, Streams and Delivery are its use cases, for what a start creates.
	Identity     *identity.UseCases
	Streams      *eventlog.Streams
	Delivery     *deliver.UseCases
	Organization core.Organization

	graph    *fx.App
	reloader *reloader
}

// stopTimeout bounds a stop beyond the draining of requests: queued commits
// and the closing of the databases.
const stopTimeout = 30 * time.Second

// start builds the graph and starts it. more changes parts of the graph.
func start(ctx context.Context, p *program, cfg Config, more ...fx.Option) (*Running, error) {
	running := &Running{}
	var listener net.Listener
	running.graph = fx.New(
		graph(ctx, p, cfg),
		fx.Options(more...),
		fx.StartTimeout(startTimeout),
		fx.StopTimeout(cfg.DrainDelay+cfg.DrainTimeout+stopTimeout),
		fx.Populate(&running.Identity, &running.Streams, &running.Delivery, &running.Organization, &running.reloader, &listener),
	)
	if err := running.graph.Err(); err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("stopped before the server was ready: %w", dig.RootCause(err))
		}
		return nil, dig.RootCause(err)
	}
	// The databases are open; what is left takes no time. A stop in the middle of it would
	// have no context in which to stop what has started already, so it comes after.
	starting, cancel := context.WithTimeout(context.WithoutCancel(ctx), startTimeout)
	defer cancel()
	if err := running.graph.Start(starting); err != nil {
		return nil, dig.RootCause(err)
	}
	running.Addr = listener.Addr()
	return running, nil
}

// Start starts a server with these settings and adapters, as `serve` does, for
// programs that embed it. Stop it with Stop.
func Start(ctx context.Context, cfg Config, options ...Option) (*Running, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if err := cfg.validateSecret(); err != nil {
		return nil, err
	}
	return start(ctx, newProgram(options), cfg)
}

// Reload has the server take over what has changed in the settings, where that can
// be done while it runs; the log names what needs a restart. Settings that are wrong
// change nothing, and are the error. Of several callers one comes after the other.
func (r *Running) Reload(cfg Config) error { return r.reloader.reload(cfg) }

// Stop drains the server: it finishes the requests in flight, commits what is
// queued and closes the databases.
func (r *Running) Stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), r.graph.StopTimeout())
	defer cancel()
	return r.graph.Stop(ctx)
}
