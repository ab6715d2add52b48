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
)

// everything lets everybody do all, oneStream is a catalog with one stream:
// what is tested here comes after them.
type (
	everything struct{}
	oneStream  struct {
		core.StreamCatalog
		stream core.Stream
	}
)

func (everything) Allow(core.Principal, core.ID, core.Action) error { return nil }

func (c oneStream) StreamNamed(context.Context, core.ID, string) (core.Stream, error) {
	return c.stream, nil
}

// node is a server of two on one log.
type node struct {
	recent    *core.Recent
	committer *core.Committer
	consumers *core.Consumers
}

func newNode(t *testing.T, stream core.Stream, log core.EventLog, groups core.GroupStore, url string) node {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	recent := core.NewRecent(log, open(t, url), logger)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		recent.Run(ctx)
	}()
	streams := core.NewStreams(oneStream{stream: stream}, log, nil, everything{}, time.Now)
	n := node{
		recent: recent, committer: core.NewCommitter(log, core.CommitOptions{Committed: recent.Committed}),
		consumers: core.NewConsumers(streams, groups, log, recent, time.Now, logger),
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
			groups := memory.NewCatalog()
			stream := core.Stream{ID: core.ID{0: 0xd4, 1: byte(len(name))}, Org: core.ID{1}, Name: "orders"}
			here := newNode(t, stream, log, groups, redistest.URL(t))
			there := newNode(t, stream, log, groups, proxy.URL())
			who := core.Principal{Org: stream.Org}
			_, err = there.consumers.CreateGroup(t.Context(), who, "orders", core.GroupSpec{Name: "mail"})
			require.NoError(t, err)
			if cut {
				proxy.Cut()
			}
			polled := make(chan core.Delivery)
			go func() {
				d, _ := there.consumers.Poll(context.Background(), who, "orders", "mail", core.Poll{Wait: time.Minute})
				polled <- d
			}()
			entry := core.Entry{Event: core.Event{Type: "a", Version: 1, Payload: json.RawMessage(`1`)}}
			require.NoError(t, here.committer.Commit(core.Batch{Org: stream.Org, Stream: stream.ID, Entries: []core.Entry{entry}}))
			require.Len(t, (<-polled).Events, 1)
		})
	}
}
