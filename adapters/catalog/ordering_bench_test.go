package catalog

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/adapters/postgres"
	"github.com/eventflow-go/eventflow/adapters/sqlite"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/deliver"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// BenchmarkOrderingKeys measures how long 10,000 events take from the first poll to the
// last ack. The events have so many keys, and 0 is a group without an ordering key.
func BenchmarkOrderingKeys(b *testing.B) {
	for _, crowd := range []struct{ consumers, limit int }{{1, 1000}, {8, 100}} {
		for _, keys := range []int{0, 1000, 10} {
			b.Run(fmt.Sprintf("sqlite/consumers=%d/keys=%d", crowd.consumers, keys), func(b *testing.B) {
				u := &url.URL{Scheme: "sqlite", Opaque: url.PathEscape(b.TempDir())}
				log, err := sqlite.Open(b.Context(), u)
				benchKeys(b, u, log, err, crowd.consumers, crowd.limit, keys)
			})
			b.Run(fmt.Sprintf("postgres/consumers=%d/keys=%d", crowd.consumers, keys), func(b *testing.B) {
				u := pgtest.URL(b)
				log, err := postgres.Open(b.Context(), u)
				benchKeys(b, u, log, err, crowd.consumers, crowd.limit, keys)
			})
		}
	}
}

const benchedEvents = 10_000

func benchKeys(b *testing.B, u *url.URL, log core.Storage, err error, crowd, limit, keys int) {
	require.NoError(b, err)
	defer func() { require.NoError(b, log.Close()) }()
	store, err := Open(b.Context(), u)
	require.NoError(b, err)
	defer func() { require.NoError(b, store.Close()) }()
	logger, who := slog.New(slog.DiscardHandler), core.Principal{Org: core.RandomID(time.Now()), Role: core.RoleAdmin}
	now := time.Now().UTC().Truncate(time.Microsecond)
	require.NoError(b, store.CreateOrganization(b.Context(), core.Organization{ID: who.Org, Name: "bench", CreatedAt: now}))
	streams := eventlog.NewStreams(eventlog.StreamPorts{Catalog: store, Log: log, Authorizer: everything{}, Now: time.Now})
	stream, err := streams.Create(b.Context(), who, core.StreamSpec{Name: "orders"})
	require.NoError(b, err)
	for range benchedEvents / 1000 {
		at := time.Now().UTC().Truncate(time.Microsecond)
		batch := core.Batch{Org: who.Org, Stream: stream.ID}
		for range 1000 {
			payload := fmt.Appendf(nil, `{"customer":{"id":"c-%d"},"filler":"%0200d"}`, rand.IntN(max(keys, 1)), 0)
			batch.Entries = append(batch.Entries, core.Entry{Event: core.Event{ID: core.RandomID(at), Type: "paid", Version: 1, OccurredAt: at, Payload: payload}})
		}
		require.NoError(b, log.Append(b.Context(), at, []core.Batch{batch}))
	}
	nodes := deliver.New(deliver.Ports{
		Streams: streams, Recent: eventlog.NewRecent(log, nil, logger), Log: log, Store: store, Authorizer: everything{}, Logger: logger, Now: time.Now,
	})
	spec := core.GroupSpec{Name: "mail", Mode: core.Shared}
	if keys > 0 {
		spec.OrderingKey = "payload.customer.id"
	}
	_, err = nodes.Groups.Create(b.Context(), who, "orders", spec)
	require.NoError(b, err)
	for b.Loop() {
		_, err = nodes.Groups.Reset(b.Context(), who, "orders", "mail", core.Start{})
		require.NoError(b, err)
		var done, polls atomic.Int64
		ctx, stop := context.WithCancel(b.Context())
		var all sync.WaitGroup
		for range crowd {
			all.Go(func() {
				for ctx.Err() == nil {
					d, err := nodes.Consumers.Poll(ctx, who, "orders", "mail", core.Poll{Limit: limit, Wait: time.Minute})
					if polls.Add(1); len(d.Events) == 0 {
						require.Error(b, ctx.Err(), "%v", err)
						return
					}
					require.NoError(b, nodes.Consumers.Ack(b.Context(), who, "orders", "mail", d.Lease, nil))
					if done.Add(int64(len(d.Events))) == benchedEvents {
						stop()
					}
				}
			})
		}
		all.Wait()
		stop()
		b.ReportMetric(float64(polls.Load()), "polls")
	}
	b.ReportMetric(benchedEvents*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// everything allows everything.
type everything struct{}

// Allow implements [core.Authorizer].
func (everything) Allow(core.Principal, core.ID, core.Action) error { return nil }
