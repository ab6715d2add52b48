package chaos_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/app/proof/chaos/history"
	"github.com/eventflow-go/eventflow/core"
)

// allowLoopback lets processors send to the receiver, which is on this machine.
const allowLoopback = "EVENTFLOW_ALLOW_PRIVATE_DESTINATIONS=true"

// TestKillsUnderProcessors kills one server on SQLite; `make chaos` also kills servers
// and the database of PostgreSQL, which takes too long for every commit.
func TestKillsUnderProcessors(t *testing.T) {
	t.Parallel()
	t.Run("the server on SQLite", theServerIsKilledOnSQLite)
	if thorough() {
		t.Run("two servers on PostgreSQL", serversAreKilledOnPostgres)
		t.Run("PostgreSQL", postgresIsKilled)
	}
}

func theServerIsKilledOnSQLite(t *testing.T) {
	t.Parallel()
	n := newNode(t, "sqlite:"+t.TempDir(), allowLoopback)
	processorsGoOn(t, []*node{n}, func(int) {
		n.kill()
		n.start()
	})
}

func serversAreKilledOnPostgres(t *testing.T) {
	t.Parallel()
	store := pgtest.URL(t).String()
	nodes := []*node{newNode(t, store, allowLoopback), newNode(t, store, allowLoopback)}
	processorsGoOn(t, nodes, func(round int) {
		nodes[round%2].kill()
		nodes[round%2].start()
	})
}

func postgresIsKilled(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Private(t)
	processorsGoOn(t, []*node{newNode(t, cluster.URL(), allowLoopback)}, func(int) {
		cluster.Kill()
		require.NoError(t, cluster.Restart(t.Context()))
	})
}

// processorsGoOn lets something crash under a processor of each kind, stops all nodes
// cleanly in between, and checks what has arrived.
func processorsGoOn(t *testing.T, nodes []*node, crash func(round int)) {
	t.Helper()
	f := newFactory(t, nodes)
	rounds := int64(1)
	if thorough() {
		rounds = kills(t) / 2
	}
	for round := range int(rounds) {
		f.progress(5 + f.random.IntN(20))
		crash(round)
		if round%2 == 1 {
			f.stopAll()
			f.meddle()
		}
	}
	f.stopAll()
	f.progress(10)
	f.check()
}

// The processors of the test.
const (
	sharedHook  = "shared"
	orderedHook = "ordered"
	copier      = "copier"
	copiesTo    = "copies"
	// leaseTime is the visibility of the processors: a killed node's leases last so long.
	leaseTime = core.Seconds(3 * time.Second)
)

// factory is nodes with processors under load.
type factory struct {
	t        *testing.T
	nodes    []*node
	clients  []*rest.Client
	receiver *receiver
	random   *rand.Rand
	calms    []history.Calm

	stop      context.CancelFunc
	producing sync.WaitGroup
	// mu guards acked, the acknowledged offsets whose events pass the filter.
	mu    sync.Mutex
	acked []int64
}

func newFactory(t *testing.T, nodes []*node) *factory {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	f := &factory{t: t, nodes: nodes, random: rand.New(rand.NewPCG(seed, 0)), receiver: newReceiver(t, rand.New(rand.NewPCG(seed, 1)))}
	var key string
	for i, n := range nodes {
		n.start()
		if i == 0 {
			key = n.key()
		}
		f.clients = append(f.clients, n.client(key))
	}
	createStreams(t, f.clients[0], deliveryStream, copiesTo)
	for name, mode := range map[string]core.Mode{sharedHook: core.Shared, orderedHook: core.Ordered} {
		f.create(name, mode, map[string]any{"type": "webhook", "url": f.receiver.url + name, "timeout": requestTimeout.Seconds(), "parallel": 8})
	}
	f.create(copier, core.Ordered, map[string]any{"type": "stream", "stream": copiesTo})
	ctx, stop := context.WithCancel(context.Background())
	f.stop = stop
	t.Cleanup(stop)
	f.producing.Go(func() { f.produce(ctx, rand.New(rand.NewPCG(seed, 2))) })
	return f
}

func (f *factory) create(name string, mode core.Mode, destination map[string]any) {
	f.t.Helper()
	to, err := json.Marshal(destination)
	require.NoError(f.t, err)
	backoff, most, attempts := core.Seconds(50*time.Millisecond), core.Seconds(200*time.Millisecond), core.MaxMaxAttempts
	lease := leaseTime
	spec := core.ProcessorSpec{Start: &core.Start{}, Filter: "payload.keep", Destination: to}
	spec.Name, spec.Mode, spec.Visibility, spec.MaxAttempts = name, mode, &lease, &attempts
	spec.Backoff = &core.BackoffSpec{Initial: &backoff, Max: &most}
	_, err = f.clients[0].CreateProcessor(f.t.Context(), deliveryStream, spec)
	require.NoError(f.t, err)
}

// produce publishes events, of which one in four does not pass the filter. It keeps
// ahead of the slowest processor, and not far.
func (f *factory) produce(ctx context.Context, random *rand.Rand) {
	for n := 0; ctx.Err() == nil; {
		f.mu.Lock()
		ahead := len(f.acked) - f.receiver.took(orderedHook)
		f.mu.Unlock()
		if ahead > 100 {
			<-time.After(retryAfter)
			continue
		}
		events := make([]rest.NewEvent, 1+random.IntN(10))
		keep := make([]bool, len(events))
		for i := range events {
			n++
			keep[i] = random.IntN(4) > 0
			events[i] = rest.NewEvent{Type: "chaos.event", Payload: fmt.Appendf(nil, `{"n": %d, "keep": %t}`, n, keep[i])}
		}
		call, cancel := context.WithTimeout(context.Background(), answerTime)
		result, err := f.clients[random.IntN(len(f.clients))].PublishBatch(call, deliveryStream, events)
		cancel()
		if err != nil {
			<-time.After(retryAfter)
			continue
		}
		f.mu.Lock()
		for i, item := range result.Results {
			if item.Error == nil && keep[i] {
				f.acked = append(f.acked, int64(item.Offset))
			}
		}
		f.mu.Unlock()
	}
}

// progress waits until both webhooks have brought so many more events.
func (f *factory) progress(events int) {
	f.t.Helper()
	for _, name := range []string{orderedHook, sharedHook} {
		goal := f.receiver.took(name) + events
		until(f.t, name+" gets on", func() bool { return f.receiver.took(name) >= goal })
	}
}

// stopAll lets the leases of what was killed end, and then stops and starts all nodes.
func (f *factory) stopAll() {
	f.t.Helper()
	<-time.After(leaseTime.Duration() + requestTimeout)
	calm := history.Calm{From: time.Now()}
	f.progress(10)
	for _, n := range f.nodes {
		n.end(syscall.SIGTERM)
	}
	calm.Stop = time.Now()
	f.calms = append(f.calms, calm)
	for _, n := range f.nodes {
		n.start()
	}
}

// meddle does with the webhooks what people do: it changes, pauses and resumes them.
func (f *factory) meddle() {
	f.t.Helper()
	for _, name := range []string{sharedHook, orderedHook} {
		client := f.clients[f.random.IntN(len(f.clients))]
		most := core.Seconds(time.Duration(100+f.random.IntN(100)) * time.Millisecond)
		change := core.ProcessorChange{GroupChange: core.GroupChange{Backoff: &core.BackoffSpec{Max: &most}}}
		_, err := client.ChangeProcessor(f.t.Context(), deliveryStream, name, change, 0)
		require.NoError(f.t, err)
		f.progress(5)
		_, err = client.PauseProcessor(f.t.Context(), deliveryStream, name)
		require.NoError(f.t, err)
		_, err = client.ResumeProcessor(f.t.Context(), deliveryStream, name)
		require.NoError(f.t, err)
	}
}

// check ends the load, waits for the processors, and compares what has arrived with what
// is in the log.
func (f *factory) check() {
	f.t.Helper()
	f.stop()
	f.producing.Wait()
	client := f.clients[0]
	for _, name := range []string{sharedHook, orderedHook, copier} {
		until(f.t, "the lag of "+name+" ends", settled(f.t, client, name))
	}
	wanted, originals := f.wanted(client)
	require.Subset(f.t, wanted, f.acked, "acknowledged and in the log")
	arrivals := f.receiver.arrivals()
	f.t.Logf("%d events pass the filter, %d acknowledged; %d requests; %d clean stops", len(wanted), len(f.acked), len(arrivals), len(f.calms))
	var broken []history.Violation
	for _, name := range []string{sharedHook, orderedHook} {
		does := history.Processing{Processor: name, Ordered: name == orderedHook, Wanted: wanted, Calms: f.calms}
		does.Letters = letterOffsets(f.t, client, name)
		require.Empty(f.t, does.Letters)
		broken = append(broken, history.CheckArrivals(arrivals, does)...)
	}
	var copies []int64
	for event, err := range client.Events(f.t.Context(), copiesTo, core.EventQuery{Limit: core.MaxPageSize}) {
		require.NoError(f.t, err)
		original, known := originals[event.IdempotencyKey]
		require.True(f.t, known, "a copy of nothing: %s", event.IdempotencyKey)
		copies = append(copies, original)
	}
	broken = append(broken, history.CheckCopies(copies, history.Processing{Processor: copier, Ordered: true, Wanted: wanted})...)
	for _, violation := range broken[:min(len(broken), 20)] {
		f.t.Errorf("promise broken: %s", violation)
	}
}

// wanted returns the offsets whose events pass the filter, and all offsets by the ids of
// their events.
func (f *factory) wanted(client *rest.Client) (wanted []int64, originals map[string]int64) {
	f.t.Helper()
	originals = map[string]int64{}
	for event, err := range client.Events(f.t.Context(), deliveryStream, core.EventQuery{Limit: core.MaxPageSize}) {
		require.NoError(f.t, err)
		originals[event.ID.String()] = int64(event.Offset)
		var payload struct {
			Keep bool `json:"keep"`
		}
		require.NoError(f.t, json.Unmarshal(event.Payload, &payload))
		if payload.Keep {
			wanted = append(wanted, int64(event.Offset))
		}
	}
	return wanted, originals
}
