package rest_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/adapters/casbinauth"
	"github.com/eventflow-go/eventflow/adapters/jsonschema"
	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/server"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/deliver"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/identity"
)

// newClient returns a client of a server in this process, which the examples
// share: each has a stream of its own. Elsewhere it is
//
//	client := rest.NewClient("http://localhost:8080", os.Getenv("EVENTFLOW_API_KEY"))
func newClient() *rest.Client {
	return rest.NewClient(running())
}

// running starts a server, once, and returns its address and an admin's key. It
// ends with the process.
var running = sync.OnceValues(func() (base, key string) {
	ctx, catalog := context.Background(), memory.NewCatalog()
	org := core.Organization{ID: core.NewID(time.Now(), make([]byte, 10)), Name: "acme", CreatedAt: time.Now().UTC().Truncate(time.Second)}
	must(catalog.EnsureOrganization(ctx, org))
	secret := make([]byte, 32)
	must(rand.Read(secret))
	access := must(identity.NewAccess(catalog, catalog, secret, nil, time.Now))
	_, key, err := access.CreateKey(ctx, org.ID, identity.KeySpec{Label: "shop", Environment: core.Test, Role: core.RoleAdmin})
	must(key, err)
	ln := must(new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0"))
	s := newServer(catalog, access)
	go func() { must(ln, s.Serve(ln)) }()
	return "http://" + ln.Addr().String(), key
})

// newServer returns a server of events in memory.
func newServer(catalog *memory.Catalog, access *identity.Access) *server.Server {
	log := must(memory.Open(context.Background(), &url.URL{Scheme: "memory"}))
	logger := slog.New(slog.DiscardHandler)
	authorizer := must(casbinauth.New())
	recent := eventlog.NewRecent(log, nil, logger)
	committer := eventlog.NewCommitter(log, eventlog.CommitOptions{Committed: recent.Committed})
	trail := eventlog.NewTrail(eventlog.TrailPorts{Log: log, Committer: committer, Authorizer: authorizer, Logger: logger, Now: time.Now})
	streams := eventlog.NewStreams(eventlog.StreamPorts{
		Catalog: catalog, Log: log, Schemas: jsonschema.New(), Authorizer: authorizer, Record: trail.Record, Now: time.Now,
	})
	delivery := deliver.New(deliver.Ports{
		Streams: streams, Recent: recent, Log: log, Store: catalog, Authorizer: authorizer, Record: trail.Record, Logger: logger, Now: time.Now,
	})
	go delivery.Replayer.Run(context.Background(), nil)
	return server.New(server.Options{
		Ingest: eventlog.NewIngest(streams, committer, time.Now), Streams: streams, Delivery: delivery, Trail: trail,
		Query: eventlog.NewQuery(eventlog.QueryPorts{Log: log, Streams: streams, Authorizer: authorizer, Record: trail.Record, Now: time.Now}),
		Identity: &identity.UseCases{Access: access, Keys: identity.NewKeys(identity.KeyPorts{
			Access: access, Credentials: catalog, Streams: streams, Authorizer: authorizer, Record: trail.Record, Now: time.Now,
		})},
		Authorizer: authorizer, Tails: eventlog.NewTails(streams, recent, log), Logger: logger,
		Ready: func(context.Context) rest.Health { return rest.Health{Status: rest.StatusOK} },
	})
}

// must returns a value, unless there is an error: no example can go on then.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
