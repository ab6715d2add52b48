package eventlog_test

import (
	"context"
	"log/slog"
	"time"

	"github.com/eventflow-go/eventflow/adapters/casbinauth"
	"github.com/eventflow-go/eventflow/adapters/jsonschema"
	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// embedded is EventFlow's log inside a program of one's own, with everything in
// memory. A program that keeps its events opens another storage.
type embedded struct {
	streams   *eventlog.Streams
	ingest    *eventlog.Ingest
	query     *eventlog.Query
	tails     *eventlog.Tails
	trail     *eventlog.Trail
	committer *eventlog.Committer
}

func openEmbedded() *embedded {
	storage := must(memory.Open(context.Background(), nil))
	authorizer := must(casbinauth.New())
	logger := slog.New(slog.DiscardHandler)
	recent := eventlog.NewRecent(storage, nil, logger)
	committer := eventlog.NewCommitter(storage, eventlog.CommitOptions{Committed: recent.Committed})
	trail := eventlog.NewTrail(eventlog.TrailPorts{Log: storage, Committer: committer, Authorizer: authorizer, Logger: logger, Now: time.Now})
	streams := eventlog.NewStreams(eventlog.StreamPorts{
		Catalog: memory.NewCatalog(), Log: storage, Schemas: jsonschema.New(), Authorizer: authorizer, Record: trail.Record, Now: time.Now,
	})
	return &embedded{
		streams: streams, trail: trail, committer: committer,
		ingest: eventlog.NewIngest(streams, committer, time.Now),
		query: eventlog.NewQuery(eventlog.QueryPorts{
			Log: storage, Streams: streams, Authorizer: authorizer, Record: trail.Record, Now: time.Now,
		}),
		tails: eventlog.NewTails(streams, recent, storage),
	}
}

// close commits what is queued.
func (e *embedded) close() {
	e.tails.Close()
	e.committer.Close()
}

// send stores an event that is written as JSON.
func (e *embedded) send(stream, event string) (core.Receipt, error) {
	draft, err := eventjson.DecodeEvent([]byte(event), eventjson.StreamInPath)
	if err != nil {
		return core.Receipt{}, err
	}
	return e.ingest.Event(context.Background(), ann, stream, draft)
}

// ann is who makes the requests of the examples.
var ann = core.Principal{Org: core.ID{1}, User: core.ID{2}, Label: "ann@example.com", Role: core.RoleAdmin}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
