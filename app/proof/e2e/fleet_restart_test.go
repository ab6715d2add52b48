package e2e

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/app/proof/browser"
	"github.com/eventflow-go/eventflow/core"
)

// The nodes of a fleet are restarted one after the other, and one is stopped in the middle
// of its work and goes on seconds later, while somebody is signed in, producers send and
// a consumer reads. Nobody is signed out, no event is lost or stored twice, and no lease
// is left over. With one node there is nothing to prove: [envFleet] says how many.
func TestAFleetIsRestarted(t *testing.T) {
	t.Parallel()
	if fleetSize(t) < 2 {
		t.Log("make chaos restarts a fleet")
		return
	}
	p := start(t)
	p.setUp()
	_, err := p.client().CreateStream(t.Context(), core.StreamSpec{Name: "orders"})
	require.NoError(t, err)
	visibility := core.Seconds(5 * time.Second)
	_, err = p.client().CreateGroup(t.Context(), "orders", core.GroupSpec{Name: "mail", Visibility: &visibility})
	require.NoError(t, err)
	page := p.signIn(adminEmail)
	page.Allow("net::ERR") // what a node was asked that is stopped
	page.Go("/streams/orders")
	page.See("orders")
	w := newWork(p)
	for i := range p.nodes {
		w.goesOn()
		p.restart(i)
		stillSignedIn(page)
	}
	for i := range p.nodes {
		w.goesOn()
		require.NoError(t, p.fleet.nodes[i].process.Signal(syscall.SIGSTOP))
		p.fleet.away(i, true)
		began := time.Now()
		for time.Since(began) < 2*visibility.Duration() { // longer than its leases
			w.goesOn()
		}
		stillSignedIn(page)
		require.NoError(t, p.fleet.nodes[i].process.Signal(syscall.SIGCONT))
		p.fleet.away(i, false)
		stillSignedIn(page)
	}
	w.check()
}

// stillSignedIn loads the page again, which asks for another access token.
func stillSignedIn(page *browser.Page) {
	page.Reload()
	page.See("Last hour")
}

// work is producers and a consumer of a fleet.
type work struct {
	p      *program
	stop   func()
	all    sync.WaitGroup
	stored atomic.Int64
}

// producersOfAFleet are more than its nodes, so that some can send while others wait for
// one that is stopped.
const producersOfAFleet = 6

func newWork(p *program) *work {
	ctx, stop := context.WithCancel(context.Background())
	w := &work{p: p, stop: stop}
	p.t.Cleanup(func() { stop(); w.all.Wait() })
	for producer := range producersOfAFleet {
		w.all.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				w.produce(ctx, fmt.Sprint(producer, "-", n))
			}
		})
	}
	w.all.Go(func() {
		for ctx.Err() == nil {
			w.consume(ctx)
		}
	})
	return w
}

// produce sends an event until it is acknowledged, under one key.
func (w *work) produce(ctx context.Context, name string) {
	event := rest.NewEvent{Type: "order.paid", Payload: []byte(text(name)), IdempotencyKey: name}
	for {
		if _, err := w.p.client().Publish(context.WithoutCancel(ctx), "orders", event); err == nil {
			w.stored.Add(1)
			return
		}
	}
}

// consume takes some events and settles them. What it cannot settle it gets again.
func (w *work) consume(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, 10*time.Second) // of a node that is stopped
	defer cancel()
	got, err := w.p.client().Poll(limited, "orders", "mail", rest.PollOptions{Limit: 100, Wait: time.Second})
	if err != nil || len(got.Events) == 0 {
		return
	}
	last := got.Events[len(got.Events)-1].ID
	_, _ = w.p.client().Commit(limited, "orders", "mail", rest.CommitRequest{LastEventID: &last, Lease: &got.Lease.ID}) // or again
}

// goesOn waits until so many more events are acknowledged.
func (w *work) goesOn() {
	w.p.t.Helper()
	until := w.stored.Load() + 20
	require.Eventually(w.p.t, func() bool { return w.stored.Load() >= until }, patience, 10*time.Millisecond)
}

// check ends the producers, and compares what is stored with what was acknowledged.
func (w *work) check() {
	t := w.p.t
	t.Helper()
	require.Eventually(t, func() bool { // the consumer still works
		status, err := w.p.client().Lag(t.Context(), "orders", "mail")
		return err == nil && status.CommittedOffset >= core.Offset(w.stored.Load()/2)
	}, patience, 50*time.Millisecond, "the group gets on")
	w.stop()
	w.all.Wait()
	require.Eventually(t, func() bool {
		w.consume(t.Context())
		status, err := w.p.client().Lag(t.Context(), "orders", "mail")
		return err == nil && status.Lag == 0 && status.Leased == 0
	}, patience, 50*time.Millisecond, "a lease is left over")
	seen := map[string]bool{}
	var query core.EventQuery
	for query.Limit = 1000; ; {
		page, err := w.p.client().EventsPage(t.Context(), "orders", query)
		require.NoError(t, err)
		for i := range page.Items {
			require.False(t, seen[string(page.Items[i].Payload)], "%s is stored twice", page.Items[i].Payload)
			seen[string(page.Items[i].Payload)] = true
			query.After = &page.Items[i].Offset
		}
		if len(page.Items) == 0 {
			break
		}
	}
	require.Len(t, seen, int(w.stored.Load()), "what was acknowledged is stored")
}
