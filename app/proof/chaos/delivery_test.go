package chaos_test

import (
	"context"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/app/proof/chaos/history"
	"github.com/eventflow-go/eventflow/core"
)

func thorough() bool { return os.Getenv("EVENTFLOW_TEST_KILLS") != "" }

func TestTheServerIsKilledUnderConsumersOnSQLite(t *testing.T) {
	t.Parallel()
	store := "sqlite:" + t.TempDir()
	n := newNode(t, store)
	consumersGoOn(t, n, store, func() {
		n.kill()
		n.start()
	})
}

func TestTheServerIsKilledUnderConsumersOnPostgres(t *testing.T) {
	t.Parallel()
	store := pgtest.URL(t).String()
	n := newNode(t, store)
	consumersGoOn(t, n, store, func() {
		n.kill()
		n.start()
	})
}

func TestPostgresIsKilledUnderConsumers(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Private(t)
	consumersGoOn(t, newNode(t, cluster.URL()), cluster.URL(), func() {
		cluster.Kill()
		require.NoError(t, cluster.Restart(t.Context()))
	})
}

// consumersGoOn lets something crash under the consumers of two groups.
func consumersGoOn(t *testing.T, n *node, store string, crash func()) {
	t.Helper()
	n.start()
	client := n.client(n.key())
	createStreams(t, client, deliveryStream)
	shared := createGroup(t, client, "shared", core.Shared, attempts)
	ordered := createGroup(t, client, "ordered", core.Ordered, attempts)
	s := newSupply(newDeliveryRecord(t, store), client)
	s.start(true, shared, ordered)
	s.consume(shared, 3)
	s.consume(ordered, 2)
	for range kills(t) {
		s.progress(int(someEvents()))
		crash()
	}
	s.progress(int(someEvents()))
	s.drain()
	s.check(ending(t, client, shared), ending(t, client, ordered))
}

func TestConsumersOnTwoServersShareNoLease(t *testing.T) {
	t.Parallel()
	store := pgtest.URL(t).String()
	nodes := []*node{newNode(t, store), newNode(t, store)}
	nodes[0].start()
	nodes[1].start()
	key := nodes[0].key()
	client := nodes[0].client(key)
	createStreams(t, client, deliveryStream)
	group := createGroup(t, client, "shared", core.Shared, core.MaxMaxAttempts)
	s := newSupply(newDeliveryRecord(t, store), client, nodes[1].client(key))
	s.start(false, group)
	var calm atomic.Bool
	for i := range 6 {
		c := &fickle{supply: s, group: group, random: s.random(i), calm: &calm}
		s.consuming.Go(c.run)
	}
	for i := range kills(t) {
		s.progress(int(someEvents()))
		nodes[i%2].kill()
		s.progress(int(someEvents()))
		nodes[i%2].start()
	}
	s.progress(int(someEvents()))
	calm.Store(true)
	s.drain()
	s.check(ending(t, client, group))
}

// fickle is a consumer that does all that a consumer may do, by single calls,
// each to any of the servers.
type fickle struct {
	*supply
	group  core.Group
	random *rand.Rand
	// calm: it only processes events.
	calm *atomic.Bool
	// late is what it holds and does nothing about for now.
	late []rest.Delivery
}

// call makes one call to any server.
func (c *fickle) call(what func(ctx context.Context, client *rest.Client) error) (history.Outcome, time.Time) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	sent := time.Now()
	err := what(ctx, c.clients[c.random.IntN(len(c.clients))])
	return history.OutcomeOf(err, core.CodeOf(err) == core.CodeConflict), sent
}

func (c *fickle) run() {
	for c.watch.Err() == nil {
		var got rest.Delivery
		outcome, sent := c.call(func(ctx context.Context, client *rest.Client) (err error) {
			got, err = client.Poll(ctx, deliveryStream, c.group.Name, rest.PollOptions{Limit: 1 + c.random.IntN(40), Wait: time.Second / 2})
			return err
		})
		if outcome != history.Accepted || got.Lease == nil {
			continue
		}
		c.Record(leased(c.group, got, sent))
		c.decide(got)
		if len(c.late) > 4 {
			c.process(c.late[0], false)
			c.late = c.late[1:]
		}
	}
}

// leased is the record of the answer to a poll that was sent at a time.
func leased(group core.Group, got rest.Delivery, sent time.Time) history.Delivery {
	return history.Delivery{Group: group.Name, Leased: &history.Leased{
		Lease: got.Lease.ID.String(), Asked: sent, Granted: got.Lease.ExpiresAt.Add(-group.Visibility.Duration()), Expires: got.Lease.ExpiresAt,
		Offsets: offsetsOf(got.Events),
	}}
}

func offsetsOf(events []rest.DeliveredEvent) []int64 {
	offsets := make([]int64, len(events))
	for i, event := range events {
		offsets[i] = int64(event.Offset)
	}
	return offsets
}

// decide does something with what it was handed.
func (c *fickle) decide(got rest.Delivery) {
	chance := c.random.IntN(20)
	if c.calm.Load() {
		chance = 20
	}
	switch chance {
	case 0:
		c.late = append(c.late, got)
	case 1:
		c.extend(got)
		c.process(got, false)
	case 2:
		var none core.Seconds
		c.settle(got, got.Events, false, func(ctx context.Context, client *rest.Client) error {
			_, err := client.Extend(ctx, deliveryStream, c.group.Name, got.Lease.ID, &none)
			return err
		})
	case 3, 4:
		half := len(got.Events) / 2
		c.refuse(got, got.Events[half:])
		got.Events = got.Events[:half]
		c.process(got, true) // the others may still be part of the lease
	default:
		c.process(got, c.random.IntN(2) == 0)
	}
}

// settle makes a call that ends a lease for some events.
func (c *fickle) settle(got rest.Delivery, events []rest.DeliveredEvent, done bool, call func(context.Context, *rest.Client) error) {
	outcome, sent := c.call(call)
	c.Record(history.Delivery{Group: c.group.Name, Settled: &history.Settled{
		Lease: got.Lease.ID.String(), Sent: sent, Offsets: offsetsOf(events), Done: done, Outcome: outcome,
	}})
}

func (c *fickle) extend(got rest.Delivery) {
	var until time.Time
	outcome, sent := c.call(func(ctx context.Context, client *rest.Client) (err error) {
		until, err = client.Extend(ctx, deliveryStream, c.group.Name, got.Lease.ID, nil)
		return err
	})
	c.Record(history.Delivery{Group: c.group.Name, Extended: &history.Extended{
		Lease: got.Lease.ID.String(), Sent: sent, Expires: until, Outcome: outcome,
	}})
}

func (c *fickle) refuse(got rest.Delivery, events []rest.DeliveredEvent) {
	nacks := make([]rest.Nack, len(events))
	for i := range events {
		nacks[i].Offset = &events[i].Offset
	}
	c.settle(got, events, false, func(ctx context.Context, client *rest.Client) error {
		return client.Nack(ctx, deliveryStream, c.group.Name, got.Lease.ID, nacks...)
	})
}

// process handles events and says so, naming them or not.
func (c *fickle) process(got rest.Delivery, naming bool) {
	if len(got.Events) == 0 {
		return
	}
	var named []core.Offset
	for _, event := range got.Events {
		c.Record(history.Delivery{Group: c.group.Name, Handled: &history.Handled{Offset: int64(event.Offset), OK: true}})
		c.finish(c.group.Name, int64(event.Offset))
		if naming {
			named = append(named, event.Offset)
		}
	}
	c.settle(got, got.Events, true, func(ctx context.Context, client *rest.Client) error {
		return client.Ack(ctx, deliveryStream, c.group.Name, got.Lease.ID, named...)
	})
}
