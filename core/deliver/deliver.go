package deliver

import (
	"log/slog"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// UseCases is all of delivery on one node.
type UseCases struct {
	Groups    *Groups
	Consumers *Consumers
	Letters   *Letters
	Replayer  *Replayer
	Numbers   *Numbers
	Tracer    *Tracer
}

// Ports is what delivery works with.
type Ports struct {
	Streams    *eventlog.Streams
	Recent     *eventlog.Recent
	Log        core.Reader
	Store      core.GroupStore
	Authorizer core.Authorizer
	Record     core.Recorder
	Logger     *slog.Logger
	Now        core.Clock
}

// New returns the use cases of a node, which make the steps of a group together.
func New(p Ports) *UseCases {
	turns := NewTurns(p.Store, p.Log, p.Now)
	groups := NewGroups(GroupPorts{Streams: p.Streams, Store: p.Store, Log: p.Log, Turns: turns, Record: p.Record, Now: p.Now})
	return &UseCases{
		Groups: groups,
		Consumers: NewConsumers(ConsumerPorts{
			Streams: p.Streams, Groups: groups, Letters: p.Store, Log: p.Log, Recent: p.Recent, Turns: turns, Logger: p.Logger, Now: p.Now,
		}),
		Letters: NewLetters(LetterPorts{
			Streams: p.Streams, Groups: groups, Store: p.Store, Turns: turns, Authorizer: p.Authorizer, Record: p.Record, Now: p.Now,
		}),
		Replayer: NewReplayer(ReplayerPorts{Store: p.Store, Turns: turns, Logger: p.Logger, Now: p.Now}),
		Numbers:  NewNumbers(NumberPorts{Streams: p.Streams, Groups: p.Store, Log: p.Log, Authorizer: p.Authorizer, Now: p.Now}),
		Tracer:   NewTracer(TracerPorts{Streams: p.Streams, Store: p.Store, Log: p.Log, Authorizer: p.Authorizer}),
	}
}
