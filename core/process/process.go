package process

import (
	"context"
	"log/slog"
	"maps"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/deliver"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// UseCases is all of processing on one node.
type UseCases struct {
	Processors *Processors
	Trials     *Trials
	Deliveries *Deliveries
	Runner     *Runner
}

// Ports are the stores and use cases that processing works with.
type Ports struct {
	Store core.ProcessorStore
	// Definitions removes a processor with its group.
	Definitions core.Groups
	Groups      *deliver.Groups
	Workers     *deliver.Workers
	Letters     *deliver.Letters
	Streams     *eventlog.Streams
	Ingest      *eventlog.Ingest
	Log         core.Reader
	Compiler    core.PipelineCompiler
	// Connectors are the destinations there are, by their types. Another stream is one
	// without being named here.
	Connectors map[string]core.Connector
	Sealer     *core.Sealer
	Authorizer core.Authorizer
	Record     core.Recorder
	// DisableAfter is how long a destination may fail without a success until its
	// processor is disabled; zero is for ever.
	DisableAfter time.Duration
	// Disabled is told of each processor that the server has stopped. It may be nil.
	Disabled func(ctx context.Context, processor core.Processor)
	// Watch returns a sink that is watched in place of one of a type; it may be nil.
	Watch func(destination string, from core.Origin, sink core.Sink) core.Sink
	// Observe is told what became of events; it must be fast, and may be nil.
	Observe func(processor *core.Processor, done core.DeliveryCount)
	Logger  *slog.Logger
	Now     core.Clock
}

// New returns the use cases of a node.
func New(p Ports) *UseCases {
	to := &destinations{connectors: map[string]core.Connector{}, sealer: p.Sealer, streams: p.Streams, ingest: p.Ingest, watch: p.Watch}
	maps.Copy(to.connectors, p.Connectors)
	lane := newSlowLane(func() bool { return p.Ingest.Waiting() > 0 })
	runner := &Runner{Ports: p, to: to, lane: lane, works: map[core.ID]*work{}, news: make(chan struct{}, 1)}
	processors := &Processors{Ports: p, to: to, changed: runner.wake}
	return &UseCases{
		Processors: processors,
		Trials:     &Trials{Ports: p, lane: lane},
		Deliveries: &Deliveries{Ports: p, to: to, processors: processors, lane: lane},
		Runner:     runner,
	}
}
