package redisnotify

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/adapters/redistest"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/deliver"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// everything lets everybody do all: what is tested here comes after it.
type everything struct{}

func (everything) Allow(core.Principal, core.ID, core.Action) error { return nil }

// node is a server of two on one log and one catalog.
type node struct {
	recent    *eventlog.Recent
	committer *eventlog.Committer
	*deliver.UseCases
}

func newNode(t *testing.T, log core.EventLog, catalog core.Catalog, url string) node {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	recent := eventlog.NewRecent(log, open(t, url), logger)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		recent.Run(ctx)
	}()
	streams := eventlog.NewStreams(eventlog.StreamPorts{Catalog: catalog, Log: log, Authorizer: everything{}, Now: time.Now})
	n := node{
		recent: recent, committer: eventlog.NewCommitter(log, eventlog.CommitOptions{Committed: recent.Committed}),
		UseCases: deliver.New(deliver.Ports{
			Streams: streams, Recent: recent, Log: log, Store: catalog, Authorizer: everything{}, Logger: logger, Now: time.Now,
		}),
	}
	t.Cleanup(func() {
		n.committer.Close()
		stop()
		<-ended
	})
	return n
}

// A poll that waits on one node is answered when another node commits: at once
// by the news, and without news because the node looks for itself.
func TestACommitElsewhereEndsAPoll(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]bool{"with Redis": false, "without": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := redistest.NewProxy(t, redistest.URL(t))
			log, err := memory.Open(t.Context(), nil)
			require.NoError(t, err)
			catalog := memory.NewCatalog()
			stream := core.Stream{ID: core.ID{0: 0xd4, 1: byte(len(name))}, Org: core.ID{1}, Name: "orders", Revision: 1}
			require.NoError(t, catalog.CreateStream(t.Context(), stream))
			here := newNode(t, log, catalog, redistest.URL(t))
			there := newNode(t, log, catalog, proxy.URL())
			who := core.Principal{Org: stream.Org}
			_, err = there.Groups.Create(t.Context(), who, "orders", core.GroupSpec{Name: "mail"})
			require.NoError(t, err)
			if cut {
				proxy.Cut()
			}
			polled := make(chan core.Delivery)
			go func() {
				d, _ := there.Consumers.Poll(context.Background(), who, "orders", "mail", core.Poll{Wait: time.Minute})
				polled <- d
			}()
			entry := core.Entry{Event: core.Event{Type: "a", Version: 1, Payload: json.RawMessage(`1`)}}
			require.NoError(t, here.committer.Commit(t.Context(), &core.Batch{Org: stream.Org, Stream: stream.ID, Entries: []core.Entry{entry}}))
			require.Len(t, (<-polled).Events, 1)
		})
	}
}
